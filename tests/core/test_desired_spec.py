from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.desired import Backoff, HttpGet, InvalidSpec, Probe, Spec, Suspend, parse
from agent.desired.values import duration_text, lasting, size, size_text

SMALLEST = "apiVersion: gitops-vm/v1\napp: mood\nservice:\n  exec: python -m app\n  port: 8010\n"
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


def spec(addition: str = "", host: str = "vm-1") -> Spec:
    return parse((SMALLEST + addition).encode(), host=host)


def test_the_smallest_file_gets_every_default():
    found = spec()
    service = found.service
    assert (found.api_version, found.app, found.mode, found.suspend) == ("gitops-vm/v1", "mood", "", None)
    assert (found.source.url, found.source.ref, found.source.path) == (None, None, ".")
    assert (found.python.version, found.python.lock, found.python.extras, found.python.require_hashes) == (
        None,
        None,
        (),
        False,
    )
    assert (service.exec, service.port, service.host, service.env) == (("python", "-m", "app"), 8010, "0.0.0.0", {})  # noqa: S104
    assert (service.notify, service.socket_activation, service.public_url, service.watchdog) == (
        False,
        False,
        None,
        None,
    )
    assert service.termination_grace_period == 20 * SECOND
    assert found.rollout.timeout == 5 * MINUTE
    assert found.rollout.retry.limit == 3
    assert (found.rollout.rollback.enabled, found.rollout.rollback.keep) == (True, 3)
    assert (found.sync.interval, found.sync.self_heal.enabled) == (15 * SECOND, True)
    assert backoff(found.rollout.retry.backoff) == (10 * SECOND, 2, 5 * MINUTE)
    assert backoff(found.sync.self_heal.backoff) == (2 * SECOND, 3, 5 * MINUTE)


def test_a_restart_that_is_asked_for_is_another_text_and_nothing_else():
    asked = spec('restartedAt: "2026-11-23T09:00:00Z"\n')

    assert asked.restarted_at == "2026-11-23T09:00:00Z"
    assert asked.model_copy(update={"restarted_at": None}) == spec()
    assert "restartedAt" not in spec().canonical()


def backoff(found: Backoff) -> tuple[timedelta, float, timedelta]:
    return found.duration, found.factor, found.max_duration


def asked(probe: Probe) -> tuple[str, timedelta, timedelta, int]:
    return probe.http_get.path, probe.period, probe.timeout, probe.failure_threshold


def test_start_up_asks_what_readiness_asks_and_liveness_what_start_up_asks():
    service = spec().service
    assert asked(service.readiness_probe) == ("/", 5 * SECOND, 3 * SECOND, 3)
    assert asked(service.startup_probe) == ("/", SECOND, 3 * SECOND, 60)
    assert asked(service.liveness_probe) == ("/", 15 * SECOND, 3 * SECOND, 3)
    service = spec("  readinessProbe: {httpGet: {path: /readyz}}\n").service
    assert [probe.http_get.path for probe in (service.startup_probe, service.liveness_probe)] == ["/readyz", "/readyz"]
    service = spec(
        "  readinessProbe: {httpGet: {path: /readyz}}\n  startupProbe: {httpGet: {path: /healthz}}\n"
    ).service
    assert service.liveness_probe.http_get == HttpGet(path="/healthz")
    service = spec("  readinessProbe: {httpGet: {path: /readyz}}\n  livenessProbe: {periodSeconds: 30}\n").service
    assert asked(service.liveness_probe) == ("/readyz", 30 * SECOND, 3 * SECOND, 3)


def test_a_backoff_that_is_written_in_part_keeps_the_other_defaults_of_its_place():
    assert backoff(spec("sync: {selfHeal: {backoff: {duration: 5s}}}\n").sync.self_heal.backoff) == (
        5 * SECOND,
        3,
        5 * MINUTE,
    )
    assert backoff(spec("rollout: {retry: {backoff: {duration: 1h}}}\n").rollout.retry.backoff) == (
        60 * MINUTE,
        2,
        60 * MINUTE,
    )


@pytest.mark.parametrize(
    ("written", "interval"), [("1ms", 2 * SECOND), ("2s", 2 * SECOND), ("7s", 7 * SECOND), ("999h", 60 * MINUTE)]
)
def test_no_commit_can_make_a_vm_stop_looking_or_look_all_the_time(written: str, interval: timedelta):
    assert spec(f"sync: {{interval: {written}}}\n").sync.interval == interval


@pytest.mark.parametrize(
    ("written", "suspend"),
    [
        ("false", None),
        ("true", Suspend()),
        ("{reason: exam week}", Suspend(reason="exam week")),
        ("{until: 2026-12-01T02:00:00+02:00}", Suspend(until="2026-12-01T00:00:00Z")),
    ],
)
def test_suspend_is_nothing_or_a_reason_and_an_end(written: str, suspend: Suspend | None):
    assert spec(f"suspend: {written}\n").suspend == suspend


def test_until_is_an_aware_instant_in_utc():
    found = spec('suspend: {until: "2026-12-01T01:00:00.5+01:00"}\n').suspend
    assert found is not None
    assert found.until == datetime(2026, 12, 1, 0, 0, 0, 500000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("python -m 'my app'", ("python", "-m", "my app")),
        ('["python", "-c", "print(1); print(2)"]', ("python", "-c", "print(1); print(2)")),
        ('bash -c "cd web && ./run"', ("bash", "-c", "cd web && ./run")),
        ("./run --tag=ü", ("./run", "--tag=ü")),
    ],
)
def test_a_command_is_split_as_a_shell_would_and_never_handed_to_one(written: str, words: tuple[str, ...]):
    assert parse(SMALLEST.replace("python -m app", written).encode(), host="vm-1").service.exec == words


@pytest.mark.parametrize(
    ("written", "path"),
    [("app", "app"), ("./app/", "app"), ("a//b/./c", "a/b/c"), (".", "."), ("./", "."), ("my app/x", "my app/x")],
)
def test_a_path_has_one_spelling(written: str, path: str):
    assert spec(f"source: {{path: {written}}}\n").source.path == path


def test_a_specification_cannot_be_changed_and_can_be_a_key():
    found = spec()
    with pytest.raises(ValueError, match="frozen"):
        found.app = "other"
    assert {found: 1}[spec()] == 1
    assert spec("  env: {A: b}\n") != found


def test_the_canonical_text_does_not_depend_on_order_comments_or_spelling():
    one = spec('sync: {interval: 60s}\nsource: {path: ./app/}\n# note\n  \nmode: "api"\n')
    other = spec("mode: api\nsource: {path: app}\nsync: {interval: 1m}\n")
    assert one.canonical() == other.canonical()
    assert json.loads(one.canonical())["sync"]["interval"] == "1m"


def test_the_canonical_text_does_not_depend_on_the_order_of_variables():
    assert spec("  env: {A: x, B: y}\n").canonical() == spec("  env: {B: y, A: x}\n").canonical()


def test_a_repository_on_this_machine_survives_the_canonical_text():
    found = parse((SMALLEST + "source: {url: /srv/app.git}\n").encode(), host="vm-1", allow_local=True)
    assert Spec.from_canonical(found.canonical()) == found


@pytest.mark.parametrize(
    ("path", "accepted", "refused"),
    [
        ("service.port", (1024, 65535), (1023, 65536)),
        ("service.terminationGracePeriodSeconds", (1, 3600), (0, 3601)),
        ("service.readinessProbe.periodSeconds", (1, 3600), (0, 3601)),
        ("service.readinessProbe.timeoutSeconds", (1, 30), (0, 31)),
        ("service.readinessProbe.failureThreshold", (1, 3600), (0, 3601)),
        ("service.startupProbe.periodSeconds", (1, 3600), (0, 3601)),
        ("service.startupProbe.failureThreshold", (1, 3600), (0, 3601)),
        ("service.livenessProbe.periodSeconds", (1, 3600), (0, 3601)),
        ("service.watchdog", ("1s", "1h"), ("999ms", "1h1ms")),
        ("rollout.timeout", ("1s", "24h"), ("999ms", "24h1ms")),
        ("rollout.retry.limit", (0, 100), (-1, 101)),
        ("rollout.retry.backoff.duration", ("100ms", "24h"), ("99ms", "24h1ms")),
        ("rollout.retry.backoff.maxDuration", ("10s", "24h"), ("9s", "24h1ms")),
        ("rollout.retry.backoff.factor", (1, 10), (0.99, 10.01)),
        ("sync.selfHeal.backoff.duration", ("100ms", "24h"), ("99ms", "24h1ms")),
        ("sync.selfHeal.backoff.factor", (1, 10), (0.99, 10.01)),
        ("rollout.rollback.keep", (1, 20), (0, 21)),
    ],
)
def test_a_number_may_be_as_large_or_small_as_its_bounds_and_no_more(path: str, accepted: tuple, refused: tuple):
    for value in accepted:
        assert parse(with_value(path, value), host="vm-1")
    for value in refused:
        with pytest.raises(InvalidSpec) as invalid:
            parse(with_value(path, value), host="vm-1")
        assert [problem.path for problem in invalid.value.problems] == [path]


def with_value(path: str, value: object) -> bytes:
    document = {"apiVersion": "gitops-vm/v1", "app": "a", "service": {"exec": "a", "port": 8010, "notify": True}}
    around: dict = document
    *maps, last = path.split(".")
    for key in maps:
        around = around.setdefault(key, {})
    around[last] = value
    return json.dumps(document).encode()


def test_text_that_is_no_canonical_specification_is_a_value_error():
    for text in (
        "",
        "{}",
        "null",
        spec().canonical().replace("8010", "80"),
        spec().canonical().replace("app", "ap", 1),
    ):
        with pytest.raises(ValueError, match="Spec"):
            Spec.from_canonical(text)


@given(st.integers(0, 999_999 * 3_600_000))
def test_a_duration_is_written_as_it_is_read(milliseconds: int):
    value = timedelta(milliseconds=milliseconds)
    assert lasting(timedelta(), timedelta(days=10**5)).read(duration_text(value)) == value


@given(st.integers(1, 999_999), st.sampled_from(["Ki", "Mi", "Gi"]))
def test_a_size_is_written_as_it_is_read(count: int, unit: str):
    kind = size(1, 10**18)
    assert kind.read(size_text(kind.read(f"{count}{unit}"))) == kind.read(f"{count}{unit}")


durations = st.builds("{}{}".format, st.integers(1, 59), st.sampled_from(["s", "m"]))
names = st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True)
lines = st.text(st.characters(exclude_categories=("Cc", "Cf", "Cs", "Zl", "Zp", "Cn", "Co")), max_size=20)
probes = st.fixed_dictionaries(
    {},
    optional={
        "httpGet": st.fixed_dictionaries({"path": st.from_regex(r"/[a-z]{0,5}", fullmatch=True)}),
        "periodSeconds": st.integers(1, 3600),
        "timeoutSeconds": st.integers(1, 30),
        "failureThreshold": st.integers(1, 3600),
    },
)
documents = st.fixed_dictionaries(
    {
        "apiVersion": st.just("gitops-vm/v1"),
        "app": names,
        "service": st.fixed_dictionaries(
            {"exec": st.lists(lines, max_size=3).map(lambda rest: ["python", *rest]), "port": st.integers(1024, 65535)},
            optional={
                "env": st.dictionaries(st.from_regex(r"[a-z_]{1,8}", fullmatch=True), lines, max_size=3),
                "readinessProbe": probes,
                "startupProbe": probes,
                "livenessProbe": probes,
                "notify": st.just(True),
                "host": st.ip_addresses().map(str),
                "terminationGracePeriodSeconds": st.integers(1, 3600),
            },
        ),
    },
    optional={
        "mode": names,
        "suspend": st.one_of(
            st.booleans(),
            st.fixed_dictionaries(
                {"reason": lines},
                optional={"until": st.datetimes(min_value=datetime(1971, 1, 1)).map(lambda at: at.isoformat() + "Z")},  # noqa: DTZ001
            ),
        ),
        "source": st.fixed_dictionaries(
            {"url": st.just("git@h:p")}, optional={"ref": st.just({"tag": "v1"}), "path": names}
        ),
        "python": st.fixed_dictionaries(
            {}, optional={"version": st.just("3.11"), "extras": st.lists(st.just("x"), max_size=2)}
        ),
        "rollout": st.fixed_dictionaries(
            {"timeout": durations}, optional={"rollback": st.just({"keep": 1, "enabled": False})}
        ),
        "sync": st.fixed_dictionaries(
            {"interval": durations},
            optional={
                "selfHeal": st.fixed_dictionaries({"backoff": st.fixed_dictionaries({"factor": st.floats(1, 10)})})
            },
        ),
    },
)


@given(documents)
@settings(max_examples=60)
def test_every_specification_survives_its_canonical_text_which_is_a_desired_state_itself(document: dict[str, object]):
    found = parse(json.dumps(document, ensure_ascii=False).encode(), host="vm-1")
    assert Spec.from_canonical(found.canonical()) == found
    assert parse(found.canonical().encode(), host="another-vm") == found
    assert Spec.from_canonical(found.canonical()).canonical() == found.canonical()
