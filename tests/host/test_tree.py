from __future__ import annotations

import os
from pathlib import Path

import pytest

from agent.errors import Broken, Reason, Stalled
from agent.host import disk
from agent.host.git import Remote
from agent.host.links import leads_outside
from agent.host.repository import Repository
from agent.host.tree import materialise
from agent.source import Limits
from tests.process import run
from tests.repo import ALONE, Repo, bare_repository


class Hub:
    def __init__(self, top: Path) -> None:
        self.top = top
        self.bare = bare_repository(top / "hub.git")
        self.clone = Repo.clone(self.bare, top / "clone")
        self.into = top / "release" / "tree"

    def git(self, *words: str, given: str | bytes = b"") -> str:
        return run("git", "--git-dir", self.bare, *words, given=given, env=ALONE).strip()

    def point_at(self, tree: str) -> str:
        commit = self.git("commit-tree", "-m", "by hand", tree)
        self.git("update-ref", "refs/heads/main", commit)
        return commit

    def put(self, limits: Limits | None = None) -> Path:
        remote = Remote(url=str(self.bare), ref="refs/heads/main", runtime=self.top / "run")
        repository = Repository(self.top / "mirror", remote, limits or Limits())
        materialise(repository, repository.fetch(), self.into)
        return self.into

    def refused(self, match: str, limits: Limits | None = None) -> Reason:
        with pytest.raises(Stalled, match=match) as failure:
            self.put(limits)
        assert not self.into.exists()
        assert not self.into.parent.exists() or not list(self.into.parent.iterdir())
        return failure.value.reason


@pytest.fixture
def hub(tmp_path: Path) -> Hub:
    return Hub(tmp_path)


def _files(top: Path) -> dict[str, bytes]:
    return {str(path.relative_to(top)): path.read_bytes() for path in top.rglob("*") if path.is_file()}


def test_the_tree_is_what_was_committed(hub: Hub) -> None:
    hub.clone.write({"app.py": "print()\n", "deep/er/data": b"\x00\xff\r\n", "run.sh": "#!/bin/sh\n", "empty": ""})
    (hub.clone.path / "run.sh").chmod(0o755)
    (hub.clone.path / "link").symlink_to("deep/er/data")
    name = os.fsencode(hub.clone.path) + b"/caf\xe9\nnew"
    Path(os.fsdecode(name)).write_text("a name that is not UTF-8\n")
    hub.clone.deploy("files")
    tree = hub.put()
    expected = {name: data for name, data in _files(hub.clone.path).items() if not name.startswith(".git")}
    assert _files(tree) == expected
    assert (tree / "link").readlink() == Path("deep/er/data")
    assert os.access(tree / "run.sh", os.X_OK)
    assert not os.access(tree / "app.py", os.X_OK)
    assert sorted(path.name for path in tree.parent.iterdir()) == ["tree"]


def test_attributes_neither_hide_nor_rewrite_anything(hub: Hub) -> None:
    attributes = (
        "hidden export-ignore\nsub export-subst\nid ident\ncrlf text eol=crlf\nwide working-tree-encoding=UTF-16\n"
    )
    contents = {"hidden": "h\n", "sub": "$Format:%an$\n", "id": "$Id$\n", "crlf": "a\nb\n", "wide": "wide\n"}
    raw = {**contents, ".gitattributes": attributes + "f filter=evil\n", "f": "plain\n"}
    # Written as objects by hand, for git would convert them on the way in as well.
    rows = [
        f"100644 blob {hub.git('hash-object', '-w', '--stdin', given=text)}\t{name}\n" for name, text in raw.items()
    ]
    hub.point_at(hub.git("mktree", given="".join(rows)))
    assert {name: data.decode() for name, data in _files(hub.put()).items()} == raw


def test_a_link_out_of_the_tree_is_refused(hub: Hub) -> None:
    (hub.clone.path / "link").symlink_to("/etc/passwd")
    hub.clone.deploy("a link")
    assert hub.refused("'link' -> '/etc/passwd' leads out") is Reason.INVALID_SOURCE


@pytest.mark.parametrize(
    ("link", "links", "outside"),
    [
        ("a", {"a": "b"}, False),
        ("d/a", {"d/a": "../b"}, False),
        ("d/a", {"d/a": "./../d/../b"}, False),
        ("a", {"a": "missing/but/inside"}, False),
        ("a", {"a": "."}, False),
        ("a", {"a": "b/x", "b": "c", "c": "d"}, False),
        ("a", {"a": "/etc"}, True),
        ("a", {"a": ".."}, True),
        ("d/a", {"d/a": "../../b"}, True),
        ("d/a", {"d/a": "../../tree/b"}, True),  # comes back in, but only where the directory happens to be called so
        ("a/b/c/out", {"a/b/c/top": "../../..", "a/b/c/out": "top/.."}, True),  # each looks fine by itself
        ("a", {"a": "b", "b": "/etc"}, True),
        ("a", {"a": "a"}, True),
        ("a", {"a": "b", "b": "a"}, True),
    ],
)
def test_links_are_followed_before_they_exist(link: str, links: dict[str, str], outside: bool) -> None:
    assert leads_outside(link, links) is outside


def test_more_links_than_one_answer_holds_are_checked_and_written(hub: Hub) -> None:
    for number in range(2500):
        (hub.clone.path / f"l{number}").symlink_to("app.py")
    hub.clone.deploy("links", {"app.py": "x"})
    assert len(list(hub.put().iterdir())) == 2501


def test_a_submodule_is_refused(hub: Hub) -> None:
    head = hub.clone.deploy("the first", {"app.py": "x"})
    hub.clone.git("update-index", "--add", "--cacheinfo", f"160000,{head},vendor/lib")
    hub.clone.git("commit", "--quiet", "--message=a submodule")
    hub.clone.push()
    assert hub.refused("'vendor/lib' is a submodule") is Reason.INVALID_SOURCE


def test_a_bomb_of_ten_million_files_is_refused_while_it_is_listed(hub: Hub) -> None:
    leaf = hub.git("hash-object", "-w", "--stdin", given="spam\n")
    tree = hub.git("mktree", given="".join(f"100644 blob {leaf}\tf{number}\n" for number in range(10)))
    for _ in range(6):
        tree = hub.git("mktree", given="".join(f"040000 tree {tree}\td{number}\n" for number in range(10)))
    hub.point_at(tree)
    before = os.times().children_user
    assert hub.refused("more than 20000 files") is Reason.LIMIT_EXCEEDED
    assert os.times().children_user - before < 2, "all of it takes git five seconds to list"


def test_a_bomb_of_empty_directories_is_refused(hub: Hub) -> None:
    tree = hub.git("mktree", given="")
    for _ in range(7):
        tree = hub.git("mktree", given="".join(f"040000 tree {tree}\td{number}\n" for number in range(10)))
    hub.point_at(tree)
    assert hub.refused("more than 20000 files or directories") is Reason.LIMIT_EXCEEDED


def test_a_path_that_is_too_deep_is_refused(hub: Hub) -> None:
    hub.clone.deploy("deep", {"d/" * 40 + "file": "x"})
    assert hub.refused("deeper than 40") is Reason.LIMIT_EXCEEDED


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        (Limits(files=3), "more than 3 files"),
        (Limits(file="1Ki"), "'b' has 2000 bytes; limits.file is 1024"),
        (Limits(repository="1Mi"), "more than 1048576 bytes"),
    ],
)
def test_every_limit_is_kept(hub: Hub, limits: Limits, message: str) -> None:
    hub.clone.deploy("large", {"a": "", "b": "x" * 2000, "c": "x" * 1000, "d": "x" * 1_048_576})
    assert hub.refused(message, limits) is Reason.LIMIT_EXCEEDED


def test_a_mirror_that_rots_between_fetch_and_checkout_is_made_anew(hub: Hub) -> None:
    hub.clone.deploy("the first", {"app.py": "one\n", "d/data": "two\n"})
    remote = Remote(url=str(hub.bare), ref="refs/heads/main", runtime=hub.top / "run")
    repository = Repository(hub.top / "mirror", remote, Limits())
    head = repository.fetch()
    for loose in (hub.top / "mirror").glob("objects/??/*"):
        if hub.git("cat-file", "-t", loose.parent.name + loose.name) == "blob":
            loose.unlink()
    materialise(repository, head, hub.into)
    assert _files(hub.into) == {"app.py": b"one\n", "d/data": b"two\n"}


def test_a_disk_without_room_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(Broken, match="are needed; gitops-vm gc --cache frees") as failure:
        disk.require(tmp_path / "not/yet/there", 10**18)
    assert failure.value.reason is Reason.DISK_FULL
