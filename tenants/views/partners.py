"""Partners: the list, one of them, inviting, and answering an invitation."""

import hashlib
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from iam_portal.errors import NotFound
from tenants import policies
from tenants.actions import partnerships
from tenants.forms import CodeForm, PartnerForm
from tenants.http import carried, paging
from tenants.models import Partnership, Tenant
from tenants.signals import partner_shown
from tenants.views.console import ConsolePage, FormPage
from tenants.views.entry import INVITATION
from tenants.views.partner_facts import (
    STATES,
    accepting,
    actions,
    facts,
    in_state,
    partner_of,
    state_of,
    title_of,
)


class PartnerList(ConsolePage):
    """Every partnership that this organization may know of."""

    permission = "OrganizationRelations:read"

    def get(self, request: HttpRequest) -> HttpResponse:
        wanted, state = paging.searched(request), request.GET.get("state", "")
        sides = _chosen(self, wanted, state)
        count = sum(side.count() for side in sides)
        # Both sides of those that are shown alone: joined, they are looked up for thousands before the order.
        rows = Partnership.objects.prefetch_related("inviter", "invitee")
        shown = paging.page_of(rows, request=request, key="invited_at", descending=True, parts=sides)
        invite = self.url("tenants:partner-invite")
        redeem = self.url("tenants:partner-redeem")
        adding = "OrganizationRelations:add"
        context = {
            "page": {
                "title": _("Partners"),
                "lead": _(
                    "Organizations that yours shares applications with. A contract needs a partnership."
                ),
                "primary": self.link(_("Invite a partner"), adding, invite, icon="plus"),
                "more": [self.link(_("Answer an invitation"), adding, redeem, icon="link")],
            },
            "filters": _filters(self, wanted, state),
            "table": {
                "caption": _("Partners"),
                "columns": [
                    {"label": label} for label in (_("Organization"), _("State"), _("Invited"), _("By"))
                ],
                "rows": [{"cells": _cells(self, row)} for row in shown.rows],
                "count_text": ngettext("%(count)d partnership", "%(count)d partnerships", count)
                % {"count": count},
                "paging": shown.paging,
            },
            "searched": bool(wanted or state),
        }
        return self.render("tenants/partner_list.html", context)


class PartnerDetail(ConsolePage):
    """One partnership, from this side."""

    permission = "OrganizationRelations:read"

    def get(self, request: HttpRequest, partnership_id: UUID) -> HttpResponse:
        row = one_of(self.tenant, partnership_id)
        partner = partner_of(row, self.tenant)
        page = {
            "title": title_of(row, self.tenant),
            "breadcrumb": [{"label": _("Partners"), "url": self.url("tenants:partner-list")}],
            "state": state_of(row, self.at),
            "state_word": STATES[state_of(row, self.at)],
            "copy_id": str(row.pk),
            **actions(self, row),
        }
        context = {
            "page": page,
            "facts": facts(row, self.tenant),
            "waits": state_of(row, self.at) == "redeemed",
            "may_confirm": row.inviter_id == self.tenant.pk,
            "accepting": accepting(self, row),
            "panels": self.panels(partner_shown, partner=partner) if partner else [],
            "may_share": row.state == Partnership.State.CONFIRMED,
            "history": self.history("partnership", row.pk),
            "history_url": f"{self.url('tenants:activity-list')}?object=partnership:{row.pk}",
        }
        return self.render("tenants/partner_detail.html", context)


class InvitePartner(FormPage):
    """A link that works once; its value is shown on the answer and nowhere else."""

    permission = "OrganizationRelations:add"

    def frame(self) -> dict[str, Any]:
        back = self.url("tenants:partner-list")
        lead = _("You get a link to send to the other organization. It works once, and for 14 days.")
        crumbs = [{"label": _("Partners"), "url": back}]
        page = {"title": _("Invite a partner"), "breadcrumb": crumbs, "lead": lead}
        return {"page": page, "submit": _("Make the link"), "cancel_url": back, "seen": self._seen()}

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.form_page(PartnerForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        form = PartnerForm(request.POST)
        policies.hold(self.tenant)  # the second of two clicks waits, and sees what the first one made
        if form.is_valid() and request.POST.get("seen") not in (None, self._seen()):
            form.add_error(None, _("This was sent already, or somebody invited meanwhile. See the list."))
        if not form.is_valid():
            return self.form_page(form)
        with self.attempt(form) as outcome:
            row, code = partnerships.invite(
                inviter=self.tenant, by=self.actor, at=self.at, **form.cleaned_data
            )
        if not outcome:
            return self.form_page(form)
        address = reverse("entry:invitation-take", kwargs={"code": code})
        secret = {
            "name": _("Link for %(name)s") % {"name": row.expected_slug or _("the other organization")},
            "value": f"{settings.PORTAL_BASE_URL}{address}",
            "ends_at": row.expires_at,
        }
        done = self.url("tenants:partner-detail", partnership_id=row.pk)
        shown = self.frame()["page"]
        shown["lead"] = _(
            "Send this link to an administrator of the other organization, by a way that you trust. "
            "Opening it changes nothing; whoever accepts it is shown to you."
        )
        context = {"page": shown, "secret": secret, "done_url": done}
        return self.render("tenants/partner_invited.html", context)

    def _seen(self) -> str:
        """Stands for the invitations that there are: a form is good for one more."""
        ids = partnerships.of(self.tenant).order_by("invited_at").values_list("pk", flat=True)
        return hashlib.sha256(str(ids.last()).encode()).hexdigest()[:32]


class RedeemInvitation(FormPage):
    """Looking at an invitation changes nothing; only the button does."""

    permission = "OrganizationRelations:add"
    template = "tenants/partner_redeem.html"

    def frame(self) -> dict[str, Any]:
        back = self.url("tenants:partner-list")
        page = {"title": _("Answer an invitation"), "breadcrumb": [{"label": _("Partners"), "url": back}]}
        return {"page": page, "submit": _("Look at the invitation"), "cancel_url": back}

    def get(self, request: HttpRequest) -> HttpResponse:
        code = carried.carried(request, INVITATION)
        return self._look(code) if code else self.form_page(CodeForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        form = CodeForm(request.POST)
        if not form.is_valid():
            return self.form_page(form)
        code = form.cleaned_data["code"]
        if request.POST.get("act") != "accept":
            return self._look(code)
        with self.attempt(form) as outcome:
            row = partnerships.redeem(token=code, tenant=self.tenant, by=self.actor, at=self.at)
        if not outcome:
            return _forgetting(self.form_page(form))
        to = self.url("tenants:partner-detail", partnership_id=row.pk)
        return _forgetting(self.done(_said(row), to))

    def _look(self, code: str) -> HttpResponse:
        form = CodeForm({"code": code})
        form.is_valid()
        invitation = None
        with self.attempt(form):
            invitation = partnerships.preview(token=code, at=self.at, tenant=self.tenant)
        if invitation is None:
            return _forgetting(self.form_page(form))
        return self.form_page(form, invitation=invitation, code=code)


def one_of(tenant: Tenant, partnership_id: UUID) -> Partnership:
    """A partnership of this tenant; another one is not found."""
    rows = partnerships.of(tenant).select_related("inviter", "invitee")
    found = rows.filter(pk=partnership_id).first()
    if found is None:
        raise NotFound
    return found


def _filters(page: ConsolePage, wanted: str, state: str) -> dict[str, Any]:
    options = [
        {
            "label": label,
            "active": key == state,
            "url": paging.with_query(page.request, state=None if key == state else key),
        }
        for key, label in STATES.items()
    ]
    return {
        "url": page.request.path,
        "q": wanted,
        "placeholder": _("Search partners"),
        "hidden": [("state", state)] if state in STATES else [],
        "chips": [{"label": _("State"), "value": STATES.get(state), "options": options}],
        "clear_url": page.request.path if wanted or state else "",
    }


def _cells(page: ConsolePage, row: Partnership) -> list[dict[str, Any]]:
    url = page.url("tenants:partner-detail", partnership_id=row.pk)
    ours = row.inviter_id == page.tenant.pk
    return [
        {"text": title_of(row, page.tenant), "url": url, "note": row.note if ours else ""},
        {"state": state_of(row, page.at), "word": STATES[state_of(row, page.at)]},
        {"day": row.invited_at},
        {"text": row.invited_by if ours else row.inviter.name},
    ]


def _chosen(page: ConsolePage, wanted: str, state: str) -> list[QuerySet[Partnership]]:
    """Those that this organization began, and those that it joined: each by its own index."""
    invited, joined = partnerships.sides_of(page.tenant)
    if wanted:
        called = Tenant.objects.filter(name__icontains=wanted).order_by().values("pk")
        said = Q(expected_slug__icontains=wanted) | Q(note__icontains=wanted)
        invited = invited.filter(Q(invitee__in=called) | said)
        joined = joined.filter(inviter__in=called)
    return [in_state(side, state, page.at) for side in (invited, joined)]


def _forgetting(response: HttpResponse) -> HttpResponse:
    """The code was used, or is no good."""
    carried.drop(response, name=INVITATION, path="/")
    return response


def _said(row: Partnership) -> str:
    """What came of accepting."""
    if row.state == "confirmed":
        return _("The partnership with %(name)s is confirmed.") % {"name": row.inviter.name}
    return _("Accepted. %(name)s now sees who you are and confirms.") % {"name": row.inviter.name}
