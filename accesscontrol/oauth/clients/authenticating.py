"""Which client it is that presents something, and whether it has proved that."""

from dataclasses import dataclass
from datetime import datetime

from accesscontrol.oauth.clients import secrets
from accesscontrol.oauth.clients.living import living
from accesscontrol.oauth.clients.presented import Presented, basic
from accesscontrol.oauth.refusals import ClientRefused
from applications.models import Client

NONE = "none"  # the method of public clients: they have nothing to prove with


@dataclass(frozen=True, slots=True)
class Authenticated:
    """A client, with its application. ``thumbprint``: of the certificate that its tokens are bound to."""

    client: Client
    thumbprint: str | None = None


def authenticate(presented: Presented, *, at: datetime) -> Authenticated:
    """The confidential client that proved itself by its registered method; :class:`ClientRefused` else.

    BadRequest for two methods at once. Ask outside of transactions: foreign keys may have to be fetched.
    """
    presented.require_one_method()
    if given := presented.by_header():
        return _of(secrets.holder(given, method=secrets.BASIC, at=at))
    if given := presented.by_form():
        return _of(secrets.holder(given, method=secrets.POST, at=at))
    raise ClientRefused


def identify(presented: Presented, *, at: datetime) -> Authenticated:
    """The same, and a public client by its ``client_id`` alone: for what it has to present besides."""
    presented.require_one_method()
    if not (presented.by_header() or presented.by_form() or presented.assertion):
        of_the_public = living(presented.client_id, at).filter(client_type=Client.CLIENT_PUBLIC)
        if client := of_the_public.filter(token_endpoint_auth_method=NONE).first():
            return Authenticated(client)
    return authenticate(presented, at=at)


def by_basic(authorization: str, *, at: datetime) -> Client:
    """The client of a Basic header where no other way is offered: at the doors of one's own application.

    Taken for either method with a secret.
    """
    given = basic(authorization)
    if given is None:
        raise ClientRefused
    return _of(secrets.holder_of_any(given, at=at)).client


def _of(key: int) -> Authenticated:
    return Authenticated(Client.objects.select_related("application").get(pk=key))
