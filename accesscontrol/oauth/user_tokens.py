"""The door class for a user's access token at the REST APIs (RFC 6750); as userinfo takes one."""

from typing import Any

from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accesscontrol.oauth import clients, people, tokens
from accesscontrol.oauth.clients import possession
from accesscontrol.oauth.people import SignedIn
from accesscontrol.oauth.realms import by_id
from iam_portal.admission import is_of


class UserTokenAuthentication(BaseAuthentication):
    """A living sign-in in the tenant of the path; one answer for everything else that is presented."""

    def authenticate(self, request: Request) -> tuple[SignedIn, None] | None:
        value = possession.shown(request._request)
        if value is None:
            return None
        found = self._standing(request, value)
        if found is None:
            raise AuthenticationFailed("This token is not accepted.")
        is_of(request.META, found.authorization.tenant_id)
        return found, None

    def _standing(self, request: Request, token: str) -> SignedIn | None:
        at = timezone.now()
        try:
            claims = tokens.read(token, at=at)
        except tokens.Unreadable:
            return None
        if not clients.fits(claims, request._request, token=token, at=at):  # bound to what is not shown
            return None
        tenant = by_id(str(request.parser_context["kwargs"]["tenant_id"]))
        return people.standing(claims, tenant=tenant, at=at) if tenant is not None else None

    def authenticate_header(self, request: Request) -> str:
        """The challenge; with the error code when a token was presented (RFC 6750 §3.1)."""
        return possession.challenge(request._request)


class _UserTokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the schema names it; registered by being defined."""

    target_class = UserTokenAuthentication
    name = "userToken"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
