"""The way in past the password: a second factor proved, or set up, or a passkey in the place of it all."""

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.utils.translation import gettext as _

from iam_portal.errors import DomainError, Kind
from iam_portal.walls import tenant_scope
from tenants.actions import passkeys, second_steps, steps
from tenants.actions.challenges import Purpose
from tenants.actions.entering import SignedIn
from tenants.actions.passkeys import Answer
from tenants.forms import SignInForm
from tenants.forms.factors import AnswerForm, AppForm, PasskeyForm, SecondStepForm
from tenants.history import record_refusal
from tenants.http.halfway import step_of
from tenants.http.refusals import into_form
from tenants.models import SignInStep
from tenants.views import providers, setting_up
from tenants.views.arriving import arrived, beside, coming
from tenants.views.console import ConsolePage


class _HalfwayPage(ConsolePage):
    """A page of somebody whose password was right. Anybody else begins at the beginning."""

    public = True
    outside = True

    def step(self) -> SignInStep | None:
        """In the scope of its tenant."""
        token = step_of(self.request, tenant=self.tenant) if self.tenant else ""
        return steps.resolve(tenant=self.tenant, token=token, at=self.at) if token else None

    def to_beginning(self) -> HttpResponse:
        """The step is over, or there never was one."""
        return HttpResponseRedirect(beside(self, "tenants:session-start"))

    def noted(self, refusal: DomainError) -> None:
        """What a refusal wants recorded of itself."""
        with tenant_scope(self.tenant.id):
            record_refusal(refusal)

    def answered(self, template: str, context: dict[str, Any], refusal: DomainError | None) -> HttpResponse:
        """The page, with how long to wait where that is the refusal."""
        throttled = refusal is not None and refusal.kind is Kind.THROTTLED
        response = self.render(template, context, status=429 if throttled else 200)
        if throttled and refusal is not None:
            response["Retry-After"] = str(refusal.data["retryAfter"])
        return response


class SecondStep(_HalfwayPage):
    """Asks for the second factor of who has one; who has to set one up is led there."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._page(SecondStepForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        if self.tenant is None:
            return self.to_beginning()
        form: Any = SecondStepForm(request.POST)
        answer = AnswerForm(request.POST)
        if not answer.is_valid() and not form.is_valid():
            return self._page(form)
        try:
            if answer.is_valid():
                given = Answer(answer.cleaned_data["credential"], answer.cleaned_data["challenge"])
                entered = second_steps.by_passkey(coming(self), answer=given)
            else:
                entered = second_steps.by_code(coming(self), code=form.cleaned_data["code"])
        except steps.StepOver:
            return self.to_beginning()
        except DomainError as refusal:
            self.noted(refusal)
            shown = SecondStepForm(request.POST) if not answer.is_valid() else SecondStepForm({})
            if answer.is_valid():
                shown.errors.clear()
            into_form(shown, refusal)
            return self._page(shown, refusal)
        return arrived(self, entered)

    def _page(self, form: SecondStepForm, refusal: DomainError | None = None) -> HttpResponse:
        if self.tenant is None:
            return self.to_beginning()
        with tenant_scope(self.tenant.id):
            step = self.step()
            if step is None:
                return self.to_beginning()
            held = steps.held(step.user)
            if not held:
                return HttpResponseRedirect(beside(self, "tenants:session-set-up"))
            asked = self._asked(step) if held.passkeys else None
        context = {
            "heading": _("Second step"),
            "slug": self.slug,
            "form": form,
            "held": held,
            "asked": asked,
            "again_url": beside(self, "tenants:session-start"),
        }
        return self.answered("tenants/session_second.html", context, refusal)

    def _asked(self, step: SignInStep) -> dict[str, str]:
        given: dict[str, Any] = {"tenant_id": self.tenant.id, "bound_to": step.pk, "at": self.at}
        return setting_up.for_browser(passkeys.ask(purpose=Purpose.STEP, user=step.user, **given))


class SetUpFactor(_HalfwayPage):
    """A role asks for a second factor and there is none: nothing else is to be had before."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._page()

    def post(self, request: HttpRequest) -> HttpResponse:
        if self.tenant is None:
            return self.to_beginning()
        form = PasskeyForm(request.POST) if "credential" in request.POST else AppForm(request.POST)
        if not form.is_valid():
            return self._page(form)
        given = form.cleaned_data
        try:
            if isinstance(form, PasskeyForm):
                answer = Answer(given["credential"], given["challenge"])
                entered, codes = second_steps.by_new_passkey(coming(self), answer=answer, name=given["name"])
            else:
                entered, codes = second_steps.by_new_app(
                    coming(self), sealed=given["set_up"], code=given["code"], name=given["name"]
                )
        except steps.StepOver:
            return self.to_beginning()
        except DomainError as refusal:
            self.noted(refusal)
            into_form(form, refusal)
            return self._page(form, refusal)
        return arrived(self, entered, codes=codes)

    def _page(
        self, form: AppForm | PasskeyForm | None = None, refusal: DomainError | None = None
    ) -> HttpResponse:
        if self.tenant is None:
            return self.to_beginning()
        with tenant_scope(self.tenant.id):
            step = self.step()
            if step is None or steps.has_factor(step.user):
                return self.to_beginning()
            roles = steps.asking(user=step.user, at=self.at)
            shown = setting_up.app(step.user, form, at=self.at)
            shown |= setting_up.passkey(step.user, form, bound_to=step.pk, at=self.at)
        context = {"heading": _("Set up a second factor"), "slug": self.slug, "roles": roles, **shown}
        return self.answered("tenants/session_set_up.html", context, refusal)


class PasskeySignIn(ConsolePage):
    """A passkey that the browser knows, without user name and password. Looks alike for any organization."""

    public = True
    outside = True

    def get(self, request: HttpRequest) -> HttpResponse:
        """What the browser is asked for, fresh for each attempt."""
        tenant_id = self.tenant.id if self.tenant else self.slug
        asked = passkeys.ask(tenant_id=tenant_id, purpose=Purpose.SIGN_IN, bound_to="", at=self.at, user=None)
        return JsonResponse({"options": asked.options, "challenge": asked.signed})

    def post(self, request: HttpRequest) -> HttpResponse:
        form = AnswerForm(request.POST)
        if form.is_valid():
            try:
                return arrived(self, self._entered(form))
            except DomainError as exc:
                if self.tenant is not None and exc.record is not None:
                    with tenant_scope(self.tenant.id):
                        record_refusal(exc)
        shown = SignInForm({"next": request.POST.get("next", "")})
        shown.errors.clear()
        # Whatever it was: who tries this without a passkey must not learn which organizations there are.
        into_form(shown, passkeys.refusal())
        context = {"heading": _("Sign in"), "slug": self.slug, "form": shown}
        context["providers"] = providers.ways(self)
        return self.render("tenants/session_start.html", context)

    def _entered(self, form: AnswerForm) -> SignedIn:
        answer = Answer(form.cleaned_data["credential"], form.cleaned_data["challenge"])
        if self.tenant is None:
            second_steps.without_organization(slug=self.slug, answer=answer, at=self.at)
        return second_steps.without_password(coming(self), answer=answer)
