from __future__ import annotations

import pytest

from agent.desired import InvalidSpec, Spec, parse

TWO_MODES = """\
apiVersion: gitops-vm/v1
app: mood
mode: api
modes:
  api:
    python: {lock: api.txt}
  local:
    python: {lock: local.txt, extras: [local]}
    service:
      exec: [python, -m, app, --local]
      env: {BACKEND: onnx, LOG: debug}
      startupProbe: {failureThreshold: 120}
service:
  exec: python -m app
  port: 8010
  env: {LOG: info, COLOR: blue}
  startupProbe: {httpGet: {path: /healthz}, periodSeconds: 2}
python: {version: "3.11", extras: [base]}
hosts:
  vm-2:
    mode: local
    service: {port: 8020, env: {COLOR: red}}
  vm-3:
    suspend: {reason: repair}
    sync: {interval: 1m}
    rollout: {rollback: {keep: 5}}
"""


def spec(text: str, host: str) -> Spec:
    return parse(text.encode(), host=host)


def problems(text: str, host: str = "vm-1") -> list[str]:
    with pytest.raises(InvalidSpec) as refused:
        parse(text.encode(), host=host)
    return [str(problem).removeprefix("desired-state.yaml:") for problem in refused.value.problems]


def test_a_vm_that_is_not_named_runs_the_mode_of_the_file():
    merged = spec(TWO_MODES, "vm-1")
    assert (merged.mode, merged.python.lock, merged.python.extras) == ("api", "api.txt", ("base",))
    assert (merged.service.port, merged.service.env) == (8010, {"LOG": "info", "COLOR": "blue"})


def test_a_host_overrides_its_mode_which_overrides_the_rest_and_maps_merge_while_lists_do_not():
    merged = spec(TWO_MODES, "vm-2")
    assert (merged.mode, merged.python.lock, merged.python.version) == ("local", "local.txt", "3.11")
    assert merged.python.extras == ("local",)
    assert merged.service.exec == ("python", "-m", "app", "--local")
    assert merged.service.port == 8020
    assert merged.service.env == {"LOG": "debug", "COLOR": "red", "BACKEND": "onnx"}
    probe = merged.service.startup_probe
    assert (probe.http_get.path, probe.period.total_seconds(), probe.failure_threshold) == ("/healthz", 2, 120)


def test_a_host_can_be_suspended_and_tuned_alone():
    merged, other = spec(TWO_MODES, "vm-3"), spec(TWO_MODES, "vm-1")
    assert merged.suspend is not None
    assert (merged.suspend.reason, merged.sync.interval.total_seconds(), merged.rollout.rollback.keep) == (
        "repair",
        60,
        5,
    )
    assert (other.suspend, other.sync.interval.total_seconds(), other.rollout.rollback.keep) == (None, 15, 3)


def test_what_is_written_for_others_does_not_change_what_this_vm_runs():
    changed = TWO_MODES.replace("port: 8020", "port: 8021").replace("local.txt", "other.txt")
    assert spec(changed, "vm-1").canonical() == spec(TWO_MODES, "vm-1").canonical()
    assert spec(changed, "vm-2").canonical() != spec(TWO_MODES, "vm-2").canonical()


def test_problems_in_parts_meant_for_others_are_reported_with_their_own_paths_and_lines():
    text = TWO_MODES.replace("local.txt", "../x").replace("port: 8020", "port: 80").replace("keep: 5", "keep: 500")
    assert problems(text) == [
        '8: modes.local.python.lock: write a path inside the repository: relative, without "..", not beginning with "-"',
        "22: hosts.vm-2.service.port: 80 is privileged; a user service can bind 1024-65535",
        "26: hosts.vm-3.rollout.rollback.keep: 500 is too large; write 20 or less",
    ]


def test_a_problem_of_the_base_that_every_mode_and_host_shares_is_reported_once():
    assert problems(TWO_MODES.replace("  port: 8010", "  port: 1")) == [
        "15: service.port: 1 is privileged; a user service can bind 1024-65535"
    ]


def test_a_contradiction_that_only_one_mode_or_host_makes_names_it():
    text = TWO_MODES.replace("  port: 8010", "  port: 8010\n  notify: true\n  watchdog: 30s")
    in_mode = text.replace("    service:\n      exec", "    service:\n      notify: false\n      exec")
    needs = 'needs "notify: true": only a program that speaks sd_notify can feed a watchdog'
    assert problems(in_mode) == [f"18: service.watchdog: {needs} (on host vm-2)"]
    assert problems(in_mode.partition("hosts:")[0]) == [f"18: service.watchdog: {needs} (in mode local)"]


def test_what_the_base_leaves_to_the_hosts_is_missed_only_where_no_host_says_it():
    text = TWO_MODES.replace("  port: 8010\n", "").replace("  vm-3:\n", "  vm-3:\n    service: {port: 8030}\n")
    assert spec(text, "vm-2").service.port == 8020
    assert spec(text, "vm-3").service.port == 8030
    assert problems(text, "vm-1") == ["13: service.port: is missing; write port: 8010"]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("mode: api\n", "mode: apy\n", ["3: mode: is not described under modes; write one of api, local"]),
        ("mode: api\n", "", ["1: mode: is missing; write one of api, local"]),
        (
            "    mode: local\n",
            "    mode: locl\n",
            ["21: hosts.vm-2.mode: is not described under modes; write one of api, local"],
        ),
        (
            "  local:\n",
            "  Local:\n",
            [
                '7: modes.Local: is not a name; write 1 to 31 lower-case letters, digits and "-", beginning with a letter',
                "21: hosts.vm-2.mode: is not described under modes; write one of api",
            ],
        ),
        ("  vm-3:\n", "  vm_3:\n", ["23: hosts.vm_3: is not a name; "]),
        ("    sync: {", "    snyc: {", ['25: hosts.vm-3.snyc: unknown key; did you mean "sync"?']),
        (
            "    sync: {",
            "    app: x\n    sync: {",
            ["25: hosts.vm-3.app: unknown key; known here: mode, suspend, restartedAt, python,"],
        ),
        (
            "    python: {lock: api.txt}\n",
            "    python: {lock: api.txt}\n    rollout: {}\n",
            ["7: modes.api.rollout: unknown key; known here: python, service"],
        ),
        (
            "  api:\n    python: {lock: api.txt}\n",
            "  api: api.txt\n",
            ["5: modes.api: write a map with any of python, service"],
        ),
        (
            "    python: {lock: api.txt}\n",
            "    python: {lok: api.txt}\n",
            ['6: modes.api.python.lok: unknown key; did you mean "lock"?'],
        ),
    ],
)
def test_modes_and_hosts_are_held_to_what_they_may_say(old: str, new: str, expected: list[str]):
    found = problems(TWO_MODES.replace(old, new))
    assert len(found) == len(expected)
    assert all(problem.startswith(start) for problem, start in zip(found, expected, strict=True)), found


def test_a_mode_without_a_difference_is_written_as_an_empty_map_and_without_modes_any_short_name_is_one():
    assert (
        spec(
            TWO_MODES.replace("    python: {lock: api.txt}\n", "").replace("  api:\n", "  api: {}\n"), "vm-1"
        ).python.lock
        is None
    )
    assert spec("apiVersion: gitops-vm/v1\napp: a\nmode: x\nservice: {exec: a, port: 8010}\n", "vm-1").mode == "x"


def test_a_fleet_larger_than_the_cap_is_refused_and_one_as_large_is_read():
    head = TWO_MODES.partition("hosts:")[0] + "hosts:\n"
    assert spec(head + "".join(f"  vm-{n}: {{mode: local}}\n" for n in range(100)), "vm-99").mode == "local"
    text = head + "".join(f"  vm-{n}: {{mode: local}}\n" for n in range(101))
    assert problems(text) == ["19: hosts: write a map of at most 100 names, each with what differs there"]
