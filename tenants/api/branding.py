"""The organization's look by REST."""

import base64
import binascii
from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from iam_portal.errors import Invalid
from tenants import colours
from tenants.actions import branding
from tenants.http import looks
from tenants.models import Branding, Tenant
from tenants.rest import TenantAPI, with_revision
from tenants.serializers.branding import BrandingIn, BrandingOut, LogoIn

_FIELDS = {"name": "name", "colour": "colour", "onSignIn": "on_sign_in"}


class BrandingAPI(TenantAPI):
    """A door to it."""

    def given(self) -> dict[str, Any]:
        """What every change takes."""
        return {"tenant": self.tenant, "by": self.actor, "at": self.at, "revision": self.revision()}


class TenantBranding(BrandingAPI):
    """Name, colour and logo of the organization."""

    permissions = {"GET": "Configuration:read", "PATCH": "Configuration:modify"}

    @extend_schema(responses=BrandingOut, operation_id="branding_read")
    def get(self, request: Request, **kwargs: Any) -> Response:
        """As it is."""
        return _answer(self.tenant, branding.current(self.tenant))

    @extend_schema(request=BrandingIn, responses=BrandingOut, operation_id="branding_change")
    def patch(self, request: Request, **kwargs: Any) -> Response:
        """A colour in which text cannot be read is refused, and `nearest` in the refusal is one that can.

        Takes the revision in ``If-Match`` when one is sent (412 when somebody was faster).
        """
        chosen = {_FIELDS[name]: value for name, value in self.read(BrandingIn).items()}
        return _answer(self.tenant, branding.change(**self.given(), chosen=chosen))


class TenantLogo(BrandingAPI):
    """The logo of the organization."""

    permissions = {"PUT": "Configuration:modify", "DELETE": "Configuration:modify"}

    @extend_schema(request=LogoIn, responses=BrandingOut, operation_id="branding_logo_put")
    def put(self, request: Request, **kwargs: Any) -> Response:
        """PNG or JPEG by its content, whatever it is called. Only the picture is kept of it."""
        try:
            picture = base64.b64decode(self.read(LogoIn)["picture"], validate=True)
        except (binascii.Error, ValueError) as error:
            said = {"pointer": "/picture", "code": "invalid", "detail": "This is no base64."}
            raise Invalid("The picture cannot be read.", errors=[said]) from error
        return _answer(self.tenant, branding.put_logo(**self.given(), picture=picture))

    @extend_schema(responses={204: None}, operation_id="branding_logo_remove")
    def delete(self, request: Request, **kwargs: Any) -> Response:
        """Where there is none, nothing happens."""
        branding.remove_logo(**self.given())
        return Response(status=204)


def _answer(tenant: Tenant, row: Branding) -> Response:
    body = {
        "registeredName": tenant.name,
        "name": row.name,
        "colour": row.colour,
        "colourInDark": colours.for_dark(row.colour) if row.colour else "",
        "onSignIn": row.on_sign_in,
        "logo": _logo(tenant, row) if row.logo_digest else None,
        "revision": f"r-{row.revision}",
    }
    return with_revision(body, row.revision)


def _logo(tenant: Tenant, row: Branding) -> dict[str, Any]:
    path = looks.logo_url(tenant.slug, f"{row.logo_digest}.{row.logo_kind}")
    size = {"width": row.logo_width, "height": row.logo_height}
    return {"url": settings.PORTAL_BASE_URL + path, "kind": row.logo_kind, **size}
