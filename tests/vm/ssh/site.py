"""A VM as a class is handed it: everybody's user `student-admin`, one key for all, a password, cloud-init's settings."""

from __future__ import annotations

from tests.process import run
from tests.vm.machine import Machine

USER = "student-admin"
PASSWORD = "canary-7f3b-correct-horse"  # noqa: S105 - of machines that live for a minute
SSH = f"/home/{USER}/.ssh"
KEYS = f"{SSH}/authorized_keys"
DROP_INS = "/etc/ssh/sshd_config.d"
SUDOERS = f"/etc/sudoers.d/90-{USER}"
SUDO = {"free": "NOPASSWD:ALL", "password": "ALL"}

LIST = f"""\
find /etc/ssh {SSH} -type f ! -name full -printf '%p %m %u %i %T+\\n'
find /etc/ssh {SSH} -type f ! -name full -exec sha256sum {{}} +
"""

TAKE_BACK = f"""\
id {USER} >/dev/null 2>&1 || useradd --create-home --shell /bin/bash {USER}
install -d -m 700 -o {USER} -g {USER} {SSH}
umount -q {SSH} {DROP_INS} /etc/systemd/system /var/lib/gitops-vm || true
systemctl -q stop gitops-vm-ssh-revert.timer 2>/dev/null || true
rm -rf {SSH}/* {SSH}/.gitops* /var/lib/gitops-vm {SUDOERS} /etc/systemd/system/*gitops-vm* /etc/systemd/system/*/*gitops-vm*
find {DROP_INS} -type f ! -name 10-listen.conf -delete
systemctl daemon-reload
"""

# A file system of its own, with what was there, and no room. What sshd reads it has read from there.
FILL = """\
mkdir -p "$1"
cp -a "$1" /run/kept
mount -t tmpfs -o size=256k tmpfs "$1"
cp -a /run/kept/. "$1"
rm -r /run/kept
cat /dev/zero >"$1/full" 2>/dev/null || true
case $1 in /etc/ssh*) systemctl restart ssh.service ;; esac
"""


class Site:
    def __init__(self, machine: Machine, entry: str) -> None:
        """`entry` is the class's public key."""
        self.machine = machine
        # Without a newline at its end: such files exist, and swallow the next line.
        self.handed_out = f"# handed out with the VM\n{entry}"
        self.has_root = True
        self.fingerprint = run("ssh-keygen", "-lf", machine.known_hosts).split()[1]

    def hand_out(self, sudo: str | None = "free", *, by_socket: bool = False) -> None:
        """As it comes, whatever was done to it before. `sudo`: free, password or None. `by_socket`: systemd listens, and
        starts sshd with the first connection."""
        root = self.machine.root
        root(TAKE_BACK)
        root("chpasswd", given=f"{USER}:{PASSWORD}\n")
        if sudo:
            self.machine.put(SUDOERS, f"{USER} ALL=(ALL) {SUDO[sudo]}\n", mode=0o440)
        self.has_root = sudo is not None
        self.drop_in("50-cloud-init.conf", "PasswordAuthentication yes\n")
        root(f"cat > {KEYS}; chmod 600 {KEYS}; chown {USER}: {KEYS}", given=self.handed_out)
        root("systemctl restart ssh.service")
        if by_socket:
            listen = f"[Socket]\nListenStream=\nListenStream={self.machine.address}:{self.machine.ssh_port}\n"
            self.machine.put("/etc/systemd/system/ssh.socket.d/listen.conf", listen)
            root("systemctl -q disable --now ssh.service; systemctl -q enable --now ssh.socket")

    def drop_in(self, name: str, content: str) -> None:
        """Left by somebody, and not in force before sshd is started anew."""
        self.machine.put(f"{DROP_INS}/{name}", content)

    def files(self) -> dict[str, tuple[str, ...]]:
        """What decides who gets in: for each file its mode, owner, digest, inode and time of change."""
        rows = [line.split() for line in self.machine.root(LIST).splitlines()]
        digests = {row[1]: row[0] for row in rows if len(row) == 2}
        return {row[0]: (row[1], row[2], digests[row[0]], row[3], row[4]) for row in rows if len(row) == 5}

    def keys(self) -> str:
        """Its authorized_keys."""
        return self.machine.get(KEYS)

    def effective(self) -> str:
        """What sshd would do for a login of this user, were it started now; its complaint where it would not start."""
        place = f"user={USER},host={self.machine.address},addr={self.machine.address}"
        return self.machine.root(f"mkdir -p /run/sshd; sshd -T -C {place} 2>&1 || true")

    def pending(self) -> bool:
        """Whether a change of ours still waits to be confirmed or undone."""
        units = "gitops-vm-ssh-revert.timer gitops-vm-ssh-revert.service"
        return "activ" in self.machine.root(f"systemctl is-active {units} | grep -v inactive || true")

    def full(self, folder: str) -> list[str]:
        """The command, run on the host, after which nothing more can be written below a folder over there."""
        return self.machine.root_argv(["sh", "-euc", FILL, "fill", folder])
