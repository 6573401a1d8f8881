"""Which algorithms of an SSH server are weak: those that ssh-audit marks [fail] by their name. Pure.

Source: the database of ssh-audit 3.9.0 (src/ssh_audit/ssh2_kexdb.py), all of it; tests/host/test_sshd.py compares.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

_WEAK = {
    "KEX algorithms": (
        r"diffie-hellman-group(1|14|-exchange)-sha1|diffie-hellman-group1-sha256|gss-(gex|group1|group14)-sha1-.*",
        r".*nistp\d.*|ecdh-sha2-(?!curve25519$|1\.3\.132\.0\.10$).*|gss-13\..*|ecmqv-sha2|rsa1024-sha1",  # NIST and small curves
        r"kexAlgo(DH|ECDH).*|m(383|511)-.*",
    ),
    "host key algorithms": (
        r"ssh-rsa(1|-cert-v0[01]@openssh\.com)?|x509v3-(sign|ssh)-rsa(-sha1)?|(spki|pgp)-sign-rsa",  # signed with SHA-1
        r".*(ssh|sign)-ds[sa].*|dsa\d.*|.*nist[pbkt]\d.*|.*-ecdsa-sha2-1\.3\..*|ecdsa-sha2-1\.3\..*-cert-.*",
        r"ssh-(xmss|gost).*|eddsa-.*|null",
    ),
    "ciphers": (
        r"(3des|des)(-.*)?|(arcfour|blowfish|cast128|crypticore|grasshopper|idea|rijndael|seed|serpent).*|none",
    ),
    "MACs": (r"(hmac-)?(md5|sha1|ripemd(160)?)([-@].*)?|cbcmac-.*|crypticore-.*|none",),
}
_PATTERNS = {kind: re.compile("|".join(parts)) for kind, parts in _WEAK.items()}

KINDS = frozenset(_WEAK)
"""As OpenSSH's client calls them in its debugging output."""


def weak(offered: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """The weak ones among what is offered by kind, each once, sorted."""
    found = {name for kind, names in offered.items() for name in names if _PATTERNS[kind].fullmatch(name)}
    return tuple(sorted(found))
