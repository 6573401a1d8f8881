"""vms.ini: the VMs somebody looks after from elsewhere. The format is docs/vms.md, which bootstrap.py reads as well. Pure."""

from __future__ import annotations

import configparser
import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from .addresses import refusal, repository_refusal
from .problems import Findings

_HOST = re.compile(r"[A-Za-z0-9\[][A-Za-z0-9_.:%\]-]{0,253}")
_USER = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}\$?")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")
_KEY = r"(?:SHA256:[A-Za-z0-9+/]{43}|(?!SHA256:)[^-,\s][^,\n]*)"
_KEPT = re.compile(rf"\s*(?:{_KEY}(?:\s*[,\n]\s*{_KEY})*\s*,?)?\s*")
MOST_PORTS = 65535

_FORMS = {
    "host": (_HOST, "write a name or an address, without user and port"),
    "user": (_USER, "write the name of the account the agent runs as"),
    "identity": (re.compile(r"[^-].*"), "write the path of a private ssh key"),
    "host-key-fingerprint": (_FINGERPRINT, "write it as ssh-keygen -l prints it: SHA256:..."),
    "keep-key": (_KEPT, "write fingerprints SHA256:... or files of keys, with commas between them"),
    "name": (_NAME, "write what follows status/ in the name of its branch"),
}
KEYS = ("host", "port", "user", "identity", "keep-key", "repo", "status-repo", "host-key-fingerprint", "url", "name")


@dataclass(frozen=True, slots=True, kw_only=True)
class VM:
    """One section. Empty means not written; `name` is then the section's, and so is the host."""

    section: str
    name: str
    host: str = ""
    port: int | None = None
    user: str = ""
    identity: str = ""
    keep_key: str = ""
    repo: str = ""
    status_repo: str = ""
    host_key_fingerprint: str = ""
    url: str = ""

    @property
    def evidence(self) -> str:
        """The repository its status branch is in."""
        return self.status_repo or self.repo


def parse(text: str, *, file: str) -> dict[str, VM]:
    """Section -> VM, in the order of the file. Raises InvalidSpec with every problem."""
    findings = Findings(file=file)
    ini = configparser.ConfigParser(interpolation=None, default_section="DEFAULT")
    try:
        ini.read_string(text, source=file)
    except configparser.Error as error:
        line, message = _unreadable(error)
        findings.add(line, (), message)
        findings.verdict()
    lines = _lines(text)
    vms = {section: _vm(section, dict(ini[section]), findings, lines) for section in ini.sections()}
    findings.verdict()
    return vms


def _unreadable(error: configparser.Error) -> tuple[int, str]:
    """What went wrong, without configparser's own text: it repeats the line, which may hold anything."""
    match error:
        case configparser.DuplicateSectionError():
            return error.lineno or 1, f"a second [{error.section}]"
        case configparser.DuplicateOptionError():
            return error.lineno or 1, f"{error.option} is there twice in [{error.section}]"
        case configparser.MissingSectionHeaderError():
            return error.lineno, "write the name of a VM in brackets first: [vm-1]"
        case configparser.ParsingError():
            return error.errors[0][0], "write key = value"
    return 1, "this is no INI file"


def _vm(section: str, written: dict[str, str], findings: Findings, lines: Mapping[tuple[str, str], int]) -> VM:
    def complain(key: str, message: str) -> None:
        line = lines.get((section, key)) or lines.get(("DEFAULT", key)) or lines.get((section, "")) or 1
        findings.add(line, (section, key) if key else (section,), message)

    if not is_name(section):
        complain("", "name the VM with letters, digits, dots and dashes")
    for key, value in written.items():
        if message := _problem(key, value):
            complain(key, message)
    port = written.get("port", "")
    return VM(
        section=section,
        port=int(port) if is_port(port) else None,
        **{
            key.replace("-", "_"): value
            for key, value in {"name": section, **written}.items()
            if key in KEYS and key != "port"
        },
    )


def _problem(key: str, value: str) -> str:
    if key not in KEYS:
        close = difflib.get_close_matches(key, KEYS, n=1)
        return f'unknown key; did you mean "{close[0]}"?' if close else f"unknown key; known here: {', '.join(KEYS)}"
    if key == "port":
        return "" if is_port(value) else f"write a number from 1 to {MOST_PORTS}"
    if key == "url":
        return refusal(value)
    if key in {"repo", "status-repo"}:
        return repository_refusal(value)
    pattern, message = _FORMS[key]
    return "" if pattern.fullmatch(value) else message


def is_name(text: str) -> bool:
    """Of a VM: letters, digits, dots and dashes."""
    return bool(_NAME.fullmatch(text))


def is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= MOST_PORTS


def _lines(text: str) -> dict[tuple[str, str], int]:
    """(section, key) -> line; the section itself is under the key ""."""
    found: dict[tuple[str, str], int] = {}
    section = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if header := re.match(r"\[(.+)\]", line):
            section = header[1]
            found.setdefault((section, ""), number)
        elif written := re.match(r"([^=:#;\s]+)\s*[=:]", line):
            found.setdefault((section, written[1].lower()), number)
    return found
