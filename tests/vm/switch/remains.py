"""What releases leave on the VM's disk: code, environments, models, units, and what lies below the runtime directory."""

from __future__ import annotations

from pathlib import Path

from tests.vm.product import USER, Product

DATA = f"home/{USER}/.local/share/gitops-vm"
PLACES = (
    f"{DATA}/releases",
    f"{DATA}/venvs",
    f"{DATA}/models",
    f"{DATA}/models/blobs",
    f"home/{USER}/.config/systemd/user",
)
RUNTIME = ("launched", "build")


def on_disk(product: Product) -> frozenset[str]:
    """Their paths, with what is half made or half removed."""
    root = Path(f"/proc/{product.machine.leader}/root")
    runtime = (f"run/user/{product.machine.uid(USER)}/gitops-vm/{name}" for name in RUNTIME)
    folders = [folder for each in (*PLACES, *runtime) if (folder := root / each).is_dir()]
    return frozenset(str(path.relative_to(root)) for folder in folders for path in folder.iterdir())
