"""What the token endpoint would answer, decided by its own functions; nothing is issued, counted or written.

Credentials, codes and certificates are not part of the question: it is asked by an administrator of the
tenant, who has none of them.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from oauthlib.oauth2.rfc6749.errors import OAuth2Error, UnauthorizedClientError

from accesscontrol.models.tokens import MADE_OF
from accesscontrol.oauth import exchange, person_grants, person_scopes, preview_exchange, sign_in_decision
from accesscontrol.oauth.claims import Bearer, Grant, access_token, issuer, roles_named
from accesscontrol.oauth.clients.living import sound
from accesscontrol.oauth.preview_exchange import NoSubject
from accesscontrol.oauth.realms import has_part
from accesscontrol.oauth.refusals import ClientRefused, PersonRefused, ScopeRefused
from accesscontrol.oauth.scopes import AUDIENCE
from accesscontrol.serializers.decisions import GRANTS
from applications.models import Application, Client, ServiceAccount
from applications.models.clients import OFF
from iam_portal.errors import Invalid, NotFound
from tenants.models import Tenant, User

SERVICE, CODE, REFRESH, EXCHANGE = GRANTS
LATEST = datetime(9990, 1, 1, tzinfo=UTC)  # a token ends after it was issued
NOT_KNOWN = ("sub", "jti", MADE_OF)  # before a token is issued


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A token that might be asked for. ``user_id`` is set for the grants in a person's name.

    Of an exchange it is one of two: whoever is behind the token that is exchanged, a person or a service.
    """

    client_id: str
    grant: str
    target: str = ""
    scope: str = ""
    user_id: UUID | None = None
    subject_application_id: str | None = None

    @property
    def words(self) -> str:
        """As the client would write its ``scope``."""
        return f"{AUDIENCE}{self.target} {self.scope}".strip() if self.target else self.scope


def preview(wish: Wish, *, tenant: Tenant, at: datetime) -> dict[str, Any]:
    """The answer to the tenant's administrator. Runs in the tenant's scope.

    NotFound for a client that has no part in the tenant, like an unknown one; for a person of another tenant,
    too.
    """
    if at > LATEST:
        raise Invalid("at is out of range.")
    client, user = _client(wish, tenant), _user(wish, tenant)
    subject = user or _service_behind(wish, tenant)
    try:
        if not client.application.during.lower <= at or _over(client, at):
            raise ClientRefused
        if wish.grant == EXCHANGE and subject is not None:
            bearer, grant = preview_exchange.settled(client, wish.words, subject, tenant=tenant, at=at)
        elif user is None:
            bearer, grant = _service(wish, client, tenant, at)
        else:
            bearer, grant = _person(wish, client, tenant, user, at)
    except OAuth2Error as error:
        return _refused(error)
    claims = access_token(
        issuer=issuer(settings.PORTAL_BASE_URL, tenant.id), bearer=bearer, grant=grant, issued_at=at, jti=""
    )
    known = {name: value for name, value in claims.items() if value or name not in NOT_KNOWN}
    bound = [] if client.dpop == OFF else ["jkt"]
    return {"granted": True, "claims": known, "dpop": client.dpop, "cnf": bound}


def _client(wish: Wish, tenant: Tenant) -> Client:
    found = Client.objects.select_related("application").filter(client_id=sound(wish.client_id)).first()
    if found is None or not has_part(found.application, tenant.id):
        raise NotFound
    return found


def _user(wish: Wish, tenant: Tenant) -> User | None:
    if wish.grant == EXCHANGE:
        if (wish.user_id is None) == (wish.subject_application_id is None):
            raise Invalid("An exchange names its subject: userId or subjectApplicationId.")
    elif wish.subject_application_id is not None:
        raise Invalid("subjectApplicationId belongs to an exchange.")
    elif (wish.user_id is None) != (wish.grant == SERVICE):
        raise Invalid("userId belongs to the grants in a person's name, and only to them.")
    if wish.user_id is None:
        return None
    found = User.objects.filter(tenant=tenant, id=wish.user_id).first()
    if found is None:
        raise NotFound
    return found


def _service_behind(wish: Wish, tenant: Tenant) -> Application | None:
    if wish.subject_application_id is None:
        return None
    found = Application.objects.filter(id=sound(wish.subject_application_id)).first()
    if found is None or not has_part(found, tenant.id):
        raise NotFound
    return found


def _over(client: Client, at: datetime) -> bool:
    end = client.application.during.upper
    return end is not None and end <= at


def _service(wish: Wish, client: Client, tenant: Tenant, at: datetime) -> tuple[Bearer, Grant]:
    """As :func:`accesscontrol.oauth.exchange.decide`. The tenant itself hears why not."""
    if client.client_type != Client.CLIENT_CONFIDENTIAL:
        raise ClientRefused  # a public client has nothing to authenticate with
    asked = exchange.understood(client, wish.words, ())
    told = str(tenant.id)
    granted = exchange.settled(client.application, tenant, asked, told=told, at=at)
    account = ServiceAccount.objects.filter(application=client.application, tenant=tenant).first()
    return _bearer(client, tenant, str(account.id) if account else ""), exchange.grant_of(
        granted, asked, told
    )


def _person(wish: Wish, client: Client, tenant: Tenant, user: User, at: datetime) -> tuple[Bearer, Grant]:
    """As :mod:`accesscontrol.oauth.authorize` and :mod:`~accesscontrol.oauth.person_grants` after it."""
    if not client.redirect_uris:
        raise UnauthorizedClientError(description="The client has no address to which a code could go.")
    scopes = person_scopes.granted(wish.words, (), client=client)
    standing = person_grants.decided(tenant, client, user, at=at)
    if not standing:
        raise PersonRefused(standing.decision)
    wanted = roles_named(scopes, client.application_id)
    if wish.grant == CODE and wanted - {
        role.key for role in sign_in_decision.narrowed(standing.roles, wanted)
    }:
        raise ScopeRefused("invalid_scope", "The person holds no such role.")
    grant = person_grants.grant_of(standing, scopes, client=client, tenant=tenant)
    return _bearer(client, tenant, str(user.pk)), grant


def _bearer(client: Client, tenant: Tenant, subject: str) -> Bearer:
    return Bearer(
        subject=subject, client_id=client.client_id, tenant_id=str(tenant.id), tenant_name=tenant.name
    )


def _refused(error: OAuth2Error) -> dict[str, Any]:
    reasons: list[Any] = []
    if isinstance(error, ScopeRefused):
        reasons = error.members.get("reasons", [])
    elif isinstance(error, PersonRefused):
        reasons = [reason.as_json() for reason in error.decision.reasons]
    elif isinstance(error, NoSubject):
        reasons = [reason.as_json() for reason in error.reasons]
    return {"granted": False, "error": error.error, "description": error.description, "reasons": reasons}
