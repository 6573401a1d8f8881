"""Scripts that launch a Gradio app, as people write them, none changed for us."""

from __future__ import annotations

import json
import os
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

import pytest

from agent.launcher import EX_CONFIG, HTTP
from tests.launcher.gradio import Caller
from tests.launcher.stage import TCP, Release, Stage, Unix, request
from tests.notified import START
from tests.ports import free_port
from tests.process import Background
from tests.waiting import wait_for

pytestmark = pytest.mark.app

SHOUT = """
import sys
import gradio as gr
def shout(text):
    return text.upper()
"""


@pytest.fixture
def script(stage: Stage, gradio_python: Path, tmp_path: Path):
    """script(text, **environment): a release of it."""

    def start(text: str, **environment: str) -> Release:
        (tmp_path / "app").mkdir()
        (tmp_path / "app" / "page.py").write_text(text)
        return stage.start("new", gradio_python, "gradio", "app/page.py", cwd=tmp_path, **environment)

    return start


def shouted(release: Release, *data: object) -> list[object]:
    with closing(Unix(release.private / HTTP)) as connection:
        caller = Caller(lambda: connection, "session")
        functions = caller.functions()
        name = next(name for name in ("shout", "predict", "chat") if name in functions)
        return caller.press(functions[name], *data)


def test_what_launch_is_given_reaches_the_page(stage: Stage, script, tmp_path: Path) -> None:
    (tmp_path / "icon.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (tmp_path / "shared.txt").write_text("for all")
    release = script(
        SHOUT
        + f"""
with gr.Blocks(title="Mine") as demo:
    said = gr.Textbox()
    gr.Button().click(shout, said, said, api_name="shout")
    demo.queue(max_size=7).launch(
        auth=("ann", "secret"), auth_message="who are you?", css="body {{ color: teal }}", head="<meta name='mine'>",
        favicon_path="{tmp_path}/icon.svg", allowed_paths=["{tmp_path}"], max_file_size="1kb", root_path="/below",
        app_kwargs={{"docs_url": "/papers"}}, max_threads=7, share=True, server_port=99, prevent_thread_lock=False)
"""
    ).ready()

    with closing(Unix(release.private / HTTP)) as connection:
        assert _get(connection, "/config")[0] == 401
        connection.request("POST", "/login", "username=ann&password=secret", _FORM)
        answer = connection.getresponse()
        answer.read()
        cookie = {"Cookie": "; ".join(each.split(";")[0] for each in answer.headers.get_all("set-cookie"))}
        config = json.loads(_get(connection, "/config", cookie)[1])
        assert (config["title"], config["css"], config["root"]) == (
            "Mine",
            "body { color: teal }",
            "http://localhost/below",
        )
        assert "name='mine'" in config["head"]
        assert b'"title":"Mine"' in _get(connection, "/", cookie)[1]
        assert _get(connection, "/favicon.ico", cookie)[1].startswith(b"<svg")
        assert _get(connection, f"/gradio_api/file={tmp_path}/shared.txt", cookie)[1] == b"for all"
        assert _get(connection, "/papers", cookie)[0] == 200
        assert _get(connection, "/docs", cookie)[0] == 404
        assert _upload(connection, 2000, cookie) == 413
        assert _upload(connection, 500, cookie) == 200
    assert "launcher: launch() was given server_port, share: ignored" in release.output
    assert release.output.count("\n") == 1


def test_the_page_is_the_one_that_launch_itself_would_serve(
    script, stage: Stage, gradio_python: Path, tmp_path: Path
) -> None:
    ours = script(
        SHOUT
        + """
with gr.Blocks(title="Mine", fill_width=True) as demo:
    said = gr.Textbox()
    gr.Button().click(shout, said, said, api_name="shout")
demo.queue(max_size=7).launch(theme=gr.themes.Soft(), css="p {}", js="() => 1", head="<meta name='mine'>", footer_links=["api"])
"""
    )
    port, log = free_port(), tmp_path / "native.log"
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "GRADIO_SERVER_PORT": str(port)}
    native = Background(gradio_python, tmp_path / "app/page.py", log=log, env=env)
    try:
        wait_for(lambda: request(TCP(port), "/")[0] == 200, "the page of launch()", within=START, unless=(OSError,))
        ours.ready()
        with closing(TCP(port)) as there, closing(Unix(ours.private / HTTP)) as here:
            assert _config(here) == _config(there)
            for path in ("/gradio_api/info", "/openapi.json", "/docs", "/theme.css", "/nothing", "/manifest.json"):
                assert _get(here, path, _SAME) == _get(there, path, _SAME)
    finally:
        native.stop()


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("gr.Interface(shout, 'textbox', 'textbox').launch(theme=gr.themes.Soft())", ("hi",)),
        ("def chat(said, past):\n    return shout(said)\ngr.ChatInterface(chat).launch()", ("hi", None)),
    ],
    ids=["interface", "chat"],
)
def test_interfaces_are_served(script, text: str, data: tuple[object, ...]) -> None:
    release = script(f"{SHOUT}\n{text}\n").ready()

    assert "HI" in json.dumps(shouted(release, *data))
    release.terminate()
    assert release.exit_code() == 0
    assert release.output == ""


def test_the_script_runs_as_python_would_run_it_and_is_left_in_order(script, tmp_path: Path) -> None:
    release = script(
        SHOUT
        + """
import contextlib, pickle, pathlib
class Mark: pass
@contextlib.contextmanager
def database():
    try:
        yield
    finally:
        print("the database is closed", flush=True)
assert __name__ == "__main__" and sys.modules["__main__"].Mark is Mark and pickle.loads(pickle.dumps(Mark())).__class__ is Mark
assert sys.argv == ["app/page.py"] and pathlib.Path(__file__) == pathlib.Path.cwd() / "app/page.py"
if __name__ == "__main__":
    with database():
        demo = gr.Interface(shout, "textbox", "textbox")
        app, url, shared = demo.launch(prevent_thread_lock=True)
        print("launched", flush=True)
        demo.block_thread()
    print("never said", flush=True)
"""
    ).ready()

    assert shouted(release, "hi") == ["HI"]
    assert release.output == "launched\n"
    release.terminate()
    assert release.exit_code() == 0
    assert release.output == "launched\nthe database is closed\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("demo = gr.Interface(shout, 'textbox', 'textbox')", "without calling launch()"),
        ("import threading\nthreading.excepthook = lambda _: None\nt = threading.Thread(target=gr.Interface(shout, 'textbox', 'textbox').launch)\nt.start()\nt.join()", "without calling launch()"),
        ("import asyncio\nasync def main():\n    gr.Interface(shout, 'textbox', 'textbox').launch()\nasyncio.run(main())", "from a coroutine"),
        ("gr.Server().launch()", "gradio.Server cannot be launched here"),
    ],
    ids=["never", "thread", "coroutine", "server"],
)  # fmt: skip
def test_a_launch_that_cannot_be_served_is_refused(script, text: str, said: str) -> None:
    release = script(f"{SHOUT}\n{text}\n")

    assert release.exit_code() == EX_CONFIG
    assert said in release.output
    assert "Traceback" not in release.output


def test_an_option_that_launch_does_not_know_fails_as_it_would(script) -> None:
    release = script(f"{SHOUT}\ngr.Interface(shout, 'textbox', 'textbox').launch(colour='red')\n")

    assert release.exit_code() == 1
    assert "TypeError: got an unexpected keyword argument 'colour'" in release.output


_SAME = {"Host": "page.example"}
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def _config(connection: HTTPConnection) -> dict[str, object]:
    """Without what is drawn by lot."""
    config = json.loads(_get(connection, "/config", _SAME)[1])
    assert config.pop("app_id")
    assert {"root", "theme_hash", "components"} < config.keys()
    return config


def _get(connection: HTTPConnection, path: str, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
    connection.request("GET", path, headers=headers or {})
    answer = connection.getresponse()
    return answer.status, answer.read()


def _upload(connection: Unix, size: int, headers: dict[str, str]) -> int:
    parts = b'--b\r\nContent-Disposition: form-data; name="files"; filename="a.txt"\r\n\r\n%b\r\n--b--\r\n' % (
        b"x" * size
    )
    kind = {"Content-Type": "multipart/form-data; boundary=b"}
    connection.request("POST", "/gradio_api/upload", parts, {**headers, **kind})
    answer = connection.getresponse()
    answer.read()
    return answer.status
