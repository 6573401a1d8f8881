"""Values that would become something else further on: a second line of a unit, an option of git, a way out of the release."""

from __future__ import annotations

import json

import pytest

from agent.desired import InvalidSpec, parse

SMALLEST = {"apiVersion": "gitops-vm/v1", "app": "mood", "service": {"exec": "python -m app", "port": 8010}}

HOSTILE = [
    *[
        ("app", name)
        for name in ("", "mood\n", "Mood", "-mood", "mo_od", "mood/..", "mood@x", "1mood", "m" * 32, "möod")
    ],
    *[("mode", name) for name in ("api\n", "API", "../x", "a b", "%i")],
    *[
        ("source.path", path)
        for path in (
            "/etc",
            "..",
            "../x",
            "a/../../b",
            "app\n",
            "-x",
            "./-x",
            "~/app",
            "",
            "a" * 256,
            "a\tb\n",
            "a\x85b",
        )
    ],
    *[("python.lock", path) for path in ("/etc/passwd", "../lock", "--upload-pack=x", "-r", "lock\n", "a\u2028b")],
    *[("python.version", version) for version in ("3", "2.7", "3.11\n", "python3", "--help", "3.11.2.1", ">=3.11")],
    *[("python.extras", [extra]) for extra in ("", "-x", "a b", "local\n", "a]", "x" * 65)],
    *[
        ("service.exec", command)
        for command in (
            *(
                "",
                " ",
                "a\nExecStartPre=/bin/sh",
                "a\n",
                "python 'x",
                "FOO=1 python",
                "-/bin/true",
                "@python",
                "+python",
                "!x",
                ":x",
            ),
            *(
                "cd app && python x.py",
                "a||b",
                "a | b",
                "python x > log",
                "python x 2>&1",
                "python x;",
                "run &",
                "a $PORT",
                "a ${PORT}",
            ),
            *("a $(id)", "a `id`", "a\x85b"),
            *([], [""], ["a", "b\nc"], ["a", "b\x0bc"], ["-a"], ["FOO=1", "a"], ["python\n"]),
        )
    ],
    *[("service.port", port) for port in (0, 80, 1023, 65536, -1, 10**20)],
    *[
        ("service.host", host)
        for host in (
            "",
            "localhost",
            "vm-1",
            "0.0.0.0\n",
            "256.1.1.1",
            "127.0.0.1:80",
            "fe80::1%eth0",
            "*",
            "010.0.0.1",
        )
    ],
    *[
        ("service.publicURL", url)
        for url in (
            "ftp://x/",
            "https://u:p@h/",
            "https://tok@h/",
            "javascript:x",
            "https://h/ x",
            "https://h/\n",
            "//h",
            "https://",
        )
    ],
    *[
        ("service.env", env)
        for env in (
            *(
                {"K": "a\nMALICIOUS=1"},
                {"K": "a\n"},
                {"K": "a\x85b"},
                {"A\n": "x"},
                {"A B": "x"},
                {"1A": "x"},
                {"A=B": "x"},
                {"": "x"},
            ),
            *(
                {"PORT": "1"},
                {"HOST": "x"},
                {"MODE": "x"},
                {"REPOSITORY_URL": "x"},
                {"STATUS_BRANCH": "x"},
                {"NOTIFY_SOCKET": "x"},
                {"LISTEN_FDS": "1"},
                {"GRADIO_SERVER_PORT": "1"},
            ),
            {"Ä": "x"},
        )
    ],
    *[
        ("service.readinessProbe", {"httpGet": {"path": path}})
        for path in ("", "healthz", "/a b", "/a\n", "http://h/", "/ä", "//\x7f")
    ],
    *[("service.readinessProbe", {"periodSeconds": period}) for period in (0, -1, 3601, 1.5, "5s", True)],
    *[("service.startupProbe", {"failureThreshold": count}) for count in (0, -1, 3601, 2.0)],
    *[("service.readinessProbe", probe) for probe in ({"tcpSocket": {"port": 1}}, {"exec": {"command": ["x"]}})],
    *[
        ("rollout.timeout", text)
        for text in (
            "often",
            "",
            "5",
            "5 m",
            "-5m",
            "5m\n",
            "1m1h",
            "1.5h",
            "0s",
            "25h",
            "1d",
            "9999999h",
            "5M",
            "m",
            "\uff15m",
        )
    ],
    *[("service.terminationGracePeriodSeconds", count) for count in (0, -1, 3601, "20s")],
    *[("suspend", value) for value in ("yes", 1, [], {"reason": "a\nb"}, {"reason": "x" * 201}, {"until": "tomorrow"})],
    *[
        ("suspend", {"until": text})
        for text in ("2026-12-01", "2026-12-01T00:00:00", "2026-13-01T00:00:00Z", "2026-12-01T00:00:00Z\n")
    ],
    ("suspend", {"until": "0001-01-01T00:00:00+23:59"}),
    *[("rollout.retry", {"backoff": {"factor": factor}}) for factor in (0, 0.5, 11, 1e999, "2")],
    *[
        ("source.url", url)
        for url in (
            *(
                "ext::sh -c id",
                "--upload-pack=x",
                "-x",
                "http://h/p",
                "git://h/p",
                "ftp://h/p",
                "/srv/x",
                "file:///srv/x",
                "x",
                "",
            ),
            *(
                "https://u:p@h/p",
                "https://tok@h/p",
                "ssh://u:p@h/p",
                "https://h/p?token=x",
                "https://h/p#x",
                "https://h",
                "ssh://-oProxyCommand=x/p",
            ),
            *(
                "ssh://u@-h/p",
                "-u@h:p",
                "u@-h:p",
                "u@h:-p",
                "u@h:p q",
                "git@h:p\n",
                "https://h/p\n",
                "fd::17",
                "git@h:",
                "ssh://h:x/p",
                "\u202e",
            ),
        )
    ],
]


def nested(path: str, value: object) -> dict[str, object]:
    first, _, rest = path.partition(".")
    around = dict(SMALLEST)
    around[first] = {**(around.get(first) or {}), rest: value} if rest else value
    return around


@pytest.mark.parametrize(("path", "value"), HOSTILE, ids=lambda part: repr(part)[:40])
def test_a_hostile_value_is_refused_where_it_stands(path: str, value: object):
    with pytest.raises(InvalidSpec) as refused:
        parse(json.dumps(nested(path, value)).encode(), host="vm-1")
    assert all(problem.path.startswith(path) or not problem.path for problem in refused.value.problems), (
        refused.value.problems
    )


@pytest.mark.parametrize(
    "ref",
    [
        *({}, {"branch": "main", "tag": "v1"}, {"semver": "1.x"}, "main"),
        *[
            {"branch": name}
            for name in (
                "-x",
                "--upload-pack=x",
                "a..b",
                "a b",
                "a~1",
                "a^",
                "a:b",
                "a?",
                "a*",
                "a[",
                "a\\b",
                "/a",
                "a/",
            )
        ],
        *[
            {"branch": name}
            for name in (
                "a//b",
                ".a",
                "a/.b",
                "a.lock",
                "a.lock/b",
                "a.",
                "@",
                "a@{1}",
                "",
                "main\n",
                "HEAD",
                "refs/heads/main",
            )
        ],
        *[{"tag": name} for name in ("-v1", "v1\n", "v 1", "refs/tags/v1")],
        *[{"commit": name} for name in ("4f2c9d1a", "HEAD", "z" * 40, "A" * 40, "a" * 40 + "\n", "a" * 41, "a" * 39)],
    ],
    ids=repr,
)
def test_a_hostile_ref_is_refused(ref: object):
    with pytest.raises(InvalidSpec) as refused:
        parse(json.dumps(nested("source", {"url": "git@h:p", "ref": ref})).encode(), host="vm-1")
    assert all(problem.path.startswith("source.ref") for problem in refused.value.problems)


@pytest.mark.parametrize(
    "url",
    ["https://user:hunter2@h/p", "https://hunter2@h/p", "ssh://u:hunter2@h/p", "https://h/p?t=hunter2", "hunter2 x"],
)
def test_a_refused_url_never_shows_the_secret_in_it(url: str):
    with pytest.raises(InvalidSpec) as refused:
        parse(json.dumps(nested("source.url", url)).encode(), host="vm-1")
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        *(
            "git@github.com:acme/mood.git",
            "github:acme/mood",
            "ssh://git@h.example:2222/~ada/x.git",
            "ssh://h/p",
            "ssh://git@[::1]:22/p",
        ),
        *(
            "https://github.com/acme/mood",
            "https://dev.azure.com/a/_git/b%20c",
            "https://h:8443/p.git",
            "git@h:/abs/p",
            "git@h:~ada/p",
        ),
    ],
)
def test_the_urls_of_forges_are_accepted(url: str):
    spec = parse(json.dumps(nested("source", {"url": url})).encode(), host="vm-1")
    assert (spec.source.url, spec.source.ref and spec.source.ref.full) == (url, "refs/heads/main")


def test_a_repository_on_this_machine_is_read_only_where_the_caller_allows_it():
    for url in ("/srv/git/app.git", "file:///srv/git/app.git"):
        data = json.dumps(nested("source", {"url": url})).encode()
        assert parse(data, host="vm-1", allow_local=True).source.url == url
        with pytest.raises(InvalidSpec, match=r"source\.url: a repository on this machine is read only where"):
            parse(data, host="vm-1")
    for url in ("/srv/../etc", "/srv/a b", "file://host/x", "/srv\n"):
        with pytest.raises(InvalidSpec):
            parse(json.dumps(nested("source", {"url": url})).encode(), host="vm-1", allow_local=True)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("service.exec", ["=", "x&&" * 12000 + " "]),
        ("service.exec", "a|| " + "x&&" * 12000 + "\\ "),
        ("service.exec", "a " + ";" * 40000),
        ("source.url", "ssh://" + ":" * 40000),
        ("source.url", "a" * 40000 + "!"),
        ("source.path", "../" * 12000),
        ("service.publicURL", "http://" + "a." * 20000),
        ("service.env", {"A" * 40000: "x"}),
        ("source", {"url": "h:p", "ref": {"branch": "a." * 20000}}),
        ("python", {"version": "3." * 15000, "lock": "a/" * 12000}),
    ],
    ids=lambda part: repr(part)[:30],
)
@pytest.mark.timeout(10)
def test_no_rule_needs_more_than_a_moment_for_a_value_as_long_as_the_file(path: str, value: object):
    with pytest.raises(InvalidSpec):
        parse(json.dumps(nested(path, value)).encode(), host="vm-1")
