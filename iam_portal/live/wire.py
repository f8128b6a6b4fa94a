"""HTTP/1.1 as far as this process speaks it: one GET without a body on each connection, then it is closed.

With one request a connection nothing can be smuggled behind another; what is ambiguous is refused.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote_to_bytes

from django.conf import settings

from iam_portal import csp, limits, problem

MOST_BYTES = 16_384
MOST_FIELDS = 100
_REQUEST = re.compile(rb"([A-Z]{1,20}) (/[!-\"$-~]*) HTTP/1\.([01])")
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t -~\x80-\xff]*)")
# Said twice, they may be read in two ways.
_ONCE = {"host", "authorization", "content-length", "last-event-id"}
_SAFE = (("Content-Security-Policy", csp.POLICY), ("X-Content-Type-Options", "nosniff"))
_CLOSING = (("Connection", "close"), ("Cache-Control", "no-store"))


_OF_LIMITS = {408, 413, 429, 503}


class Refused(Exception):
    """Not answered as asked: the status and the stable code of the problem."""

    def __init__(self, status: int, code: str, detail: str, *, wait: int = 0, allow: str = "") -> None:
        super().__init__(detail)
        if status in _OF_LIMITS:
            limits.refused(code)
        self.status, self.code, self.detail = status, code, detail
        self.fields = [("Retry-After", str(wait))] if wait else []
        self.fields += [("Allow", allow)] if allow else []


@dataclass(frozen=True, slots=True)
class Asked:
    """A request: the path is decoded (bytes as latin-1, as WSGI has them), names of fields are lower-case."""

    path: str
    query: str
    fields: Mapping[str, str]

    @property
    def wants_stream(self) -> bool:
        """Whether ``Accept`` names the type of server-sent events."""
        ranges = self.fields.get("accept", "").lower().split(",")
        return any(each.partition(";")[0].strip() == "text/event-stream" for each in ranges)


def read(head: bytes) -> Asked:
    """The request before the empty line; Refused when it is none, or more than a plain GET."""
    method, asked, _ = parsed(head)
    if asked.fields.get("content-length", "0") != "0":
        raise Refused(413, "body_not_taken", "This address takes no body.")
    if method != "GET":
        raise Refused(405, "method_not_allowed", "This address is only read.", allow="GET")
    return asked


def parsed(head: bytes) -> tuple[str, Asked, bool]:
    """Its method, what is asked, and whether it is of HTTP/1.1; Refused when it is not to be understood."""
    first, *lines = head.split(b"\r\n")
    found = _REQUEST.fullmatch(first)
    if found is None or len(lines) > MOST_FIELDS:
        raise _malformed()
    method, target, minor = found.groups()
    fields = _fields(lines)
    if (minor == b"1" and "host" not in fields) or "transfer-encoding" in fields:
        raise _malformed()
    path, _, query = target.partition(b"?")
    asked = Asked(unquote_to_bytes(path).decode("latin-1"), query.decode("ascii"), fields)
    return method.decode("ascii"), asked, minor == b"1"


def _fields(lines: Iterable[bytes]) -> dict[str, str]:
    fields: dict[str, str] = {}
    for line in lines:
        found = _FIELD.fullmatch(line)
        if found is None:
            raise _malformed()
        name, value = found.group(1).decode("ascii").lower(), found.group(2).decode("latin-1").strip(" \t")
        if "_" in name:  # would pass for the one with a hyphen, which a proxy takes away
            continue
        if name not in fields:
            fields[name] = value
        elif name in _ONCE:
            raise _malformed()
        else:
            fields[name] += ("; " if name == "cookie" else ", ") + value
    return fields


def _malformed() -> Refused:
    return Refused(400, "bad_request", "The request could not be understood.")


def sharing(asked: Asked) -> list[tuple[str, str]]:
    """What lets the portal's own pages read the answer, with the session's cookie, from this other port.

    No other origin, and nothing but a plain GET: a request that a browser asks leave for is refused.
    """
    if asked.fields.get("origin") != csp.origin(settings.PORTAL_BASE_URL):
        return []
    allowed = ("Access-Control-Allow-Origin", asked.fields["origin"])
    return [allowed, ("Access-Control-Allow-Credentials", "true"), ("Vary", "Origin")]


def reply(status: int, fields: Iterable[tuple[str, str]], body: bytes) -> bytes:
    """A whole answer, after which the connection is closed."""
    own = {"connection", "content-length", "transfer-encoding", "keep-alive", "cache-control"}
    kept = [(name, value) for name, value in fields if name.lower() not in own]
    return opening(status, [*kept, ("Content-Length", str(len(body)))]) + body


def opening(status: int, fields: Iterable[tuple[str, str]]) -> bytes:
    """The first lines of an answer, to the empty one."""
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"]
    lines += [f"{name}: {value}" for name, value in [*_CLOSING, *fields]]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def refusal(refused: Refused, path: str = "") -> bytes:
    """A problem document, with the headers that every answer of the portal has."""
    document = problem.body(status=refused.status, code=refused.code, detail=refused.detail, instance=path)
    fields = [("Content-Type", problem.MEDIA_TYPE), *_SAFE, *refused.fields]
    return reply(refused.status, fields, json.dumps(document).encode())


def message(status: str) -> bytes:
    """For probes."""
    return reply(
        200 if status == "ok" else 503,
        [("Content-Type", "application/json"), *_SAFE],
        json.dumps({"status": status}).encode(),
    )


def event(item: Mapping[str, Any]) -> bytes:
    """A CloudEvent as a server-sent one; its position is what a reader resumes after."""
    data = json.dumps(item, separators=(",", ":"))  # ASCII, and on one line
    return f"id: {item['position']}\nevent: {item['type']}\ndata: {data}\n\n".encode()


def last_event(body: bytes) -> bytes:
    """The problem that ended a stream. It carries no id: the reader goes on after the last real event."""
    try:
        document = json.dumps(json.loads(body), separators=(",", ":"))
    except ValueError:
        document = "{}"
    return f"event: error\ndata: {document}\n\n".encode()
