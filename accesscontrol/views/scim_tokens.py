"""Pages of the tokens by which a directory keeps people and groups here. A value is drawn once."""

import hashlib
from datetime import timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accesscontrol.actions import scim_tokens
from applications.http import take_turns
from iam_portal.errors import NotFound
from tenants.models import ScimToken
from tenants.views.console import ConfirmPage, ConsolePage, FormPage

SENT_TWICE = gettext_lazy(
    "The tokens have changed since this page was drawn: perhaps the form was sent twice."
    " Look at the list, and send it again if you need one more."
)
_WELCOMES = (
    (ScimToken.Welcome.NONE.value, gettext_lazy("Nothing: they sign in by an identity provider")),
    (ScimToken.Welcome.INVITATION.value, gettext_lazy("A link by mail that sets a password")),
)
_LIVES = (
    (90, gettext_lazy("90 days")),
    (180, gettext_lazy("180 days")),
    (365, gettext_lazy("One year")),
    (730, gettext_lazy("Two years")),
)


class ScimTokenForm(forms.Form):
    """What the token is for, and how long it is good."""

    note = forms.CharField(
        label=gettext_lazy("Directory"),
        max_length=200,
        help_text=gettext_lazy("Its name stands in the activity beside all that it does."),
    )
    welcome = forms.ChoiceField(
        label=gettext_lazy("What new people get"),
        choices=_WELCOMES,
        widget=forms.RadioSelect,
        initial=ScimToken.Welcome.NONE.value,
    )
    days = forms.TypedChoiceField(label=gettext_lazy("Good for"), choices=_LIVES, coerce=int, initial=365)


class ScimTokenList(ConsolePage):
    """All that live; there are at most ten."""

    permission = "Users:read"

    def get(self, request: HttpRequest) -> HttpResponse:
        add = self.link(_("New token"), "Users:add", self.url("accesscontrol:scim-token-new"), icon="plus")
        page: dict[str, Any] = {
            "title": _("Directory (SCIM)"),
            "lead": _("A directory makes people and groups here, changes them, and deactivates who leaves."),
        }
        rows = self.tenant.scim_tokens.not_over(self.at).select_related("made_by").order_by("during", "id")
        found = list(rows)
        if found or not add["decision"]:
            page |= {"primary": add}
        context = {
            "page": page,
            "address": scim_tokens.address(self.tenant.pk),
            "table": self._table(found),
            "first_step": add,
        }
        return self.render("accesscontrol/scim_token_list.html", context)

    def _table(self, rows: list[ScimToken]) -> dict[str, Any]:
        labels = (_("Directory"), _("Made by"), _("Good until"), _("Last used"))
        columns: list[dict[str, Any]] = [{"label": label} for label in labels]
        changeable = bool(self.can("Users:modify"))
        if changeable:
            columns.append({"label": _("Act"), "hidden_label": True})
        cells = [{"cells": self._cells(row, changeable)} for row in rows]
        return {"caption": _("Tokens"), "columns": columns, "rows": cells}

    def _cells(self, row: ScimToken, changeable: bool) -> list[dict[str, Any]]:
        cells: list[dict[str, Any]] = [
            {"text": row.note, "note": f"…{row.hint}"},
            {"text": str(row.made_by)},
            {"at": row.during.upper},
            {"at": row.last_used_at} if row.last_used_at else {"text": _("never")},
        ]
        if changeable:
            url = self.url("accesscontrol:scim-token-revoke", token_id=row.id)
            cells.append({"action": {"label": _("Revoke"), "url": url, "dialog": True}})
        return cells


class ScimTokenNew(FormPage):
    """Make one. Sent again, the same form makes no second."""

    permission = "Users:add"
    recent = True
    template = "applications/application_form.html"

    def frame(self) -> dict[str, Any]:
        back = self.url("accesscontrol:scim-token-list")
        page = {
            "title": _("New token"),
            "breadcrumb": [{"label": _("Directory (SCIM)"), "url": back}],
            "lead": _(
                "It may do with people and groups what you may, at each moment: it ends with your own rights."
            ),
        }
        return {"page": page, "submit": _("Make token"), "cancel_url": back, "seen": self._seen()}

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.form_page(ScimTokenForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        take_turns(f"scim:{self.tenant.id}")
        form = ScimTokenForm(request.POST)
        if form.is_valid() and request.POST.get("seen") != self._seen():
            form.add_error(None, str(SENT_TWICE))
        if not form.is_valid():
            return self.form_page(form)
        given = form.cleaned_data
        with self.attempt(form) as outcome:
            row, value = scim_tokens.make(
                tenant=self.tenant,
                note=given["note"],
                welcome=given["welcome"],
                expires_at=self.at + timedelta(days=given["days"]),
                by=self.actor,
                at=self.at,
            )
        return self._once(row, value) if outcome else self.form_page(form)

    def _once(self, row: ScimToken, value: str) -> HttpResponse:
        """The only page that ever holds the value."""
        back = self.url("accesscontrol:scim-token-list")
        base = scim_tokens.address(self.tenant.pk)
        shown = {
            "value": value,
            "name": _("Token of %(directory)s") % {"directory": row.note},
            "command": f"curl -H 'Authorization: Bearer {value}' '{base}/Users?count=1'",
            "ends_at": row.during.upper,
        }
        page = {"title": _("New token"), "breadcrumb": [{"label": _("Directory (SCIM)"), "url": back}]}
        return self.render("applications/secret_once.html", {"page": page, "secret": shown, "done_url": back})

    def _seen(self) -> str:
        ids = sorted(str(each) for each in self.tenant.scim_tokens.values_list("id", flat=True))
        return hashlib.sha256("".join(ids).encode()).hexdigest()


class ScimTokenRevoke(ConfirmPage):
    """The directory is not let in any more."""

    permission = "Users:modify"

    def confirmation(self) -> dict[str, Any]:
        token_id: UUID = self.kwargs["token_id"]
        row = self.tenant.scim_tokens.not_over(self.at).filter(id=token_id).first()
        if row is None:
            raise NotFound
        back = self.url("accesscontrol:scim-token-list")
        act = _("Revoke token")
        confirm = {
            "title": _("Revoke the token of %(directory)s?") % {"directory": row.note},
            "act": act,
            "nothing": _("The directory is not let in with it any more. People and groups stay as they are."),
            "cancel_url": back,
            "danger": True,
        }
        page = {"title": act, "breadcrumb": [{"label": _("Directory (SCIM)"), "url": back}]}
        return {"page": page, "confirm": confirm}

    def act(self, revision: int | None) -> str:
        scim_tokens.revoke(tenant=self.tenant, token_id=self.kwargs["token_id"], by=self.actor, at=self.at)
        return _("Revoked.")
