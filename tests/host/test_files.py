"""Durable writes: with real crashes and failing disks, put into each syscall by strace (hard-cases: no special disk needed)."""

from __future__ import annotations

import os
import shutil
import stat
import sys
from pathlib import Path

import pytest

from agent.host import files
from tests.process import Failed, run

ROOT = Path(__file__).parents[2]


def test_a_file_is_replaced_with_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "not/yet/there"
    files.write(path, "one")
    files.write(path, b"two", mode=0o640)
    assert path.read_bytes() == b"two"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [each.name for each in path.parent.iterdir()] == ["there"]


def test_a_failed_write_leaves_the_old_content_and_no_litter(tmp_path: Path) -> None:
    path = tmp_path / "state"
    path.mkdir()
    with pytest.raises(OSError, match="directory"):
        files.write(path, "a file cannot replace a directory")
    assert [each.name for each in tmp_path.iterdir()] == ["state"]


def test_a_link_is_replaced(tmp_path: Path) -> None:
    for target in ("one", "two"):
        files.link(tmp_path / "current", target)
        assert (tmp_path / "current").readlink() == Path(target)
    assert [each.name for each in tmp_path.iterdir()] == ["current"]


def test_removing_takes_files_links_and_trees_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").touch()
    (tmp_path / "tree" / "deep").mkdir(parents=True)
    (tmp_path / "tree" / "deep" / "file").touch()
    (tmp_path / "tree" / "out").symlink_to(tmp_path / "kept")
    (tmp_path / "link").symlink_to(tmp_path / "kept")
    (tmp_path / "dangling").symlink_to(tmp_path / "nothing")
    (tmp_path / "file").touch()
    for name in ("tree", "link", "dangling", "file", "nothing"):
        files.remove(tmp_path / name)
    assert [str(each.relative_to(tmp_path)) for each in sorted(tmp_path.rglob("*"))] == ["kept", "kept/file"]


def test_a_tree_without_write_permission_is_removed_by_its_owner(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "deep" / "er").mkdir(parents=True)
    (tree / "deep" / "er" / "file").touch()
    for each in (tree / "deep" / "er" / "file", tree / "deep" / "er", tree / "deep", tree):
        each.chmod(0o500)
    code = f"from pathlib import Path; from agent.host import files; files.remove(Path({str(tree)!r}))"
    run(*_as_nobody(tmp_path), sys.executable, "-c", code, cwd=ROOT)
    assert not tree.exists()


def _as_nobody(folder: Path) -> tuple[str, ...]:
    """Root may write everywhere, so give the folder to somebody who may not."""
    if os.geteuid() != 0:
        return ()
    for parent in (folder, *folder.parents):
        if parent.owner() == "root" and not parent.stat().st_mode & 0o001:
            parent.chmod(0o755)
    run("chown", "-R", "65534:65534", folder)
    return ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")


WRITER = """
import sys
from pathlib import Path
from agent.host import files
if len(sys.argv) > 1:
    top = Path(sys.argv[1])
    files.write(top / "state", "new " * 5000)
    files.link(top / "current", "new")
"""


def strace(log: Path, call: str, *arguments: str, inject: str = "") -> None:
    words = ["strace", "-qq", "-o", log, "-e", f"trace={call}", *(["-e", f"inject={call}:{inject}"] if inject else [])]
    run(*words, sys.executable, "-B", "-S", "-c", WRITER, *arguments, cwd=ROOT)


def count(log: Path, call: str, *arguments: str) -> int:
    strace(log, call, *arguments)
    return log.read_text().count(f"{call}(")


@pytest.mark.skipif(not shutil.which("strace"), reason="STRACE IS MISSING: sudo apt-get install strace")
@pytest.mark.parametrize("fault", ["error=ENOSPC", "error=EIO", "signal=SIGKILL"])
@pytest.mark.parametrize("call", ["openat", "write", "fsync", "rename", "symlink"])
def test_a_crash_or_a_bad_disk_leaves_the_old_or_the_new(tmp_path: Path, call: str, fault: str) -> None:
    """Each syscall of the writer in turn fails, or the process is killed in it."""
    log, top = tmp_path / "log", tmp_path / "top"
    top.mkdir()
    before = count(log, call)  # what starting Python takes
    for turn in range(before + 1, count(log, call, str(top)) + 1):
        (top / "state").write_text("old")
        files.link(top / "current", "old")
        with pytest.raises(Failed) as failure:
            strace(log, call, str(top), inject=f"{fault}:when={turn}")
        assert "SIGKILL" in fault or "OSError" in failure.value.err
        assert (top / "state").read_text() in {"old", "new " * 5000}
        assert (top / "current").readlink() in {Path("old"), Path("new")}
    assert (top / "state").exists(), "no call was made to fail"
