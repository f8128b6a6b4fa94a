"""A JSON document of somebody else, such as the keys of a client: fetched from an address that was checked,
in bounded time and size, following nothing.
"""

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from urllib3.response import BaseHTTPResponse

from applications.delivery.addresses import AddressRefused, Reach, receiver
from applications.delivery.connecting import Deadline, asked, word

MOST_READ = 262_144  # bytes; a set of fifty keys with their certificates is a third of it
_JSON = re.compile(r"application/(?:[a-z0-9.-]+\+)?json", re.IGNORECASE)
_HEADERS = {"accept": "application/json", "accept-encoding": "identity", "user-agent": "iam-portal-keys"}


class Unfetched(Exception):
    """There is no such document, or not in time. ``word`` says why, and quotes nothing of an answer."""

    def __init__(self, word: str) -> None:
        super().__init__(word)
        self.word = word


def document(url: str, *, reach: Reach, bearer: str = "") -> dict[str, Any]:
    """The JSON object at the address; Unfetched for every other answer, a redirect among them."""
    shown = {"authorization": f"Bearer {bearer}"} if bearer else {}
    return _fetched(url, reach, "GET", None, {**_HEADERS, **shown})


def posted(url: str, *, reach: Reach, form: Mapping[str, str], headers: Mapping[str, str]) -> dict[str, Any]:
    """The JSON object that a form is answered with; the same bounds, and nothing is followed."""
    sent = {**_HEADERS, "content-type": "application/x-www-form-urlencoded", **headers}
    return _fetched(url, reach, "POST", urlencode(form).encode(), sent)


def _fetched(
    url: str, reach: Reach, method: str, body: bytes | None, headers: Mapping[str, str]
) -> dict[str, Any]:
    with Deadline(settings.FOREIGN_WHOLE_SECONDS) as deadline:
        try:
            to, seconds = receiver(url, reach), settings.FOREIGN_CONNECT_SECONDS
            with asked(
                to, deadline, method=method, body=body, headers=headers, connect_seconds=seconds
            ) as reply:
                found = _parsed(_body(reply, deadline))
        except AddressRefused as refused:
            raise Unfetched(refused.word) from None
        except Unfetched:
            raise
        except Exception as failure:
            raise Unfetched("timed_out" if deadline.over else word(failure)) from None
    return found


def _body(reply: BaseHTTPResponse, deadline: Deadline) -> bytes:
    _require_json(reply)
    body = reply.read(MOST_READ + 1, decode_content=False)
    if deadline.over:
        raise TimeoutError
    if len(body) > MOST_READ:
        raise Unfetched("too_large")
    return body


def _require_json(reply: BaseHTTPResponse) -> None:
    if reply.status != 200:
        raise Unfetched(f"status_{reply.status}")
    kind = str(reply.headers.get("content-type", "")).partition(";")[0].strip()
    packed = str(reply.headers.get("content-encoding", "identity")).strip().lower()
    if not _JSON.fullmatch(kind) or packed != "identity":  # a small packed body may be a huge one
        raise Unfetched("no_json")


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise Unfetched("no_json") from None
    if not isinstance(found, dict):
        raise Unfetched("no_json")
    return found
