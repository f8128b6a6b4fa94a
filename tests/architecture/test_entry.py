"""The entry point answers whatever charset a caller names: the test client makes its own requests."""

import io
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest

from accesscontrol.oauth.wire import FORM
from iam_portal.wsgi import application

CODECS = ("base64", "rot13", "uu", "idna", "utf-16", "nonsense", "utf-8")


def answered(environ: dict[str, Any]) -> int:
    lines: list[str] = []
    list(application(environ, lambda line, headers, exc=None: lines.append(line)))
    return int(lines[0][:3])


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/livez", 200),
        ("POST", "/oauth2/token", 400),
        ("POST", "/t/acme/sign-in", 403),  # no CSRF token
    ],
)
def test_a_strange_charset_breaks_no_request(
    db: None, codec: str, method: str, path: str, status: int
) -> None:
    for kind in (f"{FORM}; charset={codec}", f"multipart/form-data; boundary=x; charset={codec}"):
        body = b"grant_type=client_credentials"
        environ = {
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "QUERY_STRING": "x=%C3%A9",
            "CONTENT_TYPE": kind,
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_HOST": "testserver",
            "wsgi.input": io.BytesIO(body),
        }
        setup_testing_defaults(environ)
        assert answered(environ) == status, kind
