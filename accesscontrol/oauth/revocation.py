"""Revocation (RFC 7009): a client gives back what it was given. No person is needed for it."""

from datetime import UTC, datetime

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_variables
from django.views.generic import View
from oauthlib.oauth2.rfc6749.errors import InvalidGrantError, OAuth2Error, UnsupportedTokenTypeError

from accesscontrol.actions import authorizations
from accesscontrol.models import Authorization, RefreshToken, RevokedToken
from accesscontrol.oauth import clients, tokens, wire
from accesscontrol.oauth.introspection import REFRESH_FORM
from accesscontrol.oauth.realms import Address
from accesscontrol.oauth.refusals import BadRequest
from applications.models import Client
from iam_portal.gate import Actor
from iam_portal.tracing import request_id, source_address
from iam_portal.walls import tenant_scope
from tenants import hashers
from tenants.models import Tenant

FOREIGN = "This token was not issued to this client. It was not revoked."


@method_decorator(csrf_exempt, name="dispatch")
class RevokeView(View):
    """POST only: a token in an address would stand in logs."""

    http_method_names = ["post"]

    @method_decorator(sensitive_variables("form"))
    def post(self, request: HttpRequest, **kwargs: str) -> HttpResponse:
        """The client authenticates as at the token endpoint, a public one by its id (§2.1).

        200 also for a token that nobody knows, and for an unknown tenant (§2.2): it is not there afterwards.
        """
        at, client = timezone.now(), None
        try:
            form = wire.form(request)
            address = Address(**kwargs)
            client = clients.identify(clients.presented(request, form, address), at=at).client
            if not form.get("token"):
                raise BadRequest("The parameter token is missing.")
            tenant = address.find()
            if tenant is not None:
                by = _actor(request, client, tenant)
                revoke(token=form["token"], client=client, tenant=tenant, by=by, at=at)
        except OAuth2Error as error:
            response = wire.refusal(error)
        else:
            response = wire.answer(b"")
        wire.let_origin_read(response, request, client)
        return response


def revoke(*, token: str, client: Client, tenant: Tenant, by: Actor, at: datetime) -> None:
    """End what the token stands for, if it is the client's; a second time changes nothing.

    Another client's is refused for what anybody can see of it, or for that it was ever given out: living or
    not, ended or not, the answer is the same. What kind it is shows in its form; ``token_type_hint`` has
    nothing to say.
    """
    if REFRESH_FORM.fullmatch(token):
        _refresh(token, client, tenant, by, at)
    else:
        _access(token, client, tenant, at)


def _refresh(token: str, client: Client, tenant: Tenant, by: Actor, at: datetime) -> None:
    """With everything that came of the same sign-in; one that was exchanged already does it, too."""
    with tenant_scope(tenant.id):
        rows = RefreshToken.objects.filter(tenant=tenant, digest=hashers.digest(token))
        found = rows.select_related("authorization").first()
        if found is None:
            return
        if found.authorization.client_id != client.pk:
            raise InvalidGrantError(description=FOREIGN)
        ended = Authorization.Ended.REVOKED
        authorizations.end(authorization=found.authorization, because=ended, by=by, at=at)


def _access(token: str, client: Client, tenant: Tenant, at: datetime) -> None:
    """This one alone, until its own end; the rows are few and short-lived, so history has none of them."""
    try:
        claims = tokens.read(token, at=at)
    except tokens.Unreadable:
        _refuse_id_token(token, at)
        return
    if claims["tid"] != str(tenant.id):
        return
    if claims["client_id"] != client.client_id:
        raise InvalidGrantError(description=FOREIGN)
    with tenant_scope(tenant.id):
        expires_at = datetime.fromtimestamp(claims["exp"], UTC)
        row = RevokedToken(tenant=tenant, jti=claims["jti"], expires_at=expires_at)
        RevokedToken.objects.bulk_create([row], ignore_conflicts=True)


def _refuse_id_token(token: str, at: datetime) -> None:
    """An ID token opens nothing, so there is nothing to revoke (§2.2.1); that it is one, everybody sees."""
    try:
        tokens.read_hint(token, at=at)
    except tokens.Unreadable:
        return
    raise UnsupportedTokenTypeError(description="An ID token cannot be revoked.")


def _actor(request: HttpRequest, client: Client, tenant: Tenant) -> Actor:
    application = client.application
    origin = request_id(request), source_address(request)
    return Actor("service", application.id, application.display_name, tenant.id, *origin)
