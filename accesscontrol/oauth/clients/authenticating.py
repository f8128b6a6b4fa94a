"""Which client it is that presents something, and whether it has proved that."""

import logging
from dataclasses import dataclass
from datetime import datetime

from accesscontrol.oauth.clients import mutual_tls, own_keys, secrets, workload
from accesscontrol.oauth.clients.assertions import TYPE, Unproven, parse
from accesscontrol.oauth.clients.failures import refusal
from accesscontrol.oauth.clients.living import living
from accesscontrol.oauth.clients.presented import Presented, basic
from accesscontrol.oauth.refusals import ClientRefused, ClientThrottled
from applications.models import Client
from iam_portal import limits
from iam_portal.tracing import acts

log = logging.getLogger("iam.oauth")
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
    try:
        return _named(_proved(presented, at))
    except ClientRefused:
        refused = refusal(client_id=presented.named, source=presented.source, at=at)
        if isinstance(refused, ClientThrottled):
            limits.refused("too_many_client_proofs")
        raise refused from None


def _proved(presented: Presented, at: datetime) -> Authenticated:
    if given := presented.by_header():
        return _of(secrets.holder(given, method=secrets.BASIC, at=at))
    if given := presented.by_form():
        return _of(secrets.holder(given, method=secrets.POST, at=at))
    try:
        if presented.asserts:
            return Authenticated(_asserted(presented, at))
        if presented.certificate is not None and presented.client_id:
            client = mutual_tls.holder(presented.certificate, presented.client_id, at=at)
            return Authenticated(client, presented.certificate.thumbprint)
    except Unproven as unproven:
        log.info("a client was not proved: %s", unproven)  # one of our words, nothing of the caller's
        raise ClientRefused from None
    raise ClientRefused


def identify(presented: Presented, *, at: datetime) -> Authenticated:
    """The same, and a public client by its ``client_id`` alone: for what it has to present besides."""
    presented.require_one_method()
    if presented.alone and (client := _public(presented.client_id, at)):
        return _named(Authenticated(client))
    return authenticate(presented, at=at)


def by_basic(authorization: str, *, source: str, at: datetime) -> Client:
    """The client of a Basic header where no other way is offered: at the doors of one's own application.

    Taken for either method with a secret. ``source``: the address it comes from.
    """
    given = basic(authorization)
    if given is None:
        raise ClientRefused
    try:
        return _of(secrets.holder_of_any(given, at=at)).client
    except ClientRefused:
        raise refusal(client_id=given.client_id, source=source, at=at) from None


def _named(found: Authenticated) -> Authenticated:
    acts("client", found.client.client_id, None)
    return found


def _asserted(presented: Presented, at: datetime) -> Client:
    """By its own key, or by the word of an issuer that it trusts: whichever the JWT says it is from."""
    if presented.form.get("client_assertion_type") != TYPE:
        raise Unproven("assertion_type")
    assertion = parse(presented.assertion)
    said = assertion.text("iss")
    if said == (presented.client_id or said):
        return own_keys.holder(assertion, presented, at=at)
    return workload.holder(assertion, presented, at=at)


def _public(client_id: str, at: datetime) -> Client | None:
    public = {"client_type": Client.CLIENT_PUBLIC, "token_endpoint_auth_method": NONE}
    found: Client | None = living(client_id, at).filter(**public).first()
    return found


def _of(key: int) -> Authenticated:
    return Authenticated(Client.objects.select_related("application").get(pk=key))
