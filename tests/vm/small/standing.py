"""How the machine of this folder stands, looked at by others than the agent: by root, by ssh-audit, by real logins."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.process import Failed, run
from tests.sshserver import audited
from tests.vm.product import USER, Product

PASSWORD = "canary-9d1e-battery-staple"  # noqa: S105 - of a machine that lives for minutes
ENFORCE = Path(__file__).parents[3] / "install" / "enforce.sh"
MACHINE = f"/home/{USER}/.local/share/gitops-vm/state/machine.json"
DROP_IN = "/etc/ssh/sshd_config.d/00-test.conf"
RESTART = (
    "systemctl reset-failed ssh.service 2>/dev/null || true; systemctl restart ssh.service"  # as often as tests wish
)
TRIAL = (
    *("systemd-run", "--user", "--quiet", "--wait", "--pipe", "--collect", "--property=PrivateUsers=yes"),
    *("--property=PrivateTmp=yes", "--property=ProtectHome=read-only", "readlink", "/proc/self/ns/user"),
)


def machine(product: Product) -> dict[str, Any]:
    """The block `machine`, as root finds it in the kernel's own files."""
    root, uid = product.machine.root, product.machine.uid(USER)
    group = f"/sys/fs/cgroup/user.slice/user-{uid}.slice/user@{uid}.service/cgroup.controllers"
    controllers = root(f"cat {group} 2>/dev/null || true").split()
    (kilobytes,) = re.findall(r"MemTotal: +(\d+) kB", root("cat /proc/meminfo"))
    return {
        "sandbox": product.user(*TRIAL) != product.user("readlink", "/proc/self/ns/user"),
        "memoryMax": "memory" in controllers,
        "cpu": "cpu" in controllers,
        "cores": int(root("getconf _NPROCESSORS_ONLN")),
        "memoryBytes": int(kilobytes) * 1024,
        "message": None,
    }


def ssh(product: Product) -> dict[str, Any]:
    """The block `ssh` without its time, as root, ssh-keygen and ssh-audit find it."""
    who = f"user={USER},host={product.machine.address},addr={product.machine.address}"
    settings = product.machine.root(f"/usr/sbin/sshd -T -C {who}").splitlines()
    keys = product.shell("ssh-keygen -lf .ssh/authorized_keys")
    return {
        "passwordAuthentication": "passwordauthentication yes" in settings,
        "keyboardInteractiveAuthentication": "kbdinteractiveauthentication yes" in settings,
        "publickeyAuthentication": "pubkeyauthentication yes" in settings,
        "authorizedKeys": re.findall(r"(?m)^\d+ (SHA256:\S+) ", keys),
        "weak": sorted(audited(sys.executable, product.machine.ssh_port)),
        "message": None,
    }


@contextmanager
def configured(product: Product, settings: str) -> Iterator[None]:
    """A drop-in that comes first, in force; then everything is as it was."""
    product.machine.put(DROP_IN, settings)
    product.machine.root(RESTART)
    try:
        yield
    finally:
        product.machine.root(f"rm {DROP_IN}; {RESTART}")


def takes(product: Product, method: str, folder: Path) -> bool:
    """Whether the user's password opens the machine by this method alone."""
    askpass = folder / "askpass"
    askpass.write_text('#!/bin/sh\necho "$ANSWER"\n')
    askpass.chmod(0o700)
    trust = ("StrictHostKeyChecking=yes", f"UserKnownHostsFile={product.machine.known_hosts}", "ConnectTimeout=10")
    options = (f"-o{each}" for each in (f"PreferredAuthentications={method}", "NumberOfPasswordPrompts=1", *trust))
    place = ("-p", str(product.machine.ssh_port), f"{USER}@{product.machine.address}", "echo", "in")
    asked = {"SSH_ASKPASS": str(askpass), "SSH_ASKPASS_REQUIRE": "force", "ANSWER": PASSWORD, "PATH": "/usr/bin:/bin"}
    try:
        return run("ssh", "-F", "none", *options, *place, env=asked) == "in\n"
    except Failed as failed:
        if "Permission denied (" in failed.err:
            return False
        raise
