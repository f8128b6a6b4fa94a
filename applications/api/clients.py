"""Clients of an own application and their secrets."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from applications import credential_shapes as shapes
from applications.actions import client_settings, clients
from applications.actions.client_settings import Settings
from applications.api._clients import NO_STORE, ClientAPI
from applications.policies import own_application
from applications.serializers.clients import (
    ClientList,
    ClientOut,
    ClientPatch,
    PublicClientIn,
    SecretIn,
    SecretList,
    SecretMade,
)
from tenants.creating import creates
from tenants.rest import TenantAPI, with_revision


class Clients(TenantAPI):
    """The clients of an own application."""

    permissions = {"GET": "Modules:read", "POST": "Modules:modify"}
    recent = frozenset({"POST"})

    @extend_schema(responses=ClientList, operation_id="clients_list")
    def get(self, request: Request, application_id: str, **kwargs: Any) -> Response:
        """At most two: the confidential and the public one."""
        application = own_application(tenant=self.tenant, application_id=application_id)
        rows = application.clients.order_by("client_id")
        return Response({"items": [shapes.client(row) for row in rows], "next": None})

    @creates
    @extend_schema(request=PublicClientIn, responses={201: ClientOut})
    def post(self, request: Request, application_id: str, **kwargs: Any) -> Response:
        """Make the public client ``<applicationId>-frontend``."""
        body = self.read(PublicClientIn)
        made = clients.add_public(
            tenant=self.tenant,
            application_id=application_id,
            redirect_uris=body["redirectUris"],
            web_origins=body["webOrigins"],
            by=self.actor,
            at=self.at,
        )
        return with_revision(shapes.client(made), made.revision, 201)


class OneClient(ClientAPI):
    """One client."""

    permissions = {"GET": "Modules:read", "PATCH": "Modules:modify"}
    recent = frozenset({"PATCH"})

    @extend_schema(responses=ClientOut, operation_id="clients_read")
    def get(self, request: Request, **kwargs: Any) -> Response:
        """With all that is set on it, and its revision."""
        row = self.client()
        return with_revision(shapes.client(row), row.revision)

    @extend_schema(request=ClientPatch, responses=ClientOut)
    def patch(self, request: Request, **kwargs: Any) -> Response:
        """Change what is given; what is left out stays."""
        row = client_settings.change(
            **self.of(), settings=_settings(self.read(ClientPatch)), revision=self.revision()
        )
        return with_revision(shapes.client(row), row.revision)


class Secrets(ClientAPI):
    """The secrets of a client."""

    permissions = {"GET": "Modules:read", "POST": "Modules:modify"}
    recent = frozenset({"POST"})

    @extend_schema(responses=SecretList, operation_id="secrets_list")
    def get(self, request: Request, **kwargs: Any) -> Response:
        """The living ones, oldest first; never a value."""
        client = self.client()
        rows = client.secrets.not_over(self.at).order_by("during", "id")
        return Response({"items": [shapes.secret(row, client.client_id) for row in rows], "next": None})

    @creates
    @extend_schema(request=SecretIn, responses={201: SecretMade})
    def post(self, request: Request, **kwargs: Any) -> Response:
        """A new secret beside the present ones. The value stands in this reply only."""
        body = self.read(SecretIn)
        row, value = clients.add_secret(**self.of(), note=body["note"], expires_at=body["expiresAt"])
        reply = {**shapes.secret(row, row.client.client_id), "clientSecret": value}
        return Response(reply, status=201, headers=NO_STORE)


class Secret(ClientAPI):
    """One secret."""

    permissions = {"DELETE": "Modules:modify"}

    @extend_schema(responses={204: None})
    def delete(self, request: Request, secret_id: UUID, **kwargs: Any) -> Response:
        """Revoke it now."""
        clients.revoke_secret(**self.of(), secret_id=secret_id)
        return Response(status=204)


def _settings(body: dict[str, Any]) -> Settings:
    """An address that is null is taken away."""
    given: dict[str, Any] = {}
    for name, value in body.items():
        given[_snake(name)] = tuple(value) if isinstance(value, list) else value
    for name in ("jwks_uri", "backchannel_logout_uri"):
        if name in given and given[name] is None:
            given[name] = ""
    return Settings(**given)


def _snake(name: str) -> str:
    return "".join(f"_{sign.lower()}" if sign.isupper() else sign for sign in name)
