"""What the token endpoint says no with (RFC 6749 §5.2), and how much of it.

=====  =========================  ==============================================================
code   ``reason``                 meaning
=====  =========================  ==============================================================
KC-5   application_not_available  the target is not available in the tenant (or nothing may be told)
KC-6   caller_not_available       the target is, the caller is not
KC-7   no_role_held               both are, the caller holds no role of the target
KC-8   self_audience              nobody calls itself
KC-9   no_common_role             whoever acts and whom it acts for hold no role of the target in common
=====  =========================  ==============================================================

``reason``, ``reasons``, ``available_from`` and every code but KC-5 stand only where the caller may know:
see :func:`accesscontrol.oauth.decision.may_know`. Everybody else gets the bare KC-5 body, alike to the byte
for an unknown tenant, an unknown and an unshared application.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from oauthlib.oauth2.rfc6749.errors import InvalidClientError, InvalidRequestError, OAuth2Error

from iam_portal.decision import Decision, Reason, rfc3339

REALM = "iam-portal"
CHALLENGE = f'Basic realm="{REALM}", charset="UTF-8"'
NOT_AVAILABLE = "application_not_available"
NO_COMMON_ROLE = "no_common_role"
TEXTS: Mapping[str, str] = {
    NOT_AVAILABLE: "KC-5: No client match found.",
    "caller_not_available": "KC-6: The calling application is not available.",
    "no_role_held": "KC-7: The calling application holds no such role.",
    "self_audience": "KC-8: An application does not call itself.",
    NO_COMMON_ROLE: "KC-9: The subject and the calling application hold no such role in common.",
}


class ClientRefused(InvalidClientError):
    """Unknown client, wrong secret, retired application, no credentials: one answer, for any tenant."""

    description = "Client authentication failed."

    @property
    def headers(self) -> dict[str, str]:
        """Basic, where the toolkit would challenge for a Bearer token (RFC 6749 §5.2)."""
        return {"WWW-Authenticate": CHALLENGE}


class ClientThrottled(ClientRefused):
    """The same, too often from here (RFC 6585 §4). A right proof is taken all the same."""

    status_code = 429
    description = "Client authentication failed, too often from this network. A right proof is taken at once."

    def __init__(self, wait: int) -> None:
        self.wait = wait  # before the parent asks for the headers
        super().__init__()

    @property
    def headers(self) -> dict[str, str]:
        """With the seconds until a wrong one is looked at as before."""
        return {**super().headers, "Retry-After": str(self.wait)}


class BadRequest(InvalidRequestError):
    """The words themselves are wrong, whoever says them."""


class ScopeRefused(OAuth2Error):
    """``invalid_scope`` or ``invalid_target`` (RFC 8707 §2), with members of our own."""

    def __init__(self, error: str, description: str, members: Mapping[str, Any] | None = None) -> None:
        self.error = error
        self.members = dict(members or {})
        super().__init__(description=description)

    @property
    def twotuples(self) -> list[tuple[str, Any]]:
        """What the body holds."""
        return [("error", self.error), ("error_description", self.description), *self.members.items()]


class PersonRefused(OAuth2Error):
    """``invalid_grant``: the person may not use the client's application now, and why.

    The client is the application's own, so its owner may know.
    """

    error = "invalid_grant"

    def __init__(self, decision: Decision) -> None:
        self.decision = decision
        super().__init__(description="The application is not available to this person.")

    @property
    def twotuples(self) -> list[tuple[str, Any]]:
        """What the body holds."""
        reasons = [reason.as_json() for reason in self.decision.reasons]
        members = [("reason", self.decision.code or NOT_AVAILABLE), ("reasons", reasons)]
        return [("error", self.error), ("error_description", self.description), *members]


@dataclass(frozen=True, slots=True)
class Disclosure:
    """What a caller who may know is told."""

    reason: str
    reasons: tuple[Reason, ...]
    available_from: datetime | None

    def members(self) -> dict[str, Any]:
        """As members of the error body; ``available_from`` is null when nothing is planned."""
        return {
            "reason": self.reason,
            "reasons": [reason.as_json() for reason in self.reasons],
            "available_from": rfc3339(self.available_from),
        }


def target_refused(
    failing: Iterable[str], *, by_resource: bool, disclosure: Disclosure | None = None
) -> ScopeRefused:
    """The refusal of targets. ``failing`` are the words that failed and may be echoed."""
    text = TEXTS[disclosure.reason if disclosure else NOT_AVAILABLE]
    description = f"{text} Invalid scopes: [{', '.join(failing)}]"
    error = "invalid_target" if by_resource else "invalid_scope"
    return ScopeRefused(error, description, disclosure.members() if disclosure else None)


def nothing_to_call(disclosure: Disclosure | None) -> ScopeRefused:
    """No target was named, and there is none that the client may call: always KC-5, of nothing."""
    members = disclosure.members() if disclosure else None
    return ScopeRefused("invalid_scope", f"{TEXTS[NOT_AVAILABLE]} Invalid scopes: []", members)
