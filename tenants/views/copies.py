"""A copy of all that is kept about a person: for himself, or for who answers his question about it."""

import json
from typing import Any
from uuid import UUID

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from tenants.actions import exporting
from tenants.actions.exporting import Record
from tenants.views.console import FormPage
from tenants.views.own_account import OwnPage
from tenants.views.users import one_of


def as_file(page: FormPage, user_id: UUID, acts: Record) -> HttpResponse:
    """The copy, to be kept by nobody on its way."""
    given: dict[str, Any] = {"by": page.actor, "at": page.at, "record_of_acts": acts}
    told = exporting.export(tenant=page.tenant, user_id=user_id, **given)
    text = json.dumps(told, indent=2, ensure_ascii=False)
    name = f'attachment; filename="person-{user_id}.json"'
    headers = {"Content-Disposition": name, "Cache-Control": "private, no-store"}
    return HttpResponse(text, content_type="application/json", headers=headers)


class CopyOwn(OwnPage):
    """What the organization keeps about oneself (GDPR, Art. 15 and 20)."""

    permission = "OwnAccount:execute"
    recent = True

    def frame(self) -> dict[str, Any]:
        self.title, self.submit = _("A copy of your data"), _("Download")
        self.lead = _(
            "All that is kept about you here, as a JSON file: your account, groups, roles, sign-ins, and the "
            "newest %(most)d entries of the record. Secrets are not in it. Your organization sees that you "
            "took it."
        ) % {"most": exporting.MOST}
        return super().frame()

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.form_page(forms.Form())

    def post(self, request: HttpRequest) -> HttpResponse:
        return as_file(self, self.own.user_id, Record.NEWEST)


class CopyOfUser(FormPage):
    """The same about somebody else, who asked for it."""

    permission = "Users:execute"
    recent = True

    def frame(self) -> dict[str, Any]:
        user = one_of(self.tenant, self.kwargs["user_id"], self.at)
        back = self.url("tenants:user-detail", user_id=user.pk)
        lead = _(
            "All that is kept about %(name)s, as a JSON file, for whoever asks what it is. The record has "
            "that you took it. What %(name)s did is in it only if you may read the activity log."
        )
        page = {
            "title": _("Copy of all data"),
            "breadcrumb": [
                {"label": _("Users"), "url": self.url("tenants:user-list")},
                {"label": str(user), "url": back},
            ],
            "lead": lead % {"name": user},
        }
        return {"page": page, "submit": _("Download"), "cancel_url": back}

    def get(self, request: HttpRequest, user_id: UUID) -> HttpResponse:
        return self.form_page(forms.Form())

    def post(self, request: HttpRequest, user_id: UUID) -> HttpResponse:
        return as_file(self, user_id, Record.NEWEST if self.can("ActivityLog:read") else Record.NOTHING)
