"""`models`: the same bytes for ever, so a whole commit; what is refused says what to write."""

from __future__ import annotations

import pytest

from agent.desired import InvalidSpec, Model, Spec, parse

ONE, TWO = "1" * 39 + "a", "2" * 39 + "b"
BASE = f"""\
apiVersion: gitops-vm/v1
app: mood
mode: api
modes:
  api: {{}}
  local:
    models:
      - {{repo: acme/mood, revision: {ONE}}}
      - {{repo: acme/thoughts, revision: {TWO}, files: ["*.json", onnx/model_int8.onnx]}}
hosts:
  vm-2: {{mode: local}}
  vm-3: {{mode: local, models: [{{repo: acme/small, revision: {TWO}}}]}}
service: {{exec: python -m app, port: 8010}}
"""


def spec(text: str = BASE, host: str = "vm-1") -> Spec:
    return parse(text.encode(), host=host)


def problems(models: str) -> list[str]:
    text = BASE.partition("mode: api")[0] + f"service: {{exec: a, port: 8010}}\nmodels: {models}\n"
    with pytest.raises(InvalidSpec) as refused:
        parse(text.encode(), host="vm-1")
    return [str(problem).removeprefix("desired-state.yaml:") for problem in refused.value.problems]


def test_a_mode_has_its_models_and_a_host_replaces_the_list():
    assert spec().models == ()
    mood, thoughts = spec(host="vm-2").models
    assert (mood.repo, mood.revision, mood.files) == ("acme/mood", ONE, ())
    assert thoughts.files == ("*.json", "onnx/model_int8.onnx")
    assert [model.repo for model in spec(host="vm-3").models] == ["acme/small"]


def test_a_specification_with_models_is_read_as_it_was_written_down():
    assert Spec.from_canonical(spec(host="vm-2").canonical()) == spec(host="vm-2")


def test_a_model_is_another_one_when_any_part_of_it_is():
    model = Model(repo="acme/mood", revision=ONE)
    others = [
        Model(repo="acme/mood2", revision=ONE),
        Model(repo="acme/mood", revision=TWO),
        Model(repo="acme/mood", revision=ONE, files=("*.json",)),
    ]
    assert len({model.id, *(each.id for each in others)}) == 4
    assert (
        Model(repo="acme/mood", revision=ONE, files=("a", "b")).id
        == Model(repo="acme/mood", revision=ONE, files=("b", "a", "b")).id
    )


OWNER = "write owner/name as in the address of the model, such as distilbert/distilbert-base-uncased"
COMMIT = "write the whole commit, 40 lower-case hex digits (in the model's history on the hub): a branch may move"
FILE = "write a path in the model's repository; * and ? may stand in it"


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (f"[{{repo: gpt2, revision: {ONE}}}]", f"4: models[0].repo: {OWNER}"),
        (f"[{{repo: https://huggingface.co/acme/mood, revision: {ONE}}}]", f"4: models[0].repo: {OWNER}"),
        (f"[{{repo: acme/mo--od, revision: {ONE}}}]", f"4: models[0].repo: {OWNER}"),
        (f"[{{repo: acme/.., revision: {ONE}}}]", f"4: models[0].repo: {OWNER}"),
        (f"[{{repo: acme/{'a' * 95}, revision: {ONE}}}]", f"4: models[0].repo: {OWNER}"),
        (f'[{{repo: "acme/mood\\n", revision: {ONE}}}]', f"4: models[0].repo: {OWNER}"),
        ("[{repo: acme/mood, revision: main}]", f"4: models[0].revision: {COMMIT}"),
        ("[{repo: acme/mood, revision: 6cdc0aad}]", f"4: models[0].revision: {COMMIT}"),
        (f"[{{repo: acme/mood, revision: {ONE.upper()}}}]", f"4: models[0].revision: {COMMIT}"),
        (
            f"[{{repo: acme/mood, revision: {'1' * 40}}}]",
            "4: models[0].revision: is too long for a number; write it in quotes if it is text",
        ),
        (
            "[{repo: acme/mood}]",
            "4: models[0].revision: is missing; write revision: 6cdc0aad91f5ae2e6712e91bc7b65d1cf5c05411",
        ),
        (
            f"[{{repo: acme/mood, revison: {ONE}, revision: {ONE}}}]",
            '4: models[0].revison: unknown key; did you mean "revision"?',
        ),
        (f"[{{repo: a/b, revision: {ONE}, files: [../x]}}]", f"4: models[0].files[0]: {FILE}"),
        (f"[{{repo: a/b, revision: {ONE}, files: [/etc/*]}}]", f"4: models[0].files[0]: {FILE}"),
        (f'[{{repo: a/b, revision: {ONE}, files: "*.json"}}]', "4: models[0].files: write a list, such as [a, b]"),
        (f"{{repo: a/b, revision: {ONE}}}", "4: models: write a list, such as [a, b]"),
        (
            f"[{{repo: a/b, revision: {ONE}}}, {{repo: a/b, revision: {TWO}}}]",
            "4: models: a/b stands here twice; an app asks for it by its name, so keep one revision",
        ),
    ],
)
def test_what_cannot_be_a_model_is_refused_with_what_to_write(written: str, said: str):
    assert [problem[: len(said)] for problem in problems(written)] == [said]


def test_no_file_asks_for_more_models_than_the_cap():
    many = ", ".join(f"{{repo: a/b{number}, revision: {ONE}}}" for number in range(21))
    assert problems(f"[{many}]") == ["4: models: write 20 of them or less"]
