"""The files of an organization's look, from the portal's own address: nothing is fetched from elsewhere.

Each stands at an address that its content decides, so a browser keeps it for good.
"""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.http import require_safe

from tenants import colours
from tenants.http import TenantPage
from tenants.models import Branding

FOR_GOOD = "max-age=31536000, immutable"
# A picture that somebody opens by itself is nothing but that.
_ALONE = "default-src 'none'; sandbox"


@method_decorator(require_safe, name="dispatch")
class BrandSheet(View):
    """The stylesheet of a colour: a function of the address, for a colour that passes."""

    def get(self, request: HttpRequest, colour: str) -> HttpResponse:
        wanted = f"#{colour}"
        if not (colours.is_colour(wanted) and colours.passes(wanted)):
            raise Http404
        headers = {"Cache-Control": f"public, {FOR_GOOD}", "X-Content-Type-Options": "nosniff"}
        return HttpResponse(
            colours.stylesheet(wanted), content_type="text/css; charset=utf-8", headers=headers
        )


class BrandLogo(TenantPage):
    """A logo, to its own people; to everybody where the organization shows it on its sign-in page."""

    public = True

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = super().dispatch(request, *args, **kwargs)
        if response.status_code == 200:  # the frame of all pages says that nothing is kept
            del response["Expires"]
            response["Cache-Control"] = f"{'public' if self._seen_by_all else 'private'}, {FOR_GOOD}"
        return response

    def get(self, request: HttpRequest, digest: str, kind: str) -> HttpResponse:
        row = None
        if self.tenant is not None:
            row = Branding.objects.filter(pk=self.tenant.pk, logo_digest=digest, logo_kind=kind).first()
        if row is None or not (row.on_sign_in or self.session is not None):
            raise Http404
        self._seen_by_all = row.on_sign_in
        return HttpResponse(
            bytes(row.logo or b""),
            content_type=f"image/{kind}",
            headers={
                "Content-Security-Policy": _ALONE,
                "Cross-Origin-Resource-Policy": "same-origin",
                "X-Content-Type-Options": "nosniff",
            },
        )
