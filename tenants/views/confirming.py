"""Password or passkey once more, before an act that gives power or cannot be undone."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _

from iam_portal.errors import DomainError, Kind
from iam_portal.walls import tenant_scope
from tenants.actions import passkeys, proving
from tenants.actions.challenges import Purpose
from tenants.actions.passkeys import Answer
from tenants.forms.factors import AnswerForm, IdentityForm
from tenants.history import record_refusal
from tenants.http import remember
from tenants.http.refusals import into_form
from tenants.models import Passkey
from tenants.views import providers, setting_up
from tenants.views.console import ConsolePage


class ConfirmIdentity(ConsolePage):
    """Asks, and goes back to where the person was sent from."""

    permission = "OwnAccount:modify"
    outside = True  # no transaction stays open while the password is hashed

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._page(IdentityForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        form, answer = IdentityForm(request.POST), AnswerForm(request.POST)
        if not answer.is_valid() and not form.is_valid():
            return self._page(form)
        assert self.session is not None
        try:
            if answer.is_valid():
                given = Answer(answer.cleaned_data["credential"], answer.cleaned_data["challenge"])
                token = proving.by_passkey(session=self.session, answer=given, by=self.actor, at=self.at)
            else:
                password = form.cleaned_data["password"]
                token = proving.by_password(
                    session=self.session, password=password, by=self.actor, at=self.at
                )
        except DomainError as refusal:
            with tenant_scope(self.tenant.id):
                record_refusal(refusal)
            form.errors.clear()
            into_form(form, refusal)
            return self._page(form, refusal)
        response = HttpResponseRedirect(self.next_address())
        remember(request, response, tenant=self.tenant, user=self.session.user, token=token)
        return response

    def _page(self, form: IdentityForm, refusal: DomainError | None = None) -> HttpResponse:
        assert self.session is not None
        user = self.session.user
        asked = None
        with tenant_scope(self.tenant.id):
            if Passkey.objects.filter(user=user).exists():
                asked = passkeys.ask(
                    tenant_id=self.tenant.id,
                    purpose=Purpose.CONFIRM,
                    bound_to=self.session.pk,
                    at=self.at,
                    user=user,
                )
        context = {
            "heading": _("Is it still you?"),
            "form": form,
            "asked": setting_up.for_browser(asked) if asked else None,
            "person": str(user),
            "username": user.username,
            "back_url": self.url("tenants:account-detail"),
            "anew": providers.anew(self, self.session),
        }
        throttled = refusal is not None and refusal.kind is Kind.THROTTLED
        response = self.render("tenants/identity_confirm.html", context, status=429 if throttled else 200)
        if throttled and refusal is not None:
            response["Retry-After"] = str(refusal.data["retryAfter"])
        return response
