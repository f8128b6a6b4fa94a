"""Acts on people and groups that take something away: what, is shown before, and compared when it is done."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse

from iam_portal.errors import DomainError
from iam_portal.translating import translated
from tenants.forms import TypedNameForm
from tenants.impact import Act, ImpactBusy, carry_out, foresee
from tenants.views import impacts
from tenants.views.console import ConfirmPage

Weighed = tuple[Act, Callable[[], object]]


class WeighedPage(ConfirmPage):
    """A confirmation that shows the impact. ``required``: it is not done without one that was shown."""

    required: ClassVar[bool] = False
    unless_nothing: ClassVar[bool] = False  # … but where it takes nothing

    def weighed(self, revision: int | None) -> Weighed:
        """The act for its impact, and the act itself."""
        raise NotImplementedError

    def foreseen(self, *, nothing: str) -> dict[str, Any]:
        """``counts``, ``names`` and ``impact`` of ``_confirm.html``; or why it would be refused.

        One who only came at a bad moment may still try: by then it can be free.
        """
        if not self.asks:
            return {}
        try:
            act, do = self.weighed(None)
            found = foresee(replace(act, named=impacts.MOST, answers=self.answers), do)
        except ImpactBusy as busy:
            return {"nothing": translated(busy.detail)}
        except DomainError as refusal:
            return {"refused": translated(refusal.detail)}
        shown = impacts.shown(found.as_json(), self, nothing=nothing, ours=found.ours)
        return {"impact": found.revision, **shown}

    def carry_out(self, revision: int | None) -> None:
        """Do it, if it takes what was shown."""
        carry_out(
            *self.weighed(revision),
            expected=self.request.POST.get("impact") or None,
            required=self.required,
            unless_nothing=self.unless_nothing,
        )


class NamedPage(WeighedPage):
    """The same for what cannot be undone: the name has to be typed."""

    required = True

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        return self._asked(None)

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        self.asks = False
        form = TypedNameForm(request.POST, name=self.confirmation()["confirm"]["irreversible"])
        return super().post(request, **kwargs) if form.is_valid() else self._asked(form)

    def _asked(self, form: TypedNameForm | None) -> HttpResponse:
        self.asks = True
        shown = {**self.confirmation()}
        shown["confirm"].setdefault("url", self.request.path)
        shown["form"] = form or TypedNameForm(name=shown["confirm"]["irreversible"])
        return self.render("iam_portal/confirm.html", shown)
