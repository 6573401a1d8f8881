"""A machine's own root tree: an image, and over it what makes it this machine and lets it reach packages."""

from __future__ import annotations

import os
import shutil
import uuid
from pathlib import Path

from tests.ports import LOOPBACK
from tests.process import Failed, run
from tests.vm import hostsettings

USERS = {"root": 0, "ops": 1000, "mood": 1001}
CERTIFICATES = ("etc/ssl/certs", "usr/local/share/ca-certificates")


def prepare(image: Path, folder: Path, public_key: str, ssh_port: int) -> None:
    """Fill `folder` with what Container starts, and with the `known_hosts` that names its sshd.

    An overlay saves copying 300 MB: `image` (a link), `upper`, `work`, and `root` to mount it on. Where the file system
    carries none (an overlay itself, as in Docker) `root` is a copy, and there is no `upper`.
    """
    for name in ("root", "upper", "work"):
        (folder / name).mkdir(parents=True)
    folder.chmod(0o700)
    (folder / "image").symlink_to(image)
    top = folder / "upper"
    if not _carries_an_overlay(folder):
        top.rmdir()
        top = folder / "root"
        run("cp", "-a", "--reflink=auto", "--no-target-directory", image, top)
    _fill(_Tree(image, top), folder.name, public_key, ssh_port)
    host_key = (top / "etc/ssh/ssh_host_ed25519_key.pub").read_text()
    (folder / "known_hosts").write_text(f"[{LOOPBACK}]:{ssh_port} {host_key}")


def binds() -> list[Path]:
    """What the machine sees of its host, read-only: the local package folders."""
    return hostsettings.shared_folders()


def environment() -> dict[str, str]:
    """What a login finds in its environment through /etc/environment."""
    return hostsettings.environment()


class _Tree:
    """Writes into `top`, in folders that are as `image` has them: an upper folder hides the mode of a lower one."""

    def __init__(self, image: Path, top: Path) -> None:
        self._image, self.top = image, top
        shutil.copystat(image, top)

    def write(self, path: str, content: str) -> None:
        self.folder(str(Path(path).parent))
        (self.top / path).write_text(content)
        (self.top / path).chmod(0o644)

    def folder(self, path: str) -> Path:
        for each in (*reversed(Path(path).parents[:-1]), Path(path)):
            like, here = self._image / each, self.top / each
            if not here.exists():
                here.mkdir(mode=0o755)
                if like.exists():
                    shutil.copystat(like, here)
                    os.chown(here, like.stat().st_uid, like.stat().st_gid)
        return self.top / path


def _carries_an_overlay(folder: Path) -> bool:
    options = f"lowerdir={folder}/image,upperdir={folder}/upper,workdir={folder}/work"
    try:
        run("unshare", "--mount", "mount", "-t", "overlay", "overlay", "-o", options, folder / "root")
    except Failed:
        return False
    return True


def _fill(tree: _Tree, name: str, public_key: str, ssh_port: int) -> None:
    tree.write("etc/hostname", f"{name}\n")
    tree.write("etc/hosts", f"127.0.0.1 localhost\n127.0.1.1 {name}\n::1 localhost\n")
    tree.write("etc/machine-id", f"{uuid.uuid4().hex}\n")
    tree.write("etc/ssh/sshd_config.d/10-listen.conf", f"ListenAddress {LOOPBACK}:{ssh_port}\n")
    run("ssh-keygen", "-A", "-f", tree.top)
    for user in ("ops", "mood"):
        _authorize(tree.folder(f"home/{user}"), USERS[user], public_key)
    tree.write("etc/pip.conf", hostsettings.pip_conf())
    tree.write("etc/environment", "".join(f'{key}="{value}"\n' for key, value in environment().items()))
    for folder in CERTIFICATES:
        if Path("/", folder).is_dir():
            run("cp", "-a", "--no-target-directory", Path("/", folder), tree.folder(folder))
    for file in hostsettings.named_files():
        if not (tree.top / file.relative_to("/")).exists():
            tree.write(str(file.relative_to("/")), file.read_text())


def _authorize(home: Path, uid: int, public_key: str) -> None:
    keys = home / ".ssh" / "authorized_keys"
    keys.parent.mkdir(mode=0o700)
    keys.write_text(f"{public_key}\n")
    keys.chmod(0o600)
    for each in (keys.parent, keys):
        os.chown(each, uid, uid)
