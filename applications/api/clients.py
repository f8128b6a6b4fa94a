"""Clients of an own application and their secrets."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from applications import shapes
from applications.actions import clients
from applications.policies import own_application
from applications.serializers.clients import ClientOut, PublicClientIn, SecretIn, SecretMade, SecretOut
from iam_portal.errors import NotFound
from tenants.rest import TenantAPI


class Clients(TenantAPI):
    """The clients of an own application."""

    permissions = {"GET": "Modules:read", "POST": "Modules:modify"}

    @extend_schema(responses=ClientOut(many=True))
    def get(self, request: Request, application_id: str, **kwargs: Any) -> Response:
        """At most two: the confidential and the public one."""
        application = own_application(tenant=self.tenant, application_id=application_id)
        return Response([shapes.client(row) for row in application.clients.order_by("client_id")])

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
        return Response(shapes.client(made), status=201)


class Secrets(TenantAPI):
    """The secrets of a client."""

    permissions = {"GET": "Modules:read", "POST": "Modules:modify"}

    @extend_schema(responses=SecretOut(many=True))
    def get(self, request: Request, application_id: str, client_id: str, **kwargs: Any) -> Response:
        """The living ones; never a value."""
        application = own_application(tenant=self.tenant, application_id=application_id)
        client = application.clients.filter(client_id=client_id).first()
        if client is None:
            raise NotFound
        rows = client.secrets.not_over(self.at).order_by("during")
        return Response([shapes.secret(row, client_id) for row in rows])

    @extend_schema(request=SecretIn, responses={201: SecretMade})
    def post(self, request: Request, application_id: str, client_id: str, **kwargs: Any) -> Response:
        """A new secret beside the present ones. The value stands in this reply only."""
        body = self.read(SecretIn)
        _belongs(application_id, client_id)
        row, value = clients.add_secret(
            tenant=self.tenant,
            client_id=client_id,
            by=self.actor,
            at=self.at,
            note=body["note"],
            expires_at=body["expiresAt"],
        )
        reply = {**shapes.secret(row, client_id), "clientSecret": value}
        return Response(reply, status=201, headers={"Cache-Control": "no-store"})


class Secret(TenantAPI):
    """One secret."""

    permissions = {"DELETE": "Modules:modify"}

    @extend_schema(responses={204: None})
    def delete(
        self, request: Request, application_id: str, client_id: str, secret_id: UUID, **kwargs: Any
    ) -> Response:
        """Revoke it now."""
        _belongs(application_id, client_id)
        clients.revoke_secret(
            tenant=self.tenant, client_id=client_id, secret_id=secret_id, by=self.actor, at=self.at
        )
        return Response(status=204)


def _belongs(application_id: str, client_id: str) -> None:
    if client_id not in (application_id, f"{application_id}-frontend"):
        raise NotFound
