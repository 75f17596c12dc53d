"""A headless Chromium for tests, spoken to over two pipes: no port, no driver, no package.

It has a profile of its own that is thrown away, and talks to no one: whatever a page asks of a
network is noted in `requests` and fails.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
_QUIET = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--disable-dev-shm-usage", "--hide-scrollbars", "--remote-debugging-pipe"),
    # Nothing is found by its name, this machine included.
    "--host-resolver-rules=MAP * ~NOTFOUND",
)
_TIMEOUT_SECONDS = 60


def find_browser() -> str | None:
    """The program, or None where there is none."""
    return next((found for name in _NAMES if (found := shutil.which(name))), None)


@dataclass
class Page:
    """An open page."""

    reading: int
    writing: int
    session: str = ""
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    _last: int = 0
    _rest: bytes = b""
    _events: list[str] = field(default_factory=list)

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Ask the browser something and wait for its answer."""
        self._last += 1
        said = {"id": self._last, "method": method, "params": parameters}
        if self.session:
            said["sessionId"] = self.session
        os.write(self.writing, json.dumps(said).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._last:
                assert "error" not in answer, f"{method}: {answer['error']}"
                result: dict[str, Any] = answer["result"]
                return result

    def open(self, path: Path) -> None:
        """Load a file and wait until it is there."""
        self.requests.clear()
        self.complaints.clear()
        self._events.clear()
        self.send("Page.navigate", url=path.as_uri())
        while "Page.loadEventFired" not in self._events:
            self._next()

    def run(self, script: str, is_promise: bool = False) -> Any:
        """The value of a JavaScript expression in the page; of a promise, when it is kept."""
        result = self.send(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=is_promise
        )
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def look(self, width: int, scheme: str = "light", media: str = "") -> None:
        """Set width, colour scheme and medium (`print` or the screen's)."""
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
        self.send("Emulation.setDeviceMetricsOverride", **size)
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.send("Emulation.setEmulatedMedia", media=media, features=features)

    def picture(self, path: Path, width: int, top: int = 0, height: int | None = None) -> None:
        """Save a part of the page as PNG, from `top` on; all of it without a height."""
        whole = int(self.run("document.documentElement.scrollHeight"))
        clip = {"x": 0, "y": top, "width": width, "height": height or whole - top, "scale": 1}
        shot = self.send("Page.captureScreenshot", clip=clip, captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(shot["data"]))

    def _next(self) -> dict[str, Any]:
        until = time.monotonic() + _TIMEOUT_SECONDS
        while b"\0" not in self._rest:
            left = until - time.monotonic()
            ready, _, _ = select.select([self.reading], [], [], max(left, 0))
            assert ready, "the browser does not answer"
            more = os.read(self.reading, 1 << 20)
            assert more, "the browser has gone"
            self._rest += more
        text, _, self._rest = self._rest.partition(b"\0")
        message: dict[str, Any] = json.loads(text)
        self._note(message.get("method", ""), message.get("params", {}))
        return message

    def _note(self, method: str, parameters: dict[str, Any]) -> None:
        self._events.append(method)
        if method == "Network.requestWillBeSent":
            self.requests.append(parameters["request"]["url"])
        elif method == "Runtime.consoleAPICalled":
            self.complaints.append(str(parameters["args"]))
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(str(parameters["exceptionDetails"]))
        elif method == "Log.entryAdded":
            self.complaints.append(parameters["entry"]["text"])


@contextlib.contextmanager
def open_browser(program: str) -> Iterator[Page]:
    """A browser with one empty page; it ends with the block."""
    to_read, to_write = os.pipe(), os.pipe()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:

        def pipes() -> None:
            # The browser reads from 3 and writes to 4. The copies must not land on one another.
            reading, writing = os.dup(to_write[0]), os.dup(to_read[1])
            high = [os.open(os.devnull, os.O_RDONLY) for _ in range(4)]
            reading, writing = os.dup(reading), os.dup(writing)
            for one in high:
                os.close(one)
            os.dup2(reading, 3)
            os.dup2(writing, 4)

        started = subprocess.Popen(
            [program, *_QUIET, f"--user-data-dir={profile}", "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=pipes,
            close_fds=False,
        )
        os.close(to_write[0])
        os.close(to_read[1])
        page = Page(to_read[0], to_write[1])
        try:
            targets = page.send("Target.getTargets")["targetInfos"]
            target = next(one["targetId"] for one in targets if one["type"] == "page")
            attached = page.send("Target.attachToTarget", targetId=target, flatten=True)
            page.session = attached["sessionId"]
            for domain in ("Page", "Runtime", "Log", "Network"):
                page.send(f"{domain}.enable")
            yield page
        finally:
            page.session = ""
            with contextlib.suppress(OSError, AssertionError):
                page.send("Browser.close")
            started.terminate()
            started.wait(timeout=30)
            os.close(to_read[0])
            os.close(to_write[1])
