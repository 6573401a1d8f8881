"""The VMs that vms.ini names: `--vms FILE`, $GITOPS_VM_VMS, ./vms.ini, ~/.config/gitops-vm/vms.ini, the first there is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..problems import InvalidSpec
from ..vms import VM, parse
from . import Misuse

if TYPE_CHECKING:
    from .verbs import Call


def fleet(call: Call) -> dict[str, VM]:
    """Section -> VM; empty where there is no file. Raises Misuse for one that was named and is not there, or is wrong."""
    named = call.options.vms or call.environ.get("GITOPS_VM_VMS")
    usual = (Path("vms.ini"), call.paths.config / "vms.ini")
    path = Path(named).expanduser() if named else next((each for each in usual if each.is_file()), None)
    if path is None:
        return {}
    try:
        return parse(path.read_text(), file=str(path))
    except InvalidSpec as invalid:
        raise Misuse(str(invalid)) from invalid
    except UnicodeDecodeError:
        raise Misuse(f"{path} is not text in UTF-8") from None
    except OSError as error:
        raise Misuse(f"{path}: {error.strerror}") from error


def chosen(name: str, vms: dict[str, VM]) -> VM:
    """Raises Misuse naming those there are."""
    if name in vms:
        return vms[name]
    known = f"it has {', '.join(vms)}" if vms else "there is no such file; see docs/vms.md"
    raise Misuse(f"{name!r} is neither a URL (http://... or https://...) nor a VM of vms.ini: {known}")
