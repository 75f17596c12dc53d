"""Posts JSON to a webhook: time-outs, a few tries with growing pauses, never a redirect."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from microconv.errors import MicroconvError

TRIES = 4
FIRST_PAUSE_SECONDS = 1.0
TIMEOUT_SECONDS = 10.0
LONGEST_PAUSE_SECONDS = 30.0

_WORTH_A_TRY = {408, 425, 429, 500, 502, 503, 504}


class _NoRedirect(HTTPRedirectHandler):
    """A redirect would carry the message to an address that nobody named."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """None lets the answer stand as an error."""
        return


def post_json(
    url: str,
    message: Mapping[str, Any],
    timeout_seconds: float = TIMEOUT_SECONDS,
    tries: int = TRIES,
    pause: Callable[[float], None] = time.sleep,
) -> int:
    """Post a message; the number of tries that it took.

    An address may hold a secret, so that no error says more of it than the host.

    Args:
        url: An http or https address.
        message: What becomes JSON.
        timeout_seconds: For each try.
        tries: At most so many, with pauses of 1, 2, 4 … seconds or what the server asks for.
        pause: How to wait.

    Raises:
        MicroconvError: The address is none, or the message was not taken in the end.
    """
    check_address(url)
    host = urlsplit(url).hostname
    body = json.dumps(message, ensure_ascii=False).encode("utf-8")
    request = Request(
        url, data=body, headers={"Content-Type": "application/json; charset=utf-8"}, method="POST"
    )
    opener = build_opener(_NoRedirect)
    said, taken = "", 0
    for taken in range(1, tries + 1):
        wait = FIRST_PAUSE_SECONDS * 2 ** (taken - 1)
        try:
            with opener.open(request, timeout=timeout_seconds):
                return taken
        except HTTPError as error:
            said = f"answered {error.code}"
            wait = _asked_wait(error, wait)
            error.close()
            if error.code not in _WORTH_A_TRY:
                break
        except (URLError, TimeoutError, OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", error)
            said = f"could not be reached ({type(reason).__name__})"
        if taken < tries:
            pause(wait)
    raise MicroconvError(
        f"The webhook at {host} {said} after {taken} {'try' if taken == 1 else 'tries'}.",
        "Nothing was delivered; the alerts are in mart_alerts.",
    )


def check_address(url: str) -> None:
    """Refuse what is no web address before anything is read.

    Raises:
        MicroconvError: It is none.
    """
    try:
        parts = urlsplit(url)
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname)
        is_address = is_address and url.isascii() and not any(one.isspace() for one in url)
    except ValueError:
        is_address = False
    if not is_address:
        raise MicroconvError(
            "The webhook is no http or https address.", "Write it as https://host/path."
        )


def _asked_wait(error: HTTPError, otherwise: float) -> float:
    """What `Retry-After` asks for in seconds, within reason."""
    try:
        asked = float(error.headers.get("Retry-After", ""))
    except (TypeError, ValueError):
        return otherwise
    return min(max(asked, 0.0), LONGEST_PAUSE_SECONDS) if asked == asked else otherwise
