"""Requests to the portal, with the application's own credentials: bounded, following nothing."""

import base64
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

MOST_READ = 64 * 1024 * 1024  # bytes; an ACL may be large
TIMEOUT = 5.0  # seconds


class PortalAway(Exception):
    """It did not answer, or not in a way that says anything. Says no more: its words may quote a token."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and a JSON body, ``None`` where there was none."""

    status: int
    body: Any


@dataclass(frozen=True, slots=True)
class Portal:
    """Where it is, and who we are there."""

    base: str
    client_id: str
    secret: str = field(repr=False)
    timeout: float = TIMEOUT

    def issuer(self, tenant_id: str) -> str:
        """As tokens of this tenant name it."""
        return f"{self.base}/iam/auth/realms/{tenant_id}"

    def get(self, path: str, **query: str | int) -> Answer:
        """By Basic, as every door of one's own application takes it."""
        asked = f"{path}?{urlencode(query)}" if query else path
        return self._ask(asked, None, {"Authorization": self._basic()})

    def public(self, path: str) -> Answer:
        """What everybody may read."""
        return self._ask(path, None, {})

    def post(self, path: str, form: Mapping[str, str]) -> Answer:
        """A form, as the endpoints of OAuth take it."""
        return self._ask(path, urlencode(form).encode(), {"Authorization": self._basic()})

    def _basic(self) -> str:
        """Both parts urlencoded (RFC 6749 §2.3.1)."""
        pair = f"{quote(self.client_id, safe='')}:{quote(self.secret, safe='')}"
        return f"Basic {base64.b64encode(pair.encode()).decode()}"

    def _ask(self, path: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        request = urllib.request.Request(self.base + path, data=body, headers=dict(headers))  # noqa: S310  (ours)
        try:
            with _OPENER.open(request, timeout=self.timeout) as reply:
                return Answer(reply.status, _parsed(reply.read(MOST_READ + 1)))
        except urllib.error.HTTPError as refused:
            with refused:
                return Answer(refused.code, _parsed(refused.read(MOST_READ)))
        except (OSError, ValueError) as failure:
            raise PortalAway(type(failure).__name__) from None


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Credentials go to the portal, and to nobody whom an answer names."""


_OPENER = urllib.request.build_opener(_NoRedirect)


def _parsed(body: bytes) -> Any:
    """ValueError for what is cut off: half a document would read like a whole one to nobody."""
    if len(body) > MOST_READ:
        raise ValueError
    return json.loads(body) if body else None
