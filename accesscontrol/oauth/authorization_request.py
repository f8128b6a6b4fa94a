"""A request to the authorization endpoint, read in the order of RFC 6749 §4.1.2.1.

First whom to answer (client and address): what is wrong there is told to the person alone, because an answer
would go to whoever made the address up. Everything after that is answered at the client's address.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode, urlsplit, urlunsplit

from django.http import QueryDict

from accesscontrol.oauth import person_scopes
from accesscontrol.oauth.clients.living import living
from accesscontrol.oauth.clients.possession import THUMBPRINT
from accesscontrol.oauth.refusals import ScopeRefused
from applications.models import Client
from applications.models.clients import OFF

LONGEST = 4096  # characters of one parameter
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")  # S256: 32 bytes in base64url (RFC 7636 §4.2)
_REPEATABLE = frozenset({"resource"})
_UNSUPPORTED = {
    "request": "request_not_supported",
    "request_uri": "request_uri_not_supported",
    "registration": "registration_not_supported",
}
PROMPTS = frozenset({"none", "login", "consent", "select_account"})


class Unanswerable(Exception):
    """Nobody to answer: the client or the address is not one that we know. For the person's eyes."""


class Refused(Exception):
    """An error that the client is told at its address."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(error)
        self.error, self.description = error, description


@dataclass(frozen=True, slots=True)
class Addressee:
    """Whom to answer, and what the answer repeats."""

    client: Client
    redirect_uri: str
    named: bool
    state: str | None

    def location(self, answer: Mapping[str, str], *, issuer: str) -> str:
        """The client's address with the answer, ``state`` and ``iss`` (RFC 9207 §2); its own query stays."""
        members = dict(answer)
        if self.state is not None:
            members["state"] = self.state
        members["iss"] = issuer
        parts = urlsplit(self.redirect_uri)
        query = f"{parts.query}&{urlencode(members)}" if parts.query else urlencode(members)
        return urlunsplit(parts._replace(query=query))


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """What was asked for. ``max_age`` in seconds; ``scopes`` are those that would be granted."""

    to: Addressee
    scopes: tuple[str, ...]
    nonce: str
    code_challenge: str
    prompts: frozenset[str]
    max_age: int | None
    login_hint: str
    id_token_hint: str
    key_thumbprint: str = ""  # ``dpop_jkt``: the key that has to be proved with the code (RFC 9449 §10)

    @property
    def silent(self) -> bool:
        """Whether nothing may be shown (``prompt=none``)."""
        return "none" in self.prompts

    def wants_sign_in(self, *, authenticated_at: datetime, asked_at: datetime | None, at: datetime) -> bool:
        """Whether the person has to prove again who he is, unless he did so since he was asked to."""
        if asked_at is not None and authenticated_at >= asked_at:
            return False
        too_old = self.max_age is not None and (at - authenticated_at).total_seconds() > self.max_age
        return too_old or bool(self.prompts & {"login", "select_account"})


def addressee(sent: QueryDict, *, at: datetime) -> Addressee:
    """The client and its registered address, compared as text (RFC 9700 §2.1); Unanswerable otherwise.

    A retired application has no client: who looks after its address now, nobody knows.
    """
    for name in ("client_id", "redirect_uri"):
        if len(sent.getlist(name)) > 1:
            raise Unanswerable
    client_id, address = sent.get("client_id", ""), sent.get("redirect_uri", "")
    client = living(client_id, at).first()
    registered = client.redirect_uris.split() if client else []
    if client is None or not registered:
        raise Unanswerable
    # Without an address the only one counts, but never for OpenID Connect (Core §3.1.2.1).
    named = bool(address)
    if not named and len(registered) == 1 and "openid" not in sent.get("scope", "").split(" "):
        address = registered[0]
    if address not in registered:
        raise Unanswerable
    states = sent.getlist("state")
    state = states[0] if len(states) == 1 and 0 < len(states[0]) <= LONGEST else None
    return Addressee(client, address, named, state)


def wants_silence(sent: QueryDict) -> bool:
    """Whether nothing may be shown (``prompt=none``), however wrong the rest is."""
    return "none" in sent.get("prompt", "").split()


def read(sent: QueryDict, to: Addressee) -> AuthorizationRequest:
    """Everything else; :class:`Refused` with the first that is wrong."""
    _refuse_malformed(sent)
    if not sent.get("response_type"):
        raise Refused("invalid_request", "The parameter response_type is missing.")
    if sent["response_type"] != "code":
        raise Refused("unsupported_response_type", "The only response_type is code.")
    if sent.get("response_mode") not in (None, "", "query"):
        raise Refused("invalid_request", "The only response_mode is query.")
    prompts = frozenset(sent.get("prompt", "").split())
    if not prompts <= PROMPTS or ("none" in prompts and len(prompts) > 1):
        raise Refused("invalid_request", "The parameter prompt is not one that is known.")
    return AuthorizationRequest(
        to=to,
        scopes=_scopes(sent, to.client),
        nonce=_nonce(sent),
        code_challenge=_challenge(sent, to.client),
        prompts=prompts,
        max_age=_max_age(sent),
        login_hint=sent.get("login_hint", "")[:254],
        id_token_hint=sent.get("id_token_hint", ""),
        key_thumbprint=_thumbprint(sent, to.client),
    )


def _refuse_malformed(sent: QueryDict) -> None:
    for name, values in sent.lists():
        if len(values) > 1 and name not in _REPEATABLE:
            raise Refused("invalid_request", "A parameter was sent more than once.")
        if name != "id_token_hint" and any(len(value) > LONGEST or "\0" in value for value in values):
            raise Refused("invalid_request", "A parameter is too long or malformed.")
    for name, error in _UNSUPPORTED.items():
        if sent.get(name):
            raise Refused(error, f"The parameter {name} is not supported.")


def _scopes(sent: QueryDict, client: Client) -> tuple[str, ...]:
    resources: Sequence[str] = sent.getlist("resource")
    try:
        return person_scopes.granted(sent.get("scope", ""), resources, client=client)
    except ScopeRefused as refusal:
        raise Refused(refusal.error, str(refusal.description)) from refusal


def _nonce(sent: QueryDict) -> str:
    nonce = sent.get("nonce", "")
    if len(nonce) > 255:
        raise Refused("invalid_request", "The parameter nonce is too long.")
    return nonce


def _challenge(sent: QueryDict, client: Client) -> str:
    """PKCE with S256 and nothing else (RFC 7636 §4.3, RFC 9700 §2.1.1)."""
    challenge, method = sent.get("code_challenge", ""), sent.get("code_challenge_method", "")
    if not challenge:
        if method or client.pkce_required or client.client_type == Client.CLIENT_PUBLIC:
            raise Refused("invalid_request", "Code challenge required: code_challenge with S256.")
        return ""
    if method != "S256":
        raise Refused("invalid_request", "Transform algorithm not supported: code_challenge_method is S256.")
    if not _CHALLENGE.fullmatch(challenge):
        raise Refused("invalid_request", "code_challenge is malformed.")
    return challenge


def _thumbprint(sent: QueryDict, client: Client) -> str:
    thumbprint = sent.get("dpop_jkt", "")
    if thumbprint and not THUMBPRINT.fullmatch(thumbprint):
        raise Refused("invalid_request", "dpop_jkt is malformed.")
    return thumbprint if client.dpop != OFF else ""


def _max_age(sent: QueryDict) -> int | None:
    text = sent.get("max_age", "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise Refused("invalid_request", "max_age is a number of seconds.")
    return int(text)
