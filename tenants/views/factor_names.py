"""Another name for a second factor of one's own."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from tenants.actions import factors
from tenants.actions.factors import Factor
from tenants.forms.factors import NameForm
from tenants.views.console import FormPage


class RenameFactor(FormPage):
    """Whoever finds a browser open may not let one factor pass for another: it asks again who acts."""

    permission = "OwnAccount:modify"
    recent = True

    def frame(self) -> dict[str, Any]:
        back = self.url("tenants:factor-list")
        crumbs = [
            {"label": _("Your account"), "url": self.url("tenants:account-detail")},
            {"label": _("Second factors"), "url": back},
        ]
        title = _("Rename %(name)s") % {"name": self._factor().name}
        return {"page": {"title": title, "breadcrumb": crumbs}, "submit": _("Rename"), "cancel_url": back}

    def get(self, request: HttpRequest, factor_id: UUID) -> HttpResponse:
        return self.form_page(NameForm(initial={"name": self._factor().name}))

    def post(self, request: HttpRequest, factor_id: UUID) -> HttpResponse:
        form = NameForm(request.POST)
        if form.is_valid():
            assert self.session is not None
            given = {"name": form.cleaned_data["name"], "by": self.actor, "at": self.at}
            with self.attempt(form) as outcome:
                factor = factors.rename(user=self.session.user, factor_id=factor_id, **given)
            if outcome:
                back = self.url("tenants:factor-list")
                return self.done(_("It is called %(name)s now.") % {"name": factor.name}, back)
        return self.form_page(form)

    def _factor(self) -> Factor:
        assert self.session is not None
        return factors.find(user=self.session.user, factor_id=self.kwargs["factor_id"])
