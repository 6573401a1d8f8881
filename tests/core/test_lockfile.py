from __future__ import annotations

import pytest

from agent.errors import Stalled
from agent.lockfile import Kind, Lock, check, find

PROJECT = '[project]\nname = "demo"\nversion = "1"\nrequires-python = ">=3.12"\n'
OURS = '[project]\nname = "gitops-vm"\nversion = "1"\n'


def found(files: dict[str, str], directory: str = ".", declared: str | None = None) -> Lock | None:
    return find({name: text.encode() for name, text in files.items()}.get, directory=directory, declared=declared)


def path_found(files: dict[str, str], directory: str = ".", declared: str | None = None) -> str | None:
    lock = found(files, directory, declared)
    return lock and lock.path


ALL = {"uv.lock": "", "pylock.toml": "", "requirements.txt": "", "pyproject.toml": PROJECT}


def test_the_strictest_lock_is_found_first() -> None:
    files, seen = dict(ALL), []
    while (path := path_found(files)) is not None:
        seen.append(path)
        del files[path]
        if path == "uv.lock":
            files["pyproject.toml"] = PROJECT
    assert seen == ["uv.lock", "pylock.toml", "requirements.txt", "pyproject.toml"]


@pytest.mark.parametrize(
    ("files", "directory", "declared", "path"),
    [
        ({}, ".", None, None),
        ({"app/requirements.txt": "", "uv.lock": "", "pyproject.toml": PROJECT}, "app", None, "app/requirements.txt"),
        ({"requirements.txt": ""}, "app", None, "requirements.txt"),
        ({"requirements.txt": ""}, "./app/", None, "requirements.txt"),
        ({"requirements/api.txt": "", "requirements.txt": ""}, "app", "requirements/api.txt", "requirements/api.txt"),
        ({"app/api.txt": "", "api.txt": ""}, "app", "api.txt", "app/api.txt"),
        ({"pylock.api.toml": ""}, ".", "pylock.api.toml", "pylock.api.toml"),
        ({"other/uv.lock": ""}, "app", None, None),
        ({"pyproject.toml": OURS}, ".", None, None),
        ({"pyproject.toml": OURS, "uv.lock": ""}, ".", None, None),
        ({"pyproject.toml": OURS, "uv.lock": "", "requirements.txt": ""}, ".", None, "requirements.txt"),
        ({"pyproject.toml": "[tool.ruff]\n"}, ".", None, None),
    ],
)
def test_the_lock_is_found(files: dict[str, str], directory: str, declared: str | None, path: str | None) -> None:
    assert path_found(files, directory, declared) == path


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("uv.lock", Kind.UV),
        ("pylock.toml", Kind.PYLOCK),
        ("pylock.api.toml", Kind.PYLOCK),
        ("pyproject.toml", Kind.PROJECT),
        ("requirements.txt", Kind.REQUIREMENTS),
        ("requirements/api.txt", Kind.REQUIREMENTS),
        ("deps.in", Kind.REQUIREMENTS),
    ],
)
def test_the_name_tells_the_kind(name: str, kind: Kind) -> None:
    lock = found({"pyproject.toml": PROJECT, name: PROJECT}, declared=name)
    assert lock is not None
    assert lock.kind is kind


def test_everything_that_is_included_belongs_to_the_lock() -> None:
    files = {
        "app/requirements.txt": "-r base.txt\n--constraint=../limits.txt\n-c../limits.txt\nidna # -r not.txt\n",
        "app/base.txt": "--requirement more/deep.txt\n",
        "app/more/deep.txt": "  -r ../requirements.txt\n",  # a circle
        "limits.txt": "idna<4\n",
    }
    lock = found(files, "app")
    assert lock is not None
    assert {path for path, _ in lock.files} == set(files)


def test_a_changed_include_is_another_lock() -> None:
    def digest(text: str) -> str:
        lock = found({"requirements.txt": "-r base.txt", "base.txt": text})
        assert lock is not None
        return lock.digest

    assert digest("idna==1") != digest("idna==2")
    assert digest("idna==1") == digest("idna==1")


def test_content_cannot_move_from_one_file_to_the_next_unseen() -> None:
    def digest(*files: tuple[str, bytes]) -> str:
        return Lock(kind=Kind.REQUIREMENTS, path="a", files=files).digest

    assert digest(("a", b"x"), ("b", b"y")) != digest(("a", b"xb"), ("", b"y"))
    assert digest(("a", b"x1:by")) != digest(("a", b"x"), ("b", b"y"))


@pytest.mark.parametrize(
    ("files", "declared", "message"),
    [
        ({}, "requirements/api.txt", "requirements/api.txt is not in the repository"),
        ({"uv.lock": ""}, "uv.lock", "uv.lock needs the pyproject.toml"),
        ({"requirements.txt": "\n-r none.txt"}, None, "requirements.txt includes none.txt, which is not"),
        ({"requirements.txt": "\n-r ../out.txt"}, None, "requirements.txt:2: ../out.txt is not in the repository"),
        ({"requirements.txt": "-r /etc/passwd"}, None, "requirements.txt:1: /etc/passwd is not in the repository"),
        ({"requirements.txt": "-r https://x/y.txt"}, None, "requirements.txt:1: https://x/y.txt is not in"),
        ({"requirements.txt": "idna\n-e ."}, None, "requirements.txt:2: code of the repository cannot be installed"),
        ({"requirements.txt": "--editable lib"}, None, "requirements.txt:1: code of the repository"),
        ({"requirements.txt": "./lib"}, None, "requirements.txt:1: code of the repository"),
        ({"requirements.txt": "."}, None, "requirements.txt:1: code of the repository"),
        ({"requirements.txt": "../lib"}, None, "requirements.txt:1: code of the repository"),
        ({"requirements.txt": "lib @ file:///srv/lib"}, None, "requirements.txt:1: code of the repository"),
        ({"pyproject.toml": "[project\n"}, None, "pyproject.toml: "),
        ({"pyproject.toml": '[project]\nname="x"\ndynamic=["dependencies"]'}, None, "dependencies are dynamic"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_place(
    files: dict[str, str], declared: str | None, message: str
) -> None:
    with pytest.raises(Stalled) as failure:
        found(files, declared=declared)
    assert message in str(failure.value)


def test_the_project_says_which_python_it_needs() -> None:
    asked = {
        "pyproject.toml": PROJECT,
        "uv.lock": 'version = 1\nrequires-python = ">=3.13"\n',
        "pylock.toml": 'lock-version = "1.0"\nrequires-python = ">=3.14"\n',
        "requirements.txt": "idna\n",
    }
    locks = {name: found({"pyproject.toml": PROJECT, name: text}, declared=name) for name, text in asked.items()}
    assert {name: lock and lock.requires_python for name, lock in locks.items()} == {
        "pyproject.toml": ">=3.12",
        "uv.lock": ">=3.13",
        "pylock.toml": ">=3.14",
        "requirements.txt": None,
    }


def test_what_a_kind_cannot_do_is_refused() -> None:
    requirements = Lock(kind=Kind.REQUIREMENTS, path="requirements.txt", files=())
    project = Lock(kind=Kind.PROJECT, path="pyproject.toml", files=())
    with pytest.raises(Stalled, match="has no extras"):
        check(requirements, extras=("x",), require_hashes=False)
    with pytest.raises(Stalled, match="pins nothing"):
        check(project, extras=(), require_hashes=True)
    check(requirements, extras=(), require_hashes=True)
    check(project, extras=("x",), require_hashes=False)


@pytest.mark.parametrize(
    ("text", "pinned"),
    [
        (
            "a==1 \\\n    --hash=sha256:0\nb[x]==2 ; sys_platform == 'linux' \\\n    --hash=sha256:1 \\\n    --hash=sha256:2\n",
            True,
        ),
        ("# a comment\n-r base.txt\na==1 --hash=sha256:0\n", True),
        ("a==1\nb==2\n", False),
        ("a==1 --hash=sha256:0\nb>=2 --hash=sha256:0\n", False),
        ("a==1 --hash=sha256:0\nb==2\n", False),
        ("a==1 --hash=sha256:0 --hash=sha256:1\nb==2\n", False),
        ("git+https://example.org/a.git\n", False),
        ("", False),
    ],
)
def test_a_requirement_file_is_pinned_where_every_line_is(text: str, pinned: bool) -> None:
    lock = found({"requirements.txt": text, "base.txt": ""})

    assert lock is not None
    assert lock.is_pinned is pinned
