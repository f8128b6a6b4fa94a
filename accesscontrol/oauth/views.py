"""The doors below ``openid-connect/`` and the well-known addresses of every issuer."""

import json
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_variables
from django.views.generic import View
from oauth2_provider.views import TokenView as ToolkitTokenView
from oauthlib.oauth2.rfc6749.errors import OAuth2Error, TemporarilyUnavailableError

from accesscontrol.actions import keys
from accesscontrol.oauth import clients, introspection, metadata, metrics, published, wire
from accesscontrol.oauth.claims import issuer
from accesscontrol.oauth.clients import possession
from accesscontrol.oauth.exchange import Exchange
from accesscontrol.oauth.realms import Address
from accesscontrol.oauth.refusals import BadRequest
from accesscontrol.oauth.server import EXCHANGE, TokenCore, TokenServer
from accesscontrol.oauth.signals import configuration
from accesscontrol.oauth.validator import PortalValidator
from applications.models import Client
from iam_portal import problem
from iam_portal.admission import is_of
from iam_portal.tracing import request_id, source_address

PREFLIGHT = {
    "Allow": "POST, OPTIONS",
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "POST",
    "Access-Control-Allow-Headers": "DPoP, Content-Type",
    "Access-Control-Max-Age": "3600",
}


class TokenView(ToolkitTokenView):
    """The token endpoint of every tenant. No class may inherit from it: the toolkit would share its core."""

    server_class = TokenServer
    validator_class = PortalValidator
    oauthlib_backend_class = TokenCore

    def post(self, request: HttpRequest, *args: Any, **kwargs: str) -> HttpResponse:
        """RFC 6749 §3.2. ``post`` alone is overridden: with ``dispatch``, the CSRF exemption would go."""
        try:
            form = wire.form(request, repeatable=frozenset({"resource"}))
            address = Address(**kwargs)
            presented = clients.presented(request, form, address)
            origin = request_id(request), source_address(request)
            request.META[EXCHANGE] = Exchange(timezone.now(), address, presented, origin, request)
            _, headers, body, status = self.create_token_response(request)
        except (OAuth2Error, keys.NoSigningKey) as error:
            return _refused(error)
        response = wire.answer(body, status=status)
        for name in ("WWW-Authenticate", "Retry-After", possession.NONCE_HEADER):
            if name in headers:
                response[name] = headers[name]
        exchange = request.META[EXCHANGE]
        client = exchange.client
        if exchange.proof is not None:  # the next one may be made with it (RFC 9449 §8.2)
            response[possession.NONCE_HEADER] = possession.fresh_nonce(exchange.at)
        # A public client's id is no secret: whoever says it has proved nothing before the grant is given.
        if client is not None and (status == 200 or client.client_type == Client.CLIENT_CONFIDENTIAL):
            is_of(request.META, client.application.owner_id)
        wire.let_origin_read(response, request, client)
        _count(status, body)
        return response

    def options(self, request: HttpRequest, *args: Any, **kwargs: str) -> HttpResponse:
        """The preflight of a page that will prove a key. What it may read, its client's origins say."""
        return HttpResponse(status=204, headers=PREFLIGHT)


@method_decorator(csrf_exempt, name="dispatch")
class IntrospectView(View):
    """RFC 7662. POST only: a token in an address would stand in logs."""

    http_method_names = ["post"]

    @method_decorator(sensitive_variables("form"))
    def post(self, request: HttpRequest, **kwargs: str) -> HttpResponse:
        """The client authenticates as at the token endpoint; every other failure is inactive."""
        at = timezone.now()
        try:
            form = wire.form(request)
            address = Address(**kwargs)
            client = clients.authenticate(clients.presented(request, form, address), at=at).client
            is_of(request.META, client.application.owner_id)
            if not form.get("token"):
                raise BadRequest("The parameter token is missing.")
        except OAuth2Error as error:
            return wire.refusal(error)
        tenant = address.find()
        found = introspection.answer(token=form["token"], client=client, tenant=tenant, at=at)
        metrics.introspected(active=found is not None)
        return wire.answer(found or introspection.INACTIVE)


class CertsView(View):
    """The public keys (RFC 7517 §5). One set signs for every tenant."""

    http_method_names = ["get", "head"]

    def get(self, request: HttpRequest, **kwargs: str) -> HttpResponse:
        """404 for an unknown tenant, like its metadata."""
        if Address(**kwargs).find() is None:
            return _unknown(request)
        return published.answer(request, keys.jwks(at=timezone.now()))


class MetadataView(View):
    """Both well-known documents; by slug too, with the issuer by id."""

    http_method_names = ["get", "head"]

    def get(self, request: HttpRequest, **kwargs: str) -> HttpResponse:
        """404 for an unknown tenant."""
        tenant = Address(**kwargs).find()
        if tenant is None:
            return _unknown(request)
        return published.answer(
            request, metadata.document(issuer=issuer(settings.PORTAL_BASE_URL, tenant.id))
        )


class SignalsView(View):
    """What a receiver of signals looks up (SSF 1.0 §7.2): before the issuer's path, and below it."""

    http_method_names = ["get", "head"]

    def get(self, request: HttpRequest, **kwargs: str) -> HttpResponse:
        """404 for an unknown tenant."""
        tenant = Address(**kwargs).find()
        if tenant is None:
            return _unknown(request)
        return published.answer(request, configuration.document(tenant_id=tenant.id))


def _unknown(request: HttpRequest) -> HttpResponse:
    detail = "There is nothing at this address."
    return problem.response(request, status=404, code="not_found", detail=detail)


def _refused(error: OAuth2Error | keys.NoSigningKey) -> HttpResponse:
    if isinstance(error, keys.NoSigningKey):
        error = TemporarilyUnavailableError(status_code=503)
    metrics.refused(error.error)
    return wire.refusal(error)


def _count(status: int, body: str) -> None:
    if status == 200:
        metrics.issued()
    else:
        said = json.loads(body)
        metrics.refused(said.get("reason") or said["error"])
