"""An organization's own look on its pages: where its files lie, and what a template takes of it."""

from typing import Any

from django.urls import reverse

from iam_portal.walls import tenant_scope
from tenants.branding import NOBODY, Look, look_of
from tenants.models import Tenant


def sheet_url(colour: str) -> str:
    """The stylesheet of a colour; empty without one. It belongs to nobody, so it tells of nobody."""
    return reverse("entry:brand-sheet", kwargs={"colour": colour[1:]}) if colour else ""


def logo_url(slug: str, logo: str) -> str:
    """The logo by the hash of its content; empty without one."""
    if not logo:
        return ""
    digest, _dot, kind = logo.partition(".")
    return reverse("tenants:brand-logo", kwargs={"slug": slug, "digest": digest, "kind": kind})


def of_console(tenant: Tenant) -> dict[str, Any]:
    """Inside, to the organization's own people."""
    return _drawn(look_of(tenant), tenant.slug)


def at_the_gate(tenant: Tenant | None) -> dict[str, Any]:
    """To strangers: nothing, unless the organization wants to be seen. Asked alike where there is none."""
    with tenant_scope(tenant.id if tenant else NOBODY):
        look = look_of(tenant)
    return _drawn(look, tenant.slug) if tenant and look.on_sign_in else {}


def _drawn(look: Look, slug: str) -> dict[str, Any]:
    return {
        "name": look.name or look.registered,
        "registered": look.registered,
        "slug": slug,
        "sheet_url": sheet_url(look.colour),
        "logo_url": logo_url(slug, look.logo),
    }
