from __future__ import annotations

import json
from datetime import timedelta

import pytest

from agent.desired import InvalidSpec
from agent.source import Source, parse

SMALLEST = {"apiVersion": "gitops-vm/v1", "host": "vm-1", "url": "git@github.com:acme/mood.git"}
MIB = 1024**2


def source(**more: object) -> Source:
    return parse(json.dumps({**SMALLEST, **more}).encode())


def problems(**more: object) -> list[str]:
    with pytest.raises(InvalidSpec) as refused:
        source(**more)
    return [str(problem).removeprefix("source.yaml:1: ") for problem in refused.value.problems]


def test_three_lines_are_enough_and_the_branch_for_evidence_is_named_after_the_host():
    found = source()
    assert (found.host, found.ref.full, found.path, found.is_local) == (
        "vm-1",
        "refs/heads/main",
        "desired-state.yaml",
        False,
    )
    assert (found.limits.repository, found.limits.files, found.limits.file) == (500 * MIB, 20_000, 50 * MIB)
    assert (found.packages.index, found.packages.extra_index, found.packages.find_links) == ("default", (), ())
    assert found.packages.torch_backend == "auto"
    assert (found.status.branch, found.status.heartbeat) == ("status/vm-1", timedelta(hours=1))
    assert source(status={"heartbeat": "6h"}).status.branch == "status/vm-1"
    assert source(status={"branch": "status/eu/vm-1"}).status.branch == "status/eu/vm-1"


@pytest.mark.parametrize(
    ("url", "is_local"), [("/srv/git/mood.git", True), ("file:///srv/mood.git", True), ("https://h/p.git", False)]
)
def test_the_repository_may_be_on_this_machine(url: str, is_local: bool):
    assert (source(url=url).url, source(url=url).is_local) == (url, is_local)


def test_the_evidence_may_go_to_a_repository_of_its_own():
    assert source().status.url is None
    for url in ("git@github.com:acme/status.git", "ssh://git@h:2222/s.git", "https://h/s.git"):
        own = source(status={"url": url}).status
        assert (own.url, own.branch) == (url, "status/vm-1")


def test_the_evidence_of_a_repository_on_this_machine_may_stay_on_it():
    assert source(url="/srv/mood.git", status={"url": "/srv/status.git"}).status.url == "/srv/status.git"
    assert source(url="/srv/mood.git", status={"url": "https://h/s.git"}).status.url == "https://h/s.git"


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("/srv/status.git", "a repository on this machine is read only where source.yaml's url is a path"),
        ("file:///srv/status.git", "a repository on this machine is read only where source.yaml's url is a path"),
        ("https://hunter2@h/s.git", "never with a token or password in it"),
        ("https://h/s.git?token=hunter2", "never with a token or password in it"),
        ("http://h/s.git", "is neither encrypted nor authenticated"),
        ("ext::sh -c id", "is not the URL of a repository"),
        ("--upload-pack=touch", "is not the URL of a repository"),
    ],
)
def test_an_address_for_the_evidence_is_held_to_the_same_rules(url: str, why: str):
    (problem,) = problems(status={"url": url, "heartbeat": "6h"})
    assert problem.startswith(f"status.url: {why}")
    assert "hunter2" not in problem


def test_every_problem_of_the_status_is_told_with_its_place():
    found = problems(host="VM", url="nowhere", status={"url": "/srv/s.git", "branch": "main", "heartbeat": 3, "x": 1})
    assert [problem.partition(":")[0] for problem in found] == [
        "host",
        "status.branch",
        "status.heartbeat",
        "status.x",
        "url",
    ]


@pytest.mark.parametrize(
    ("ref", "full", "name"),
    [
        ({"branch": "release/2026"}, "refs/heads/release/2026", "release/2026"),
        ({"tag": "v1.4.0"}, "refs/tags/v1.4.0", "v1.4.0"),
        ({"commit": "4f2c" * 10}, "4f2c" * 10, "4f2c" * 10),
    ],
)
def test_a_branch_a_tag_or_a_commit_is_followed(ref: dict[str, str], full: str, name: str):
    assert (source(ref=ref).ref.full, source(ref=ref).ref.name) == (full, name)


def test_all_problems_come_at_once_and_the_token_stays_out_of_them():
    found = problems(
        host="VM 1",
        url="https://hunter2@github.com/acme/mood.git",
        ref={"branch": "-x"},
        limits={"files": 0, "file": "50MB"},
        packages={"torchbackend": "cpu"},
        verify={"mode": "none"},
    )
    assert "hunter2" not in "".join(found)
    paths = [problem.partition(":")[0] for problem in found]
    assert paths == ["host", "limits.file", "limits.files", "packages.torchbackend", "ref.branch", "url", "verify"]
    assert 'packages.torchbackend: unknown key; did you mean "torchBackend"?' in found
    assert any(
        problem.startswith("url: never with a token or password in it: use an ssh URL, or give them to")
        for problem in found
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *[
            ("host", name)
            for name in (
                "",
                "VM",
                "-vm",
                ".vm",
                "vm.",
                "a..b",
                "vm.lock",
                "vm/1",
                "vm\n",
                "v" * 64,
                "v m",
                "vm@{1}",
                "ü",
            )
        ],
        *[
            ("url", url)
            for url in (
                "",
                "ext::sh -c id",
                "-x",
                "http://h/p",
                "mood.git",
                "../mood",
                "/srv/a b",
                "/srv/../x",
                "/srv\n",
                "~/x",
            )
        ],
        *[
            ("ref", ref)
            for ref in (
                {"branch": "status"},
                {"branch": "status/vm-1"},
                {"branch": "status/x"},
                {},
                {"branch": "a", "tag": "b"},
            )
        ],
        *[("path", path) for path in ("/etc/passwd", "../x", "-x", "x\n")],
        *[
            ("status", status)
            for status in ({"branch": "main"}, {"branch": "status/"}, {"branch": "status/a..b"}, {"branch": "status"})
        ],
        *[("status", {"heartbeat": text}) for text in ("1m", "8760h", 3600)],
        *[("limits", {"file": text}) for text in ("50", 50, "50MB", "0Mi", "1.5Gi", "-1Mi", "999999Gi", "50Mi\n")],
        *[("limits", {"files": count}) for count in (0, -1, "20000", 1e6, 10**7)],
        *[
            ("packages", {"index": url})
            for url in ("https://u:p@h/simple", "https://tok@h/", "-x", "/srv/x", "https://h/?t=x", "h\n", "")
        ],
        *[("packages", {"findLinks": links}) for links in (["-x"], ["wheels"], ["https://u@h/"], ["/srv\nx"], "/srv")],
        *[("packages", {"extraIndex": urls}) for urls in (["default"], "https://h/simple", [5])],
        *[("packages", {"torchBackend": name}) for name in ("", "gpu", "cu", "--x", "cpu\n", 128)],
    ],
    ids=lambda part: repr(part)[:40],
)
def test_a_hostile_value_is_refused_where_it_stands(field: str, value: object):
    assert all(problem.startswith(field) for problem in problems(**{field: value}))


@pytest.mark.parametrize(
    ("part", "key", "accepted", "refused"),
    [
        ("status", "heartbeat", ("5m", "168h"), ("4m59s", "168h1s")),
        ("limits", "repository", ("1Mi", "100Gi"), ("1023Ki", "101Gi")),
        ("limits", "file", ("1Ki", "100Gi"), ("101Gi",)),
        ("limits", "files", (1, 1_000_000), (0, 1_000_001)),
    ],
)
def test_a_limit_may_be_as_large_or_small_as_its_bounds_and_no_more(
    part: str, key: str, accepted: tuple, refused: tuple
):
    for value in accepted:
        assert source(**{part: {key: value}})
    for value in refused:
        assert [problem.partition(":")[0] for problem in problems(**{part: {key: value}})] == [f"{part}.{key}"]


def test_a_missing_field_is_shown_as_it_is_written():
    with pytest.raises(InvalidSpec) as refused:
        parse(b"{}", file="/etc/source.yaml")
    assert [str(problem) for problem in refused.value.problems] == [
        "/etc/source.yaml:1: apiVersion: is missing; write apiVersion: gitops-vm/v1",
        "/etc/source.yaml:1: host: is missing; write host: vm-1",
        "/etc/source.yaml:1: url: is missing; write url: git@github.com:acme/mood.git",
    ]


def test_wheels_may_lie_in_a_folder_or_behind_a_page():
    packages = source(
        packages={
            "index": "http://index.example:8080/simple/",
            "extraIndex": ["https://[::1]:8443/simple"],
            "findLinks": ["/srv/my wheels", "https://h/whl"],
            "torchBackend": "cu128",
        }
    ).packages
    assert packages.index == "http://index.example:8080/simple/"
    assert packages.find_links == ("/srv/my wheels", "https://h/whl")
    assert (packages.extra_index, packages.torch_backend) == (("https://[::1]:8443/simple",), "cu128")
