"""Settings: which roles ask for a second factor, and whom that meets."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accesscontrol.actions import factor_holders, second_factors
from accesscontrol.actions.factor_holders import Counted
from applications.models.applications import PORTAL_ID
from iam_portal.translating import translated
from tenants.actions.steps import EVERYBODY
from tenants.views.console import FormPage

LISTED = 10  # of those who would be asked; the count says how many there are


class SecondFactorsForm(forms.Form):
    """The roles that ask. Against the revision that was shown."""

    revision = forms.IntegerField(widget=forms.HiddenInput)
    roles = forms.MultipleChoiceField(
        label=gettext_lazy("Who signs in with a second factor"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy(
            "Who holds one of these, and has no second factor yet, sets one up at the next sign-in, before"
            " anything else. Nobody is signed out now. A role of your own that allows an act of the portal"
            " which a chosen one allows, asks as well."
        ),
    )

    def __init__(self, *args: Any, choices: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["roles"]
        assert isinstance(field, forms.MultipleChoiceField)
        field.choices = choices
        field.either = True  # type: ignore[attr-defined]  # none at all is a choice, and nothing left open


class ChooseSecondFactors(FormPage):
    """Each role with how many people it would ask; below, who is asked by the present choice."""

    permission = "Configuration:modify"
    recent = True
    template = "accesscontrol/second_factors.html"

    def frame(self) -> dict[str, Any]:
        back = self.url("tenants:settings")
        page = {
            "title": _("Second factors"),
            "breadcrumb": [{"label": _("Settings"), "url": back}],
            "lead": _("A passkey or an authenticator app, besides the password."),
        }
        chosen = self.tenant.second_factor_roles
        given: dict[str, Any] = {"tenant": self.tenant, "roles": chosen, "at": self.at}
        asked = second_factors.asked(**given, most=LISTED + 1) if chosen else []
        people = [
            {"name": name, "url": self.url("tenants:user-detail", user_id=user_id)}
            for user_id, name in asked[:LISTED]
        ]
        shown = {"page": page, "submit": _("Save"), "cancel_url": back, "asked": people}
        if len(asked) > LISTED:
            others = second_factors.count(**given) - LISTED
            shown["more"] = ngettext("and %(count)d other", "and %(count)d others", others) % {
                "count": others
            }
        return shown

    def get(self, request: HttpRequest) -> HttpResponse:
        shown = {"revision": self.tenant.revision, "roles": self.tenant.second_factor_roles}
        return self.form_page(SecondFactorsForm(initial=shown, choices=self._choices()))

    def post(self, request: HttpRequest) -> HttpResponse:
        form = SecondFactorsForm(request.POST, choices=self._choices())
        if form.is_valid():
            given = form.cleaned_data
            with self.attempt(form) as outcome:
                second_factors.choose(
                    tenant=self.tenant,
                    roles=given["roles"],
                    by=self.actor,
                    at=self.at,
                    revision=given["revision"],
                )
            if outcome:
                return self.done(_("Saved. It counts at the next sign-in."), self.url("tenants:settings"))
        return self.form_page(form)

    def _choices(self) -> list[tuple[str, str]]:
        """One query for all counts, a second at most, however many roles and people there are."""
        roles = second_factors.choices(tenant=self.tenant, at=self.at)
        values = [EVERYBODY, *(role.value for role in roles)]
        counts = factor_holders.counted(tenant=self.tenant, roles=values, at=self.at)
        everybody = _told(_("Everybody"), counts.get(EVERYBODY))
        named = [(role.value, _told(_named(role), counts.get(role.value))) for role in roles]
        return [(EVERYBODY, everybody), *named]


def _named(role: second_factors.Choice) -> str:
    """The portal's own in the reader's language."""
    return translated(role.name) if role.value.startswith(f"{PORTAL_ID}/") else role.name


def _told(name: str, held: Counted | None) -> str:
    if held is None:
        return _("%(name)s · nobody") % {"name": name}
    told: dict[str, Any] = {"name": name, "most": factor_holders.MOST, "without": held.without}
    if held.more and held.without:
        return _("%(name)s · more than %(most)d people, at least %(without)d without one") % told
    if held.more:
        return _("%(name)s · more than %(most)d people") % told
    told["people"] = ngettext("%(count)d person", "%(count)d people", held.people) % {"count": held.people}
    if held.without == 0:
        return _("%(name)s · %(people)s, all have one") % told
    return _("%(name)s · %(people)s, %(without)d without one") % told
