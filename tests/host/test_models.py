"""Models from a hub that speaks the real protocol, and fails in every way it can."""

from __future__ import annotations

import hashlib
import os
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from agent.desired import Model
from agent.errors import Reason, Stalled, Transient
from agent.host.hub import Fetcher, Hub
from agent.host.models import Models
from agent.paths import Paths, locate
from tests.hubserver import COMMIT, HubServer, Repo, git_name, large
from tests.ports import free_port
from tests.process import run
from tests.waiting import wait_for

NAME = "acme/mood"
WEIGHTS = large()
FILES = {"config.json": b'{"labels": 6}', "onnx/model.onnx": large(150_000), "model.safetensors": WEIGHTS, "empty": b""}
MODEL = Model(repo=NAME, revision=COMMIT)


@pytest.fixture
def hub() -> Iterator[HubServer]:
    with HubServer() as hub:
        hub.repos[NAME] = Repo(dict(FILES))
        yield hub


class Site:
    """One VM's models, and what was said while they were fetched."""

    def __init__(self, top: Path, url: str) -> None:
        self.paths: Paths = locate({"GITOPS_VM_HOME": str(top)}, uid=os.getuid())
        self.models = Models(self.paths)
        self.said: list[str] = []
        self.url = url

    def fetch(self, *models: Model, token: str = "", deadline: timedelta = timedelta(minutes=1)) -> None:
        hub = Hub(self.url, token, str(self.paths.environment))
        fetcher = Fetcher(hub, self.models, self.said.append, deadline=deadline)
        fetcher.fetch(fetcher.survey(models or (MODEL,)))

    def laid_out(self, *models: Model) -> Path:
        place = self.paths.releases / f"r{len(list(self.paths.releases.glob('*')))}"
        self.models.put(place, models or (MODEL,))
        return place

    def on_disk(self) -> set[str]:
        return {path.name for path in self.models.blobs.glob("*")}


@pytest.fixture
def site(tmp_path: Path, hub: HubServer) -> Site:
    return Site(tmp_path / "vm", hub.url)


def refused(kind: type[Exception], site: Site, *models: Model, token: str = "") -> tuple[Reason, str]:
    with pytest.raises(kind) as failure:
        site.fetch(*models, token=token)
    return failure.value.reason, str(failure.value)


def test_what_was_fetched_is_what_the_hub_has_and_is_found_offline_by_its_name(site: Site, hub: HubServer) -> None:
    site.fetch()

    assert (site.models.complete(), site.models.remains()) == ({MODEL.id}, frozenset())
    assert site.said[0] == f"looking up the model {NAME}"
    assert site.said[-1].startswith(f"fetching the model {NAME}: ")
    assert site.said[-1].endswith(" of 3 MB")
    program = (
        "import sys; from huggingface_hub import hf_hub_download, snapshot_download\n"
        f"print(snapshot_download({NAME!r}))\n"
        f"sys.stdout.write(open(hf_hub_download({NAME!r}, 'config.json')).read())"
    )
    place, log = site.laid_out(), len(hub.asked)
    said = run(
        *(sys.executable, "-c", program),
        env={**os.environ, "HF_HUB_CACHE": str(place), "HF_HUB_OFFLINE": "1", "HF_ENDPOINT": hub.url},
    )
    snapshot, config = said.split("\n", 1)
    found = {str(path.relative_to(snapshot)): path.read_bytes() for path in Path(snapshot).rglob("*") if path.is_file()}
    assert (found, config.encode()) == (FILES, FILES["config.json"])
    assert len(hub.asked) == log


def test_what_is_here_is_not_fetched_again(site: Site, hub: HubServer) -> None:
    site.fetch()
    hub.asked.clear()
    newer = Model(repo=NAME, revision="1" * 40)
    hub.repos[NAME] = Repo(FILES | {"config.json": b"{}"}, commit=newer.revision)

    site.fetch(newer)

    assert [each.path for each in hub.asked if "resolve" in each.path] == [
        f"/{NAME}/resolve/{newer.revision}/config.json"
    ]
    assert site.models.complete() == {MODEL.id, newer.id}


def test_only_the_files_that_are_asked_for_come(site: Site, hub: HubServer) -> None:
    some = Model(repo=NAME, revision=COMMIT, files=("*.json", "onnx/*"))
    site.fetch(some)

    assert hub.sent.keys() == {"config.json", "onnx/model.onnx"}
    reason, said = refused(Stalled, site, Model(repo=NAME, revision=COMMIT, files=("*.gguf",)))
    assert reason is Reason.MODEL_UNAVAILABLE
    assert (
        said
        == f"models: no file of {NAME} matches its files; there is config.json, empty, model.safetensors, onnx/model.onnx"
    )


def test_a_connection_that_is_cut_is_taken_up_where_it_ended(site: Site, hub: HubServer) -> None:
    hub.faults.cut, hub.faults.cuts = {"model.safetensors": 600_000}, 2

    site.fetch()

    assert site.models.complete() == {MODEL.id}
    ranges = [each.range for each in hub.asked if each.path.startswith("/cdn/") and "safetensors" in each.path]
    assert [bool(each) for each in ranges] == [False, True, True]
    assert hub.sent["model.safetensors"] < 1.3 * len(WEIGHTS)


def test_the_next_try_goes_on_where_the_last_one_ended(site: Site, hub: HubServer) -> None:
    hub.faults.cut = {"model.safetensors": 0}  # as soon as it has begun
    part = site.models.blobs / f"{_sha(WEIGHTS)}.part"
    assert refused(Transient, site) == (
        Reason.HUB_UNREACHABLE,
        f"the model {NAME} cannot be fetched: {hub.url} does not answer (RemoteProtocolError)",
    )
    assert (site.models.complete(), site.models.remains()) == (frozenset(), {MODEL.id})
    part.write_bytes(WEIGHTS[:1_500_000])
    hub.faults.cut = {}
    hub.sent.clear()

    site.fetch()

    assert hub.sent["model.safetensors"] == len(WEIGHTS) - 1_500_000
    assert site.models.complete() == {MODEL.id}
    assert not part.exists()


def test_bytes_that_are_not_what_the_hub_says_never_count(site: Site, hub: HubServer) -> None:
    for path in ("config.json", "model.safetensors"):
        hub.faults.wrong = {path}
        reason, said = refused(Transient, site)
        assert reason is Reason.MODEL_UNAVAILABLE
        assert said == f"{path} of the model {NAME} is not what {hub.url} says it is (its digest differs)"
        assert not site.models.complete()
    assert not {name for name in site.on_disk() if name.endswith(".part")}

    hub.faults.wrong = set()
    site.fetch()
    assert site.models.complete() == {MODEL.id}


def test_what_a_push_has_to_cure_says_which_model_and_what_to_do(site: Site, hub: HubServer) -> None:
    nowhere = Model(repo="acme/nowhere", revision=COMMIT)
    moved = Model(repo=NAME, revision="2" * 40)
    reason, said = refused(Stalled, site, nowhere)
    assert reason is Reason.MODEL_UNAVAILABLE
    assert said.startswith(f"there is no model acme/nowhere at {hub.url}, or it is private; correct models and push; ")
    assert said.endswith(f"on the VM, write HF_TOKEN=... into {site.paths.environment} (mode 0600)")
    assert refused(Stalled, site, nowhere, token=hub.token)[1].startswith("there is no model acme/nowhere at ")
    assert f"the model {NAME} has no commit {'2' * 40} at {hub.url}" in refused(Stalled, site, moved)[1]
    assert not site.on_disk()


def test_a_gated_model_says_that_it_needs_a_token_and_comes_with_one(site: Site, hub: HubServer) -> None:
    hub.repos[NAME].gated = True
    hint = f"accept its terms at {hub.url}/{NAME}, then on the VM, "
    assert refused(Stalled, site)[1] == (
        f"the model {NAME} is gated, and it needs a token; "
        f"{hint}write HF_TOKEN=... into {site.paths.environment} (mode 0600)"
    )
    said = refused(Stalled, site, token="hf_wrong")[1]  # noqa: S106 - no token of anybody
    assert said.startswith(f"the model {NAME} is gated, and its token is not enough; {hint}replace HF_TOKEN in ")

    site.fetch(token=hub.token)

    assert site.models.complete() == {MODEL.id}
    assert {each.token for each in hub.asked if each.path.startswith("/cdn/")} == {""}


def test_a_token_that_the_hub_does_not_know_is_to_be_replaced(site: Site, hub: HubServer) -> None:
    hub.faults.code = 401

    said = refused(Stalled, site, token="hf_old")[1]  # noqa: S106 - no token of anybody

    env = site.paths.environment
    assert said == f"{hub.url} refuses the model {NAME} (401); on the VM, replace HF_TOKEN in {env} (mode 0600)"


def test_a_token_that_cannot_be_sent_is_not_repeated(site: Site) -> None:
    said = refused(Stalled, site, token="hf_secret\nvalue")[1]  # noqa: S106 - no token of anybody

    assert "HF_TOKEN holds what no token can" in said
    assert "hf_secret" not in said


@pytest.mark.parametrize("code", [429, 500, 503, 408])
def test_a_hub_that_has_a_bad_day_is_asked_again_later(site: Site, hub: HubServer, code: int) -> None:
    hub.faults.code = code

    assert refused(Transient, site) == (
        Reason.HUB_UNREACHABLE,
        f"the model {NAME} cannot be fetched: {hub.url} answers {code}",
    )


def test_a_hub_that_is_not_there_is_asked_again_later(site: Site) -> None:
    site.url = f"http://127.0.0.1:{free_port()}"

    assert refused(Transient, site) == (
        Reason.HUB_UNREACHABLE,
        f"the model {NAME} cannot be fetched: {site.url} does not answer (ConnectError)",
    )


@pytest.mark.parametrize("name", ["../escape", "/etc/escape", "a/../../escape", "./x", "a\nb"])
def test_a_hub_cannot_write_outside(site: Site, hub: HubServer, name: str) -> None:
    hub.repos[NAME].files = {name: b"x"}

    assert refused(Transient, site)[1] == f"{hub.url} does not answer as a model hub does"
    assert not site.paths.models.exists()


def test_its_time_ends_and_what_has_come_stays(site: Site) -> None:
    with pytest.raises(Transient) as failure:
        site.fetch(deadline=timedelta(0))

    assert failure.value.reason is Reason.DEADLINE_EXCEEDED
    assert str(failure.value) == f"the model {NAME} was not whole within 0 h; the next try goes on from there"


def test_how_far_it_is_can_be_seen_while_it_comes(site: Site, hub: HubServer) -> None:
    hub.repos[NAME].files = {"model.safetensors": large(9_000_000)}
    hub.faults.hold = {"model.safetensors": 4_500_000}
    fetch = threading.Thread(target=site.fetch)
    fetch.start()
    try:
        wait_for(lambda: hub.sent["model.safetensors"] >= 4_400_000, "half of it to come")
        assert site.models.remains() == {MODEL.id}
    finally:
        hub.faults.go_on.set()
        fetch.join()
    assert site.said[1] == f"fetching the model {NAME}: 0 of 9 MB"


def test_what_no_other_model_has_goes_with_it_and_releases_keep_what_they_were_given(
    site: Site, hub: HubServer
) -> None:
    newer = Model(repo=NAME, revision="1" * 40)
    site.fetch()
    hub.repos[NAME] = Repo({"model.safetensors": WEIGHTS, "config.json": b"{}"}, commit=newer.revision)
    site.fetch(newer)
    release = site.laid_out()

    assert {path.name for path in site.models.paths({MODEL.id})} == {
        git_name(FILES["config.json"]),
        git_name(b""),
        _sha(FILES["onnx/model.onnx"]),
    }
    site.models.remove({MODEL.id})

    assert site.on_disk() == {git_name(b"{}"), _sha(WEIGHTS)}
    assert site.models.complete() == {newer.id}
    config = release / "models--acme--mood" / "snapshots" / COMMIT / "config.json"
    assert config.read_bytes() == FILES["config.json"]
    site.models.remove({newer.id})
    assert (site.on_disk(), site.models.complete(), site.models.remains()) == (set(), frozenset(), frozenset())


def test_what_was_half_fetched_goes_without_a_trace(site: Site, hub: HubServer) -> None:
    hub.faults.cut = {"model.safetensors": 0}
    refused(Transient, site)
    (site.models.blobs / f"{_sha(WEIGHTS)}.part").write_bytes(b"half")
    assert site.models.remains() == {MODEL.id}

    site.models.remove(site.models.remains())

    assert [path for path in site.paths.models.rglob("*") if path.is_file()] == []


def test_a_model_that_lost_a_file_is_whole_no_more_and_is_mended(site: Site, hub: HubServer) -> None:
    site.fetch()
    (site.models.blobs / _sha(WEIGHTS)).unlink()
    assert (site.models.complete(), site.models.remains()) == (frozenset(), {MODEL.id})
    with pytest.raises(Transient, match=r"model\.safetensors of the model acme/mood has vanished"):
        site.laid_out()
    hub.sent.clear()

    site.fetch()

    assert hub.sent == {"model.safetensors": len(WEIGHTS)}
    assert site.models.complete() == {MODEL.id}


def test_a_program_cannot_change_what_others_share(site: Site) -> None:
    site.fetch()
    weights = site.laid_out() / "models--acme--mood" / "snapshots" / COMMIT / "model.safetensors"

    assert weights.stat().st_mode & 0o777 == 0o444
    assert weights.stat().st_nlink == 2


def _sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
