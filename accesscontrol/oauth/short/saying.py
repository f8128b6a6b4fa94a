"""The bytes of an answer, its headers and its line in the log: as the long way has them."""

import json
import time
from datetime import UTC, datetime
from secrets import token_hex

from accesscontrol.oauth.claims import seconds
from accesscontrol.oauth.introspection import active
from accesscontrol.oauth.short.kept import Known, Presented, StandingAnswer, TokenAnswer
from iam_portal.often import Often

_TOKEN = b'{"access_token": "%s", "expires_in": %d, "token_type": "Bearer", "scope": %s, "jti": "%s"}'
LINES = Often("iam.request")


def token(answer: TokenAnswer, *, at: datetime) -> bytes:
    """A token of this moment. It never outlives what it rests on."""
    begun, ends = seconds(at), seconds(min(at + answer.life, answer.falls_at))
    jti = token_hex(16).encode()
    moving = b'"exp":%d,"iat":%d,"nbf":%d,"jti":"%s"' % (ends, begun, begun, jti)
    signed = answer.signer(answer.before + moving + answer.after)
    return _TOKEN % (signed, ends - begun, answer.scope, jti)


def is_plain(body: bytes) -> bool:
    """Whether the long way writes a token as it is written here."""
    said = json.loads(body)
    if [*said] != ["access_token", "expires_in", "token_type", "scope", "jti"]:
        return False
    texts = said["access_token"].encode(), said["expires_in"], json.dumps(said["scope"]).encode()
    return _TOKEN % (*texts, said["jti"].encode()) == body


def introspection(answer: StandingAnswer, presented: Presented) -> bytes:
    """Written once for each token, while what was decided stays."""
    said = presented.said
    if said is None or said[0] is not answer:
        said = answer, json.dumps(active(presented.claims, answer.members)).encode()
        presented.said = said
    return said[1]


def headers(known: Known, request_id: str, body: bytes) -> list[tuple[str, str]]:
    """Those that the long way gave to this kind of request."""
    return [*known.headers, ("Content-Length", str(len(body))), ("X-Request-Id", request_id)]


def note(known: Known, client_id: str, request_id: str, begun: float) -> None:
    """The line of the request, as :class:`iam_portal.tracing.RequestId` writes it."""
    if not LINES.is_on():
        return
    if not known.line:
        known.line = _unchanging(known, client_id)
    spent = round((time.perf_counter() - begun) * 1000, 1)
    moment = datetime.now(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")
    LINES.add(f'{known.line}, "request_id": "{request_id}", "ms": {spent}, "timestamp": "{moment}Z"}}')


def _unchanging(known: Known, client_id: str) -> str:
    """Of the line of every such request: its beginning."""
    return json.dumps(
        {
            "actor": f"client:{client_id}",
            "method": "POST",
            "route": known.route,
            "tenant": known.tenant,
            "status": 200,
            "event": "request",
            "level": "info",
            "logger": "iam.request",
        }
    )[:-1]


def span(known: Known, client_id: str, request_id: str) -> dict[str, str | int]:
    """The same for a collector of traces, as the long way tells it."""
    return {
        "http.request.method": "POST",
        "http.route": known.route,
        "http.response.status_code": 200,
        "iam.request_id": request_id,
        "iam.tenant": known.tenant,
        "iam.actor": f"client:{client_id}",
    }
