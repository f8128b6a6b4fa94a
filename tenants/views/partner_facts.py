"""A partnership as one of its two sides sees it."""

from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tenants.forms import AutoAcceptForm
from tenants.models import AutoAccept, Partnership, Tenant
from tenants.views.console import ConsolePage

STATES = {
    "confirmed": gettext_lazy("Confirmed"),
    "redeemed": gettext_lazy("Waits for confirmation"),
    "invited": gettext_lazy("Invited"),
    "expired": gettext_lazy("Expired"),
    "declined": gettext_lazy("Declined"),
    "ended": gettext_lazy("Ended"),
}


def state_of(row: Partnership, at: datetime) -> str:
    """The stored state, or ``expired`` for an invitation whose time is over."""
    return "expired" if row.state == "invited" and row.expires_at <= at else str(row.state)


def in_state(rows: QuerySet[Partnership], state: str, at: datetime) -> QuerySet[Partnership]:
    """Those rows that are in the state; all, when it is none."""
    if state == "expired":
        return rows.filter(state="invited", expires_at__lte=at)
    if state == "invited":
        return rows.filter(state="invited", expires_at__gt=at)
    return rows.filter(state=state) if state in STATES else rows


def partner_of(row: Partnership, tenant: Tenant) -> Tenant | None:
    """The other side, once it is known."""
    return row.invitee if row.inviter_id == tenant.pk else row.inviter


def title_of(row: Partnership, tenant: Tenant) -> str:
    """The other side's name, or what stands for it."""
    partner = partner_of(row, tenant)
    if partner is not None:
        return partner.name
    return invitation(row.expected_slug if row.inviter_id == tenant.pk else "")


def invitation(expected_slug: str) -> str:
    """What an invitation is called that nobody has taken."""
    if expected_slug:
        return _("Invitation for %(name)s") % {"name": expected_slug}
    return _("Open invitation")


def facts(row: Partnership, tenant: Tenant) -> list[dict[str, Any]]:
    """What either side may read. Names of people of the other side are those it showed itself."""
    partner = partner_of(row, tenant)
    found: list[dict[str, Any]] = []
    if partner is not None:
        found.append({"label": _("Address"), "code": partner.slug})
    found.append({"label": _("Invited"), "at": row.invited_at, "note": row.invited_by})
    if row.note:
        found.append({"label": _("Note"), "text": row.note})
    if row.state == "invited":
        found.append({"label": _("Link works until"), "at": row.expires_at})
    if row.redeemed_at:
        found.append({"label": _("Accepted"), "at": row.redeemed_at, "note": row.redeemed_by})
    if row.confirmed_at:
        found.append({"label": _("Confirmed"), "at": row.confirmed_at})
    if row.ended_at:
        label = _("Ended") if row.state == "ended" else _("Declined")
        found.append({"label": label, "at": row.ended_at})
    return found


def actions(page: ConsolePage, row: Partnership) -> dict[str, Any]:
    """``primary`` and ``more`` of ``page.html``, by state and side."""
    at, changing = page.request.path, "OrganizationRelations:modify"
    decline = page.link(_("Decline"), changing, f"{at}/decline", icon="x", dialog=True, danger=True)
    revoke = page.link(_("Take the invitation back"), changing, f"{at}/revoke", icon="x", dialog=True)
    end = page.link(
        _("End partnership"),
        "OrganizationRelations:delete",
        f"{at}/end",
        icon="stop",
        dialog=True,
        danger=True,
    )
    ours = row.inviter_id == page.tenant.pk
    if row.state == "redeemed" and ours:
        confirm = page.link(_("Confirm"), changing, f"{at}/confirm", icon="check", dialog=True)
        return {"primary": confirm, "more": [decline]}
    if row.state == "redeemed":
        return {"more": [decline]}
    if row.state == "invited":
        return {"more": [revoke]}
    return {"more": [end]} if row.state == "confirmed" else {}


def accepting(page: ConsolePage, row: Partnership) -> dict[str, Any] | None:
    """The switches of this side, while the partnership is confirmed."""
    if row.state != "confirmed":
        return None
    on = AutoAccept.objects.filter(partnership=row, tenant=page.tenant)
    chosen = sorted(on.values_list("contract_type", flat=True))
    return {
        "form": AutoAcceptForm(initial={"contract_types": chosen}),
        "url": f"{page.request.path}/accepting",
        "decision": page.can("OrganizationRelations:modify"),
    }
