"""What a provider says of itself (OpenID Connect Discovery 1.0), believed only where it is sound."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from accesscontrol.oauth.clients import foreign
from accesscontrol.oauth.providers.failing import Failed
from applications.delivery.addresses import AddressRefused, of_keys, receiver
from applications.delivery.fetching import Unfetched, document

LONGEST = 1_000  # characters of an address


@dataclass(frozen=True, slots=True)
class Metadata:
    """The addresses that are used, each of them by https, and what the provider announces."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str
    end_session_endpoint: str
    names_itself: bool  # RFC 9207: each answer has ``iss``
    takes_basic: bool


@dataclass(frozen=True, slots=True)
class Description:
    """Of one issuer."""

    issuer: str

    def fetch(self) -> tuple[Metadata, ...]:
        """As it is now; Unfetched where it is not sound.

        §4.3: of exactly this issuer. Else one provider could name the endpoints of another, and have our
        client's secret and codes sent there (mix-up, RFC 9700 §4.4).
        """
        said = document(self.issuer.rstrip("/") + foreign.DISCOVERY, reach=of_keys())
        if said.get("issuer") != self.issuer:
            raise Unfetched("other_issuer")
        methods = said.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        found = Metadata(
            authorization_endpoint=_address(said, "authorization_endpoint"),
            token_endpoint=_address(said, "token_endpoint"),
            jwks_uri=_address(said, "jwks_uri"),
            userinfo_endpoint=_address(said, "userinfo_endpoint", needed=False),
            end_session_endpoint=_address(said, "end_session_endpoint", needed=False),
            names_itself=said.get("authorization_response_iss_parameter_supported") is True,
            takes_basic=isinstance(methods, list) and "client_secret_basic" in methods,
        )
        return (found,)


def of(issuer: str, *, owner_id: UUID) -> Metadata:
    """The description that is kept, or a fresh one."""
    found = foreign.known(Description(issuer), owner_id=owner_id)
    if not found:
        raise Failed("provider_unreachable")
    metadata: Metadata = found[0]
    return metadata


def fresh(issuer: str) -> Metadata:
    """As it is now: for who tries a provider, with the word of what is wrong."""
    try:
        return Description(issuer).fetch()[0]
    except Unfetched as unfetched:
        raise Failed("provider_unreachable", unfetched.word) from None


def _address(said: Mapping[str, Any], name: str, *, needed: bool = True) -> str:
    value = said.get(name)
    if value is None and not needed:
        return ""
    if not isinstance(value, str) or len(value) > LONGEST:
        raise Unfetched("no_address")
    try:
        receiver(value, of_keys())
    except AddressRefused as refused:
        raise Unfetched(refused.word) from None
    return value
