from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import zlib
from pathlib import Path

import pytest

from agent.errors import Broken, Reason, Stalled, Transient
from agent.host import mirror
from agent.host.git import Remote
from agent.host.repository import Repository
from agent.source import Limits
from tests.gitserver import SshServer
from tests.process import Background, descendants, run
from tests.repo import ALONE, Repo, bare_repository
from tests.sshkey import SshKey
from tests.waiting import wait_for

IMPORTS = {"PYTHONPATH": str(Path(__file__).parents[2])}


class Hub:
    """A bare repository on this machine, a clone that pushes to it, and the mirror under test."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self.bare = bare_repository(top / "hub.git")
        self.clone = Repo.clone(self.bare, top / "clone")
        self.first = self.clone.deploy("the first", {"app.py": "one\n", "deep/er/file": "deep\n"})

    def repository(self, ref: str = "refs/heads/main", limits: Limits | None = None) -> Repository:
        remote = Remote(url=str(self.bare), ref=ref, runtime=self.top / "run")
        return Repository(self.top / "mirror", remote, limits or Limits())

    def fsck(self) -> str:
        return run("git", "--git-dir", self.top / "mirror", "fsck", "--full", env=ALONE)


@pytest.fixture
def hub(tmp_path: Path) -> Hub:
    return Hub(tmp_path)


def test_the_newest_commit_is_fetched_and_read(hub: Hub) -> None:
    repository = hub.repository()
    assert repository.fetch() == hub.first
    assert repository.read(hub.first, "app.py") == b"one\n"
    assert repository.read(hub.first, "deep/er/file") == b"deep\n"
    assert repository.subject(hub.first) == "the first"


@pytest.mark.parametrize("path", ["nothing.py", "deep", "deep/nothing", "app.py/below", "", "../app.py", "/app.py"])
def test_what_is_no_file_is_none(hub: Hub, path: str) -> None:
    repository = hub.repository()
    assert repository.read(repository.fetch(), path) is None


def test_a_later_push_is_fetched_and_the_older_commit_stays_readable(hub: Hub) -> None:
    repository = hub.repository()
    repository.fetch()
    second = hub.clone.deploy("the second", {"app.py": "two\n"})
    assert not repository.contains(second)
    assert repository.fetch() == second
    assert (repository.read(hub.first, "app.py"), repository.read(second, "app.py")) == (b"one\n", b"two\n")


def test_a_commit_that_is_here_is_not_asked_for_again(hub: Hub) -> None:
    repository = hub.repository()
    repository.fetch()
    hub.bare.rename(hub.top / "gone.git")
    assert repository.fetch(hub.first) == hub.first


def test_after_a_branch_one_below_its_name_can_be_followed(hub: Hub) -> None:
    hub.clone.push("origin", "HEAD:refs/heads/next")
    assert hub.repository("refs/heads/next").fetch() == hub.first
    hub.clone.push("origin", ":refs/heads/next", "HEAD:refs/heads/next/step")
    assert hub.repository("refs/heads/next/step").fetch() == hub.first


def test_an_annotated_tag_is_the_commit_it_names(hub: Hub) -> None:
    hub.clone.git("tag", "--annotate", "v1", "--message=one")
    hub.clone.push("origin", "v1")
    assert hub.repository("refs/tags/v1").fetch() == hub.first


def test_a_rewritten_branch_is_followed(hub: Hub) -> None:
    repository = hub.repository()
    hub.clone.deploy("the second", {"app.py": "two\n"})
    repository.fetch()
    hub.clone.git("reset", "--quiet", "--hard", hub.first)
    third = hub.clone.commit("another second", {"app.py": "three\n"})
    hub.clone.push("--force", "origin", "HEAD")
    assert repository.fetch() == third


def test_a_commit_is_fetched_by_its_name_alone(hub: Hub) -> None:
    hub.clone.deploy("the second", {"app.py": "two\n"})
    repository = hub.repository(hub.first)
    assert repository.fetch() == hub.first
    assert repository.read(hub.first, "app.py") == b"one\n"


def test_a_commit_no_branch_names_any_more_is_fetched_by_its_name(hub: Hub) -> None:
    lost = hub.clone.deploy("lost", {"app.py": "lost\n"})
    hub.clone.git("reset", "--quiet", "--hard", hub.first)
    hub.clone.push("--force", "origin", "HEAD")
    assert hub.repository(lost).fetch() == lost


def test_a_commit_that_does_not_exist_is_said_so(hub: Hub) -> None:
    with pytest.raises(Stalled, match="1111 does not exist at") as failure:
        hub.repository().fetch("1" * 40)
    assert failure.value.reason is Reason.REF_NOT_FOUND


@pytest.mark.parametrize("ref", ["refs/heads/none", "refs/tags/none"])
def test_a_ref_that_does_not_exist_is_said_so(hub: Hub, ref: str) -> None:
    with pytest.raises(Stalled, match="none does not exist at") as failure:
        hub.repository(ref).fetch()
    assert failure.value.reason is Reason.REF_NOT_FOUND


def test_options_do_not_pass_for_commits(hub: Hub) -> None:
    repository = hub.repository()
    repository.fetch()
    for word in ("--upload-pack=touch x", "HEAD", "main", hub.first[:8], f"{hub.first}\n"):
        for use in (repository.fetch, repository.subject, repository.contains):
            with pytest.raises(Stalled, match="is not a commit"):
                use(word)


def test_a_link_is_not_read(hub: Hub) -> None:
    (hub.clone.path / "link").symlink_to("app.py")
    head = hub.clone.deploy("a link")
    repository = hub.repository()
    repository.fetch()
    with pytest.raises(Stalled, match="link is a symbolic link"):
        repository.read(head, "link")


@pytest.mark.parametrize("path", ["common", "common/requirements.txt"])
def test_a_submodule_is_said_to_be_one_and_everything_beside_it_is_read(hub: Hub, path: str) -> None:
    hub.clone.git("update-index", "--add", "--cacheinfo", f"160000,{hub.first},common")
    hub.clone.git("commit", "--quiet", "--message=a submodule at the root")
    hub.clone.push()
    repository = hub.repository()
    newest = repository.fetch()
    mirror_before = (hub.top / "mirror").stat().st_ino

    assert repository.read(newest, "app.py") == b"one\n"
    assert repository.read(newest, "requirements.txt") is None
    with pytest.raises(Stalled, match="'common' is a submodule, which is not deployed"):
        repository.read(newest, path)
    assert (hub.top / "mirror").stat().st_ino == mirror_before, "it was taken for damage"


def test_a_file_above_the_limit_is_not_read(hub: Hub) -> None:
    head = hub.clone.deploy("large", {"large": "x" * 1025})
    repository = hub.repository(limits=Limits(file="1Ki"))
    repository.fetch()
    with pytest.raises(Stalled, match="large has 1025 bytes") as failure:
        repository.read(head, "large")
    assert failure.value.reason is Reason.LIMIT_EXCEEDED


def test_a_pack_above_the_limit_is_refused_and_leaves_nothing(hub: Hub) -> None:
    _deploy_noise(hub.clone, 6_000_000)
    repository = hub.repository(limits=Limits(repository="1Mi"))
    with pytest.raises(Stalled, match="is larger than") as failure:
        repository.fetch()
    assert failure.value.reason is Reason.LIMIT_EXCEEDED
    assert not list((hub.top / "mirror" / "objects").rglob("tmp_*"))


@pytest.mark.skipif(os.geteuid() != 0, reason="A SMALL DISK CANNOT BE MOUNTED: needs root")
def test_a_disk_that_fills_up_during_a_fetch_is_said_and_swept(hub: Hub) -> None:
    small = hub.top / "small"
    small.mkdir()
    run("mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", small)
    try:
        _deploy_noise(hub.clone, 6_000_000)
        remote = hub.repository().remote
        mirror.make(small / "mirror")
        with pytest.raises(Broken, match="the disk is full") as failure:
            mirror.fetch(small / "mirror", remote, f"+{remote.ref}:refs/x", size=10**9)
        assert failure.value.reason is Reason.DISK_FULL
        assert shutil.disk_usage(small).used < 1_000_000
    finally:
        run("umount", small)


def _deploy_noise(clone: Repo, size: int) -> str:
    """More objects than git unpacks one by one, so that they stay a pack."""
    with Path("/dev/urandom").open("rb") as random:
        return clone.deploy("noise", {f"f{number}": random.read(size // 120) for number in range(120)})


def test_a_malformed_object_is_refused(hub: Hub) -> None:
    tree = b"100644 .git\0" + bytes.fromhex(hub.clone.git("rev-parse", "HEAD:app.py"))
    words = ("git", "--git-dir", hub.bare)
    name = run(*words, "hash-object", "-t", "tree", "-w", "--literally", "--stdin", given=tree, env=ALONE).strip()
    commit = run(*words, "commit-tree", "-m", "evil", name, env=ALONE).strip()
    run(*words, "update-ref", "refs/heads/main", commit, env=ALONE)
    with pytest.raises(Stalled, match="malformed object"):
        hub.repository().fetch()


def _truncate_a_loose_object(mirror: Path) -> None:
    for loose in mirror.glob("objects/??/*"):
        loose.chmod(0o600)
        loose.write_bytes(b"")


def _spoil_the_packs(mirror: Path) -> None:
    run("git", "--git-dir", mirror, "repack", "-adq", env=ALONE)
    for pack in mirror.glob("objects/pack/*.pack"):
        pack.chmod(0o600)
        data = bytearray(pack.read_bytes())
        for at in range(12, len(data) - 20, 16):
            data[at : at + 4] = b"spam"
        pack.write_bytes(data)


def _object(mirror: Path, what: str) -> str:
    """Of the tracked commit, by its name."""
    ref = run("git", "--git-dir", mirror, "for-each-ref", "--format=%(refname)", "refs/gitops-vm", env=ALONE).split()[0]
    return run("git", "--git-dir", mirror, "rev-parse", f"{ref}{what}", env=ALONE).strip()


def _spoil_in_the_pack(mirror: Path, what: str) -> None:
    name = _object(mirror, what)
    run("git", "--git-dir", mirror, "repack", "-adqF", "--depth=0", env=ALONE)
    pack = next(mirror.glob("objects/pack/*.pack"))
    index = run("git", "show-index", given=pack.with_suffix(".idx").read_bytes(), env=ALONE)
    at = next(int(offset) for offset, each, *_ in map(str.split, index.splitlines()) if each == name)
    data = bytearray(pack.read_bytes())
    data[at + 4 : at + 12] = b"spamspam"
    pack.chmod(0o600)
    pack.write_bytes(data)


def _spoil_only_the_root_tree(mirror: Path) -> None:
    _spoil_in_the_pack(mirror, "^{tree}")


def _spoil_only_a_subtree(mirror: Path) -> None:
    _spoil_in_the_pack(mirror, ":deep")


def _put_another_tree_in_the_place_of_the_root(mirror: Path) -> None:
    """Well-formed, and not what its name says: git itself reads it without a word."""
    tree = _object(mirror, "^{tree}")
    for pack in [*mirror.glob("objects/pack/*.pack")]:
        aside = pack.rename(mirror / pack.name)
        run("git", "--git-dir", mirror, "unpack-objects", "-q", given=aside.read_bytes(), env=ALONE)
        aside.unlink()
        pack.with_suffix(".idx").unlink()
    loose = mirror / "objects" / tree[:2] / tree[2:]
    loose.chmod(0o600)
    loose.write_bytes(zlib.compress(b"tree 0\0"))


def _lose_the_objects(mirror: Path) -> None:
    run("rm", "-rf", mirror / "objects")


def _empty_head(mirror: Path) -> None:
    (mirror / "HEAD").write_bytes(b"")


def _empty_config(mirror: Path) -> None:
    (mirror / "config").write_bytes(b"")


def _spoil_the_config(mirror: Path) -> None:
    (mirror / "config").write_bytes(b"[core\n")


def _empty_the_ref(mirror: Path) -> None:
    next((mirror / "refs/gitops-vm/tracked").iterdir()).write_bytes(b"")


def _lose_everything(mirror: Path) -> None:
    run("rm", "-rf", mirror)


def _put_a_file_in_its_place(mirror: Path) -> None:
    _lose_everything(mirror)
    mirror.write_text("x\n")


def _put_a_dangling_link_in_its_place(mirror: Path) -> None:
    _lose_everything(mirror)
    mirror.symlink_to("nowhere")


def _put_an_empty_directory_in_its_place(mirror: Path) -> None:
    _lose_everything(mirror)
    mirror.mkdir()


DAMAGES = [
    _truncate_a_loose_object,
    _spoil_the_packs,
    _spoil_only_the_root_tree,
    _spoil_only_a_subtree,
    _put_another_tree_in_the_place_of_the_root,
    _lose_the_objects,
    _empty_head,
    _empty_config,
    _spoil_the_config,
    _empty_the_ref,
    _lose_everything,
    _put_a_file_in_its_place,
    _put_a_dangling_link_in_its_place,
    _put_an_empty_directory_in_its_place,
]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__.strip("_"))
def test_a_damaged_mirror_is_made_anew_by_reading(hub: Hub, damage) -> None:
    repository = hub.repository()
    repository.fetch()
    damage(hub.top / "mirror")
    assert repository.read(hub.first, "app.py") == b"one\n"
    assert repository.read(hub.first, "deep/er/file") == b"deep\n"
    assert repository.subject(hub.first) == "the first"


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__.strip("_"))
def test_a_damaged_mirror_is_made_anew_by_the_next_push(hub: Hub, damage) -> None:
    repository = hub.repository()
    repository.fetch()
    damage(hub.top / "mirror")
    second = hub.clone.deploy("the second", {"app.py": "two\n"})
    assert repository.fetch(second) == second
    assert repository.read(second, "app.py") == b"two\n"
    assert repository.read(hub.first, "deep/er/file") == b"deep\n"


def test_a_damaged_mirror_stays_while_the_remote_is_away(hub: Hub) -> None:
    repository = hub.repository()
    repository.fetch()
    _spoil_the_packs(hub.top / "mirror")
    before = sorted((hub.top / "mirror").rglob("*"))
    hub.bare.rename(hub.top / "gone.git")
    with pytest.raises(Broken, match="there is no repository at"):
        repository.read(hub.first, "app.py")
    assert sorted((hub.top / "mirror").rglob("*")) == before


def test_reading_what_the_remote_has_forgotten_is_an_error_that_says_so(hub: Hub) -> None:
    repository = hub.repository()
    repository.fetch()
    with pytest.raises(Stalled, match="does not exist"):
        repository.read("2" * 40, "app.py")


def test_stale_locks_and_half_packs_are_swept(hub: Hub) -> None:
    repository = hub.repository()
    repository.fetch()
    mirror = hub.top / "mirror"
    garbage = [
        mirror / "refs/gitops-vm/tracked.lock",
        mirror / "packed-refs.lock",
        mirror / "objects/pack/tmp_pack_abc",
    ]
    for path in garbage:
        path.touch()
        os.utime(path, (1, 1))
    second = hub.clone.deploy("the second", {"app.py": "two\n"})
    assert repository.fetch() == second
    assert not [path for path in garbage if path.exists()]


@pytest.mark.parametrize("moment", ["tmp_pack", "idx", "lock"])
def test_a_fetch_that_is_killed_leaves_a_mirror_that_works(hub: Hub, moment: str) -> None:
    """kill -9 of everything at once, as soon as the files of that moment are seen."""
    head = _deploy_noise(hub.clone, 6_000_000)
    place = hub.top / "mirror"
    program = (
        "import sys; from pathlib import Path; from agent.host.git import Remote\n"
        "from agent.host.repository import Repository; from agent.source import Limits\n"
        "top = Path(sys.argv[1])\n"
        "remote = Remote(url=str(top / 'hub.git'), ref='refs/heads/main', runtime=top / 'run')\n"
        "Repository(top / 'mirror', remote, Limits()).fetch()\n"
    )
    worker = Background(sys.executable, "-c", program, hub.top, log=hub.top / "log", env={**os.environ, **IMPORTS})
    wait_for(lambda: [*place.rglob(f"*{moment}*")] or not worker.running, f"a file called {moment}")
    for pid in (*descendants(worker.pid), worker.pid):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    worker.stop()
    for garbage in place.rglob("*"):
        os.utime(garbage, (1, 1))
    repository = hub.repository()
    assert repository.fetch() == head
    assert repository.read(head, "app.py") == b"one\n"
    assert not [*place.rglob("tmp_*"), *place.rglob("*.lock")]
    assert "missing" not in hub.fsck()


def test_a_lock_somebody_may_still_hold_is_left_alone(hub: Hub) -> None:
    repository = hub.repository()
    repository.fetch()
    lock = next((hub.top / "mirror/refs/gitops-vm/tracked").iterdir()).with_suffix(".lock")
    lock.touch()
    hub.clone.deploy("the second", {"app.py": "two\n"})
    with pytest.raises(Transient, match="lock") as failure:
        repository.fetch()
    assert failure.value.reason is Reason.GIT_OPERATION_FAILED


def test_packing_spares_a_fresh_commit_that_no_ref_names(hub: Hub) -> None:
    """The status branch's commits are such: they are built in the mirror and pushed from it."""
    repository = hub.repository()
    repository.fetch()
    words = ("git", "--git-dir", hub.top / "mirror")
    tree = run(*words, "rev-parse", f"{hub.first}^{{tree}}", env=ALONE).strip()
    loose = run(*words, "commit-tree", "-m", "status", tree, env=ALONE).strip()
    for number in range(60):
        run(*words, "-c", "fetch.unpackLimit=1", "commit-tree", "-m", str(number), tree, env=ALONE)
        run(*words, "pack-objects", "-q", hub.top / "mirror/objects/pack/pack", given=f"{tree}\n", env=ALONE)
    hub.clone.deploy("the second", {"app.py": "two\n"})
    repository.fetch()
    assert repository.subject(loose) == "status"


def _over_ssh(server: SshServer, top: Path, ref: str) -> Repository:
    remote = Remote(
        url=server.url("app"), ref=ref, runtime=top / "run", key=server.key.private, known_hosts=server.known_hosts
    )
    return Repository(top / "mirror", remote, Limits())


def test_over_ssh_the_same_holds(tmp_path: Path) -> None:
    with SshServer(tmp_path / "ssh", SshKey.generate(tmp_path / "key")) as server:
        server.create("app")
        head = server.clone("app", tmp_path / "clone").deploy("the first", {"app.py": "one\n"})
        repository = _over_ssh(server, tmp_path, "refs/heads/main")
        assert repository.fetch() == head
        server.down()
        with pytest.raises(Transient, match="Connection refused"):
            repository.fetch()
        assert repository.read(head, "app.py") == b"one\n"


def test_where_the_server_hands_out_no_bare_commits_the_branches_bring_it(tmp_path: Path) -> None:
    server = SshServer(tmp_path / "ssh", SshKey.generate(tmp_path / "key"))
    config = tmp_path / "ssh" / "sshd_config"
    # Without protocol 2 a server refuses commits that no ref names.
    config.write_text(config.read_text().replace("AcceptEnv GIT_PROTOCOL\n", ""))
    with server:
        server.create("app")
        clone = server.clone("app", tmp_path / "clone")
        first = clone.deploy("the first", {"app.py": "one\n"})
        clone.deploy("the second", {"app.py": "two\n"})
        assert _over_ssh(server, tmp_path, first).fetch() == first
        assert [*(tmp_path / "mirror/refs/gitops-vm/heads").iterdir()], "the branches were not asked for"
