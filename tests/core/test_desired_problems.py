from __future__ import annotations

import pytest

from agent.desired import InvalidSpec, Problem, parse

SMALLEST = "apiVersion: gitops-vm/v1\napp: mood\nservice:\n  exec: python -m app\n  port: 8010\n"


def problems(text: str, host: str = "vm-1") -> list[str]:
    with pytest.raises(InvalidSpec) as refused:
        parse(text.encode(), host=host)
    return [str(problem).removeprefix("desired-state.yaml:") for problem in refused.value.problems]


def test_a_problem_says_file_line_path_and_what_to_write():
    with pytest.raises(InvalidSpec) as refused:
        parse(SMALLEST.replace("8010", "80").encode(), file="deploy/vm.yaml", host="vm-1")
    said = "80 is privileged; a user service can bind 1024-65535"
    assert refused.value.problems == (Problem(file="deploy/vm.yaml", line=5, path="service.port", message=said),)
    assert str(refused.value) == f"deploy/vm.yaml:5: service.port: {said}"


def test_all_problems_come_at_once_in_the_order_of_their_lines():
    text = """\
apiVersion: gitops-vm/v2
app: Mood
suspend: maybe
service:
  exec: "python 'app.py"
  prot: 8010
  env:
    A: 3.10
    B: true
    A: x
rollout:
  timeout: 5
  rollback: {keep: 0, enabled: "yes"}
extra: &anchor 1
"""
    assert problems(text) == [
        "1: apiVersion: write 'gitops-vm/v1'",
        '2: app: write 1 to 31 lower-case letters, digits and "-", beginning with a letter',
        '3: suspend: write true, false, or {reason: "exam week", until: "2026-12-01T00:00:00Z"}',
        "4: service.port: is missing; write port: 8010",
        "5: service.exec: cannot be split into words: no closing quotation",
        '6: service.prot: unknown key; did you mean "port"?',
        '8: service.env.A: 3.10 is a number in YAML; write it in quotes: "3.10"',
        '9: service.env.B: true is a boolean in YAML; write it in quotes: "true"',
        "10: service.env.A: stands in line 8 already; keep one",
        '12: rollout.timeout: write a duration with its unit, such as "500ms", "30s", "5m" or "1h30m"',
        "13: rollout.rollback.enabled: write true or false",
        "13: rollout.rollback.keep: 0 is too small; write 1 or more",
        "14: extra: anchors (&) and aliases (*) are not read; write the value out",
    ]


@pytest.mark.parametrize(
    ("addition", "said"),
    [
        ("intervall: 5s\n", "6: intervall: unknown key here; known here: "),
        ("aap: x\n", '6: aap: unknown key; did you mean "app"?'),
        ("mods: {}\n", '6: mods: unknown key; did you mean "modes"?'),
        ("host: {}\n", '6: host: unknown key; did you mean "hosts"?'),
        ("rollOut: {}\n", '6: rollOut: unknown key; did you mean "rollout"?'),
        ("rollout:\n  rolback: {}\n", '7: rollout.rolback: unknown key; did you mean "rollback"?'),
        ("sync:\n\n  self_heal: {}\n", '8: sync.self_heal: unknown key; did you mean "selfHeal"?'),
        ("  startup-probe: {}\n", '6: service.startup-probe: unknown key; did you mean "startupProbe"?'),
        (
            "  readinessProbe: {periodseconds: 5}\n",
            '6: service.readinessProbe.periodseconds: unknown key; did you mean "period',
        ),
        (
            "  livenessProbe: {successThreshold: 2}\n",
            "6: service.livenessProbe.successThreshold: unknown key; there is none here: one success is enough",
        ),
        (
            "  readinessProbe: {initialDelaySeconds: 9}\n",
            "6: service.readinessProbe.initialDelaySeconds: unknown key; there is none here: startupProbe gives it the time",
        ),
        (
            "  readinessProbe: {path: /healthz}\n",
            "6: service.readinessProbe.path: unknown key here; it belongs to service.readinessProbe.httpGet.path",
        ),
        (
            "modes: {api: {service: {livenessProbe: {path: /}}}}\nmode: api\n",
            "6: modes.api.service.livenessProbe.path: unknown key here; it belongs to service.livenessProbe.httpGet.path",
        ),
        ("  resources: {}\n", "6: service.resources: unknown key; known here: exec, gradio, asgi, wsgi, notify,"),
        ("port: 8010\n", "6: port: unknown key here; it belongs to service.port"),
        ("env: {A: b}\n", "6: env: unknown key here; it belongs to service.env"),
        ("requireHashes: true\n", "6: requireHashes: unknown key here; it belongs to python.requireHashes"),
        ("secrets: []\n", "6: secrets: unknown key; known here: apiVersion, app, mode,"),
        ("verify: {mode: none}\n", "6: verify: unknown key; known here: "),
    ],
)
def test_an_unknown_key_is_refused_with_what_was_probably_meant(addition: str, said: str):
    found = problems(SMALLEST + addition)
    assert len(found) == 1
    assert found[0].startswith(said.replace("unknown key here; known here", "unknown key; known here")), found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("- a\n", ["1: write a map: keys with values"]),
        ("just text\n", ["1: write a map: keys with values"]),
        (
            "{}\n",
            [
                "1: apiVersion: is missing; write apiVersion: gitops-vm/v1",
                "1: app: is missing; write app: mood",
                '1: service: is missing; write service: {"exec": "python -m app", "port": 8010}',
            ],
        ),
        (SMALLEST + "python:\n", ["6: python: holds nothing; write a value, {} for an empty map, or remove the line"]),
        (SMALLEST + "python: []\n", ["6: python: write a map: keys with values"]),
        (SMALLEST + "python: {extras: local}\n", ["6: python.extras: write a list, such as [a, b]"]),
        (SMALLEST + "modes: [api]\n", ["6: modes: write a map of at most 20 names, each with what differs there"]),
        (SMALLEST.replace("8010", '"8010"'), ["5: service.port: write a whole number"]),
        (SMALLEST.replace("8010", "8010.0"), ["5: service.port: write a whole number"]),
        (SMALLEST.replace("8010", "true"), ["5: service.port: write a whole number"]),
        (
            SMALLEST.replace("python -m app", "[python, -m, 5]"),
            ['4: service.exec[2]: 5 is a number in YAML; write it in quotes: "5"'],
        ),
        (SMALLEST.replace("mood", "[mood]"), ["2: app: write text"]),
        (
            SMALLEST + "sync: {selfHeal: {backoff: {factor: fast}}}\n",
            ["6: sync.selfHeal.backoff.factor: write a number"],
        ),
    ],
)
def test_a_wrong_shape_is_named_and_the_right_one_shown(text: str, expected: list[str]):
    assert problems(text) == expected


def test_the_hint_quotes_what_was_written_and_not_what_yaml_made_of_it():
    for written in ("3.10", "1234e56", "1.0", "-0"):
        said = f'6: python.version: {written} is a number in YAML; write it in quotes: "{written}"'
        assert problems(SMALLEST + f"python: {{version: {written}}}\n") == [said]


def test_a_watchdog_without_notify_a_ref_without_url_and_a_shrinking_backoff_are_contradictions():
    assert problems(SMALLEST + "  watchdog: 30s\n") == [
        '6: service.watchdog: needs "notify: true": only a program that speaks sd_notify can feed a watchdog'
    ]
    assert problems(SMALLEST + "source: {ref: {tag: v1}}\n") == [
        "6: source.ref: is only for another repository; write its url, or remove ref"
    ]
    assert problems(SMALLEST + "rollout: {retry: {backoff: {duration: 10m, maxDuration: 5m}}}\n") == [
        "6: rollout.retry.backoff.maxDuration: is shorter than duration; write 10m or more"
    ]


def test_only_what_can_be_handed_over_may_ask_for_it():
    handover = "rollout: {strategy: handover}\n"
    (said,) = problems(SMALLEST + handover)
    assert said.endswith("one that opens its port itself is restarted")
    parse((SMALLEST + "  socketActivation: true\n" + handover).encode(), host="vm-1")
    parse((SMALLEST.replace("exec: python -m app", "asgi: app:app") + handover).encode(), host="vm-1")


def test_a_thousand_unknown_keys_are_a_thousand_problems_and_a_monstrous_one_is_cut():
    found = problems(SMALLEST + "".join(f"k{number}: 1\n" for number in range(1000)) + "x" * 900 + ": 1\n")
    assert len(found) == 1001
    assert len(found[-1]) < 200
