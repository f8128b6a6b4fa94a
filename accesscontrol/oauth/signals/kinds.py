"""Which event of the outbox is which event of CAEP 1.0 and RISC 1.0, and back."""

from collections.abc import Iterable

_CAEP = "https://schemas.openid.net/secevent/caep/event-type/"
_RISC = "https://schemas.openid.net/secevent/risc/event-type/"
SESSION_REVOKED = f"{_CAEP}session-revoked"
CREDENTIAL_CHANGE = f"{_CAEP}credential-change"
# Another access is another ``roles`` claim: CAEP has no event of its own for it, and §3.2 is about just that.
TOKEN_CLAIMS_CHANGE = f"{_CAEP}token-claims-change"
VERIFICATION = "https://schemas.openid.net/secevent/ssf/event-type/verification"

_URIS = {
    "iam.person.session_revoked.v1": SESSION_REVOKED,
    "iam.person.credential_changed.v1": CREDENTIAL_CHANGE,
    "iam.person.access_changed.v1": TOKEN_CLAIMS_CHANGE,
    "iam.person.deactivated.v1": f"{_RISC}account-disabled",
    "iam.person.reactivated.v1": f"{_RISC}account-enabled",
    "iam.person.deleted.v1": f"{_RISC}account-purged",
}
_TYPES = {uri: type for type, uri in _URIS.items()}
SUPPORTED = tuple(_URIS.values())


def uri_of(type: str) -> str:
    """The event that a type of the outbox is told as."""
    return _URIS[type]


def types_of(uris: Iterable[str]) -> tuple[str, ...]:
    """The types that these events are told of; an unknown event is of none."""
    return tuple(_TYPES[uri] for uri in dict.fromkeys(uris) if uri in _TYPES)


def uris_of(types: Iterable[str]) -> list[str]:
    """The other way round."""
    return [_URIS[type] for type in types if type in _URIS]
