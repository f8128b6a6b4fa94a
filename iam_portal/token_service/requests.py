"""A request as WSGI has it (PEP 3333), and the bytes of an answer."""

import re
import sys
import time
from collections.abc import Iterable
from email.utils import formatdate
from io import BytesIO
from typing import Any

from iam_portal.admission import callers
from iam_portal.live.wire import Asked, Refused

MOST_BODY = 65_536  # bytes; no form of these doors comes near it
PROBES = frozenset({"/livez", "/readyz", "/metrics"})
_LENGTH = re.compile(r"[0-9]{1,9}", re.ASCII)
_ALWAYS: dict[str, Any] = {
    "SCRIPT_NAME": "",
    "SERVER_NAME": "localhost",
    "SERVER_PORT": "80",
    "wsgi.version": (1, 0),
    "wsgi.url_scheme": "http",  # TLS ends before this process; the header of the proxy says so
    "wsgi.errors": sys.stderr,
    "wsgi.multithread": True,
    "wsgi.multiprocess": True,
    "wsgi.run_once": False,
}
_NAMES = {"content-type": "CONTENT_TYPE", "content-length": "CONTENT_LENGTH"}
_MOST_NAMES = 200


def sound(method: str, asked: Asked) -> int:
    """The length of its body; Refused where the request is none that is answered here."""
    if asked.path in PROBES:
        allowed: tuple[str, ...] = ("GET", "HEAD")
    elif callers.at_oauth(asked.path):
        allowed = ("POST", "OPTIONS")
    else:
        raise Refused(404, "not_found", "Only token requests are answered at this port.")
    if method not in allowed:
        raise Refused(405, "method_not_allowed", "Not by this method.", allow=", ".join(allowed))
    length = asked.fields.get("content-length", "0")
    if not _LENGTH.fullmatch(length):
        raise Refused(400, "bad_request", "Content-Length has to be the length of the body in bytes.")
    if int(length) > MOST_BODY:
        raise Refused(413, "too_large", f"The body is larger than {MOST_BODY} bytes.")
    return int(length)


def environ(method: str, asked: Asked, body: bytes, peer: str) -> dict[str, Any]:
    """What an application of WSGI is called with."""
    made = _ALWAYS.copy()
    made["REQUEST_METHOD"], made["REMOTE_ADDR"] = method, peer
    made["PATH_INFO"], made["QUERY_STRING"] = asked.path, asked.query
    made["SERVER_PROTOCOL"], made["wsgi.input"] = "HTTP/1.1", BytesIO(body)
    for name, value in asked.fields.items():
        made[_NAMES.get(name) or _learned(name)] = value
    return made


def _learned(name: str) -> str:
    key = f"HTTP_{name.upper().replace('-', '_')}"
    if len(_NAMES) < _MOST_NAMES:  # whoever makes up names fills no more
        _NAMES[name] = key
    return key


class Dates:
    """The moment as HTTP writes it, made once a second."""

    def __init__(self) -> None:
        self._made, self._text = 0, ""

    def now(self) -> str:
        second = int(time.time())
        if second != self._made:
            self._made, self._text = second, formatdate(second, usegmt=True)
        return self._text


_DATES = Dates()


def answer(
    status: str, fields: Iterable[tuple[str, str]], body: bytes, *, last: bool, only_head: bool
) -> bytes:
    """``last``: the connection is closed after it. ValueError where a field would be two."""
    lines = [f"HTTP/1.1 {status}", f"Date: {_DATES.now()}"]
    lines += [f"{name}: {value}" for name, value in fields if name.lower() not in _OURS]
    if status[:3] in _WITHOUT_BODY:
        only_head = True
    else:
        lines.append(f"Content-Length: {len(body)}")
    if last:
        lines.append("Connection: close")
    head = "\r\n".join(lines)
    if head.count("\n") != len(lines) - 1 or head.count("\r") != len(lines) - 1:
        raise ValueError("A field of the answer holds a line break.")
    return f"{head}\r\n\r\n".encode("latin-1") + (b"" if only_head else body)


_WITHOUT_BODY = ("204", "304")  # RFC 9110 §8.6
_OURS = frozenset({"date", "content-length", "connection", "transfer-encoding", "keep-alive"})
