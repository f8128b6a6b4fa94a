"""What may be done to a partnership, each after a question."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _

from iam_portal.errors import DomainError
from tenants.actions import partners, partnerships
from tenants.forms import AutoAcceptForm
from tenants.impact import Act, carry_out, foresee
from tenants.models import Partnership
from tenants.views import impacts
from tenants.views.console import ConfirmPage, ConsolePage
from tenants.views.partner_facts import title_of
from tenants.views.partners import one_of


class _ActOnPartner(ConfirmPage):
    permission = "OrganizationRelations:modify"

    def row(self) -> Partnership:
        """The partnership, as it is now."""
        return one_of(self.tenant, self.kwargs["partnership_id"])

    def question(self, row: Partnership, *, act: str, **asked: Any) -> dict[str, Any]:
        """The context of the question."""
        back = self.url("tenants:partner-detail", partnership_id=row.pk)
        crumbs = [
            {"label": _("Partners"), "url": self.url("tenants:partner-list")},
            {"label": title_of(row, self.tenant), "url": back},
        ]
        confirm = {"act": act, "cancel_url": back, "revision": row.revision, **asked}
        return {"page": {"title": act, "breadcrumb": crumbs}, "confirm": confirm}

    def given(self, revision: int | None) -> dict[str, Any]:
        """The arguments of every act on a partnership."""
        return {
            "tenant": self.tenant,
            "partnership_id": self.kwargs["partnership_id"],
            "by": self.actor,
            "at": self.at,
            "revision": revision,
        }


class ConfirmPartner(_ActOnPartner):
    """The inviter agrees with who accepted."""

    recent = True

    def confirmation(self) -> dict[str, Any]:
        row = self.row()
        name = title_of(row, self.tenant)
        said = _(
            "%(person)s of %(name)s (%(address)s) accepted your invitation. Is it the organization you meant?"
        )
        address = row.invitee.slug if row.invitee else ""
        return self.question(
            row,
            act=_("Confirm partnership"),
            title=_("Confirm the partnership with %(name)s?") % {"name": name},
            nothing=said % {"person": row.redeemed_by, "name": name, "address": address},
        )

    def act(self, revision: int | None) -> str:
        row = partnerships.confirm(**self.given(revision))
        return _("%(name)s is a partner now.") % {"name": title_of(row, self.tenant)}


class DeclinePartner(_ActOnPartner):
    """Either side turns an accepted invitation down."""

    def confirmation(self) -> dict[str, Any]:
        row = self.row()
        title = _("Decline the partnership with %(name)s?") % {"name": title_of(row, self.tenant)}
        said = _("Nothing is shared yet, so nobody loses anything. Another try needs a new invitation.")
        return self.question(row, act=_("Decline"), title=title, nothing=said, danger=True)

    def act(self, revision: int | None) -> str:
        partnerships.decline(**self.given(revision))
        return _("Declined.")


class RevokeInvitation(_ActOnPartner):
    """The link stops working."""

    def confirmation(self) -> dict[str, Any]:
        said = _("Its link stops working. Whoever opens it learns nothing about your organization.")
        title = _("Take the invitation back?")
        return self.question(self.row(), act=_("Take back"), title=title, nothing=said, danger=True)

    def act(self, revision: int | None) -> str:
        partnerships.revoke(**self.given(revision))
        return _("The invitation is taken back.")


class EndPartnership(_ActOnPartner):
    """Contracts end with it."""

    permission = "OrganizationRelations:delete"
    recent = True

    def confirmation(self) -> dict[str, Any]:
        row = self.row()
        found = self._impact(row) if self.asks else {}
        nothing = _("There is no contract between you, so nobody loses anything.")
        return self.question(
            row,
            act=_("End partnership"),
            title=_("End the partnership with %(name)s?") % {"name": title_of(row, self.tenant)},
            impact=found.get("revision", ""),
            **impacts.shown(found, self, nothing=nothing),
            danger=True,
        )

    def act(self, revision: int | None) -> str:
        row = carry_out(
            self._weighed(self.row()),
            lambda: partnerships.end(**self.given(revision)),
            expected=self.request.POST.get("impact") or None,
            required=True,
        )
        return _("The partnership with %(name)s is ended.") % {"name": title_of(row, self.tenant)}

    def _impact(self, row: Partnership) -> Mapping[str, Any]:
        """What falls with it; nothing where it cannot be ended any more."""
        try:
            return foresee(self._weighed(row), lambda: partnerships.end(**self.given(None))).as_json()
        except DomainError:
            return {}

    def _weighed(self, row: Partnership) -> Act:
        return Act(name="end", tenant=self.tenant, subject=row, at=self.at)


class AutoAcceptance(ConsolePage):
    """Which proposals of this partner this side accepts without looking."""

    permission = "OrganizationRelations:modify"
    recent = True

    def post(self, request: HttpRequest, partnership_id: UUID) -> HttpResponse:
        row = one_of(self.tenant, partnership_id)
        form = AutoAcceptForm(request.POST)
        back = self.url("tenants:partner-detail", partnership_id=row.pk)
        if not form.is_valid():
            return HttpResponseRedirect(back)
        given: dict[str, Any] = {
            "tenant": self.tenant,
            "partnership_id": row.pk,
            "contract_types": form.cleaned_data["contract_types"],
        }
        for permission in partners.needed_to_accept(**given):
            self.require(permission)
        with self.attempt() as outcome:
            partners.accept_automatically(**given, by=self.actor, at=self.at)
        said = _("What is accepted from %(name)s without a question is changed.")
        said %= {"name": title_of(row, self.tenant)}
        return self.done(said, back) if outcome else HttpResponseRedirect(back)

    def get(self, request: HttpRequest, partnership_id: UUID) -> HttpResponse:
        return HttpResponseRedirect(self.url("tenants:partner-detail", partnership_id=partnership_id))
