"""The webhook: what is posted, tried again, given up, and never said."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from evidence_warehouse import run, work_in
from microconv.errors import MicroconvError
from microconv.watch.post import post_json
from watch_case import NOTHING, OUTAGE, make_watched_project


class Hook(HTTPServer):
    """A server on loopback that answers with the codes it was given, then with 200."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: list[tuple[int, dict[str, str]]] = []
        self.got: list[tuple[str, str, bytes]] = []
        self.is_slow = False
        self.release = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/services/SECRET"

    def handle_error(self, *_: Any) -> None:
        """A client that hung up is no news."""


class _Handler(BaseHTTPRequestHandler):
    server: Hook

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((self.path, self.headers["Content-Type"], body))
        if self.server.is_slow:
            self.server.release.wait(5)
        code, headers = self.server.answers.pop(0) if self.server.answers else (200, {})
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def do_GET(self) -> None:
        self.server.got.append(("GET " + self.path, "", b""))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Nothing into the output of tests."""


@pytest.fixture
def hook() -> Iterator[Hook]:
    server = Hook()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server
    server.release.set()
    server.shutdown()
    server.server_close()
    thread.join()


def test_it_tries_again_with_growing_pauses(hook: Hook) -> None:
    hook.answers = [(503, {}), (500, {}), (429, {"Retry-After": "7"})]
    pauses: list[float] = []
    assert post_json(hook.url, {"größe": 1}, pause=pauses.append) == 4
    assert pauses == [1.0, 2.0, 7.0]
    [(path, kind, body)] = set(hook.got)
    assert path == "/services/SECRET" and kind == "application/json; charset=utf-8"
    assert json.loads(body) == {"größe": 1} and len(hook.got) == 4


def test_it_gives_up_and_says_no_more_than_the_host(hook: Hook) -> None:
    hook.answers = [(503, {})] * 9
    with pytest.raises(MicroconvError) as error:
        post_json(hook.url, {}, pause=lambda _: None)
    assert "127.0.0.1 answered 503 after 4 tries" in error.value.message
    assert "SECRET" not in str(error.value) and len(hook.got) == 4


@pytest.mark.parametrize("code", [400, 401, 404, 410])
def test_what_will_not_get_better_is_tried_once(hook: Hook, code: int) -> None:
    hook.answers = [(code, {})]
    with pytest.raises(MicroconvError, match=f"answered {code} after 1 try"):
        post_json(hook.url, {}, pause=lambda _: None)
    assert len(hook.got) == 1


def test_a_redirect_is_not_followed(hook: Hook) -> None:
    hook.answers = [(302, {"Location": hook.url + "/elsewhere"})]
    with pytest.raises(MicroconvError, match="answered 302"):
        post_json(hook.url, {}, pause=lambda _: None)
    assert len(hook.got) == 1


def test_a_server_that_hangs_is_left(hook: Hook) -> None:
    hook.is_slow = True
    with pytest.raises(MicroconvError, match="could not be reached"):
        post_json(hook.url, {}, timeout_seconds=0.1, tries=2, pause=lambda _: None)


def test_nobody_listening_is_an_error_in_words() -> None:
    with pytest.raises(MicroconvError, match="could not be reached") as error:
        post_json("http://127.0.0.1:9/x", {}, tries=2, pause=lambda _: None)
    assert error.value.exit_code == 2


@pytest.mark.parametrize(
    "url",
    [
        *("", "hook", "ftp://host/x", "file:///etc/passwd", "https://", "http:///x"),
        *("https://a b/c", "https://host/\nHost: x", "http://[::1", "https://höst/x"),
    ],
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(MicroconvError, match="no http or https address"):
        post_json(url, {})


@pytest.mark.parametrize(("form", "key"), [("text", "blocks"), ("json", "schema")])
def test_the_command_posts_what_there_is_to_tell(
    hook: Hook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str, key: str
) -> None:
    work_in(make_watched_project(tmp_path / "shop", [OUTAGE]), monkeypatch)
    result = run("watch", "--format", form, "--webhook", hook.url)
    assert result.exit_code == 0, result.output
    [(_, _, body)] = hook.got
    assert key in json.loads(body) and b"begin_checkout" in body


def test_without_news_or_address_nothing_is_posted(
    hook: Hook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work_in(make_watched_project(tmp_path / "quiet", [NOTHING]), monkeypatch)
    assert run("watch", "--since", "1d", "--webhook", hook.url).exit_code == 0
    work_in(make_watched_project(tmp_path / "shop", [OUTAGE]), monkeypatch)
    assert run("watch").exit_code == 0
    assert hook.got == []


def test_a_webhook_that_fails_leaves_the_rows_and_exits_with_2(
    hook: Hook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import duckdb

    project = make_watched_project(tmp_path / "shop", [OUTAGE])
    work_in(project, monkeypatch)
    hook.answers = [(404, {})]
    result = run("watch", "--webhook", hook.url)
    assert result.exit_code == 2 and "SECRET" not in result.output
    with duckdb.connect(str(project / "shop.duckdb"), read_only=True) as connection:
        assert connection.execute("select count(*) from marts.mart_alerts").fetchone() != (0,)
