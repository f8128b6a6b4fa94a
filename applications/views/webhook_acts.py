"""What may be done to a webhook, each after a question."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from applications.actions import webhook_requests, webhook_secrets, webhooks
from applications.delivery.record import name_of
from applications.http import address
from applications.models import Webhook
from applications.views import _signal_words, _webhook
from applications.views._webhook_form import RecoverForm, RotateForm
from applications.views.webhooks import crumbs, render_once
from iam_portal.errors import NotFound
from tenants.views.console import ConfirmPage, FormPage


class _ActOnWebhook(ConfirmPage):
    permission = "Webhooks:modify"

    def row(self) -> Webhook:
        """The webhook, as it is now."""
        found: Webhook = _webhook.one_of(_webhook.living(self.tenant), self.kwargs["webhook_id"])
        return found

    def question(self, *, act: str, title: str, text: str, danger: bool = False) -> dict[str, Any]:
        """The context of the question; ``%(receiver)s`` in the title is its host."""
        row = self.row()
        confirm = {
            "title": title % {"receiver": name_of(row)},
            "act": act,
            "nothing": text,
            "cancel_url": address("webhook-detail", self.slug, webhook_id=row.id),
            "revision": row.revision,
            "danger": danger,
        }
        return {"page": {"title": act, "breadcrumb": crumbs(self.slug, row)}, "confirm": confirm}

    def words(self, act: str) -> dict[str, Any]:
        """What is asked of a webhook, or of a stream of signals."""
        return {name: str(text) for name, text in _signal_words.words(self.row(), act)._asdict().items()}

    def given(self) -> dict[str, Any]:
        """The arguments of every act on it."""
        webhook_id = self.kwargs["webhook_id"]
        return {"tenant": self.tenant, "webhook_id": webhook_id, "by": self.actor, "at": self.at}


class WebhookPause(_ActOnWebhook):
    """Nothing is sent until it is resumed."""

    def confirmation(self) -> dict[str, Any]:
        return self.question(**self.words("pause"))

    def act(self, revision: int | None) -> str:
        webhooks.pause(**self.given(), revision=revision)
        return _("Paused.")


class WebhookResume(_ActOnWebhook):
    """It goes on where it stopped."""

    def confirmation(self) -> dict[str, Any]:
        return self.question(**self.words("resume"))

    def act(self, revision: int | None) -> str:
        webhooks.resume(**self.given(), revision=revision)
        return _("Resumed.")


class WebhookEnd(_ActOnWebhook):
    """Nothing is sent any more."""

    permission = "Webhooks:delete"
    recent = True

    def confirmation(self) -> dict[str, Any]:
        return self.question(**self.words("end"), danger=True)

    def act(self, revision: int | None) -> str:
        signals = self.row().signals
        webhooks.end(**self.given(), revision=revision)
        return _("The signals are ended.") if signals else _("The webhook is ended.")

    def done_url(self, back: str) -> str:
        return address("webhook-list", self.slug)


class WebhookTest(_ActOnWebhook):
    """An event to this one only."""

    permission = "Webhooks:execute"

    def confirmation(self) -> dict[str, Any]:
        text = _("An event iam.webhook.test.v1 is sent within seconds, to this address only.")
        title = _("Send a test event to %(receiver)s?")
        return self.question(act=_("Send test event"), title=title, text=text)

    def act(self, revision: int | None) -> str:
        webhook_requests.send_test(**self.given())
        return _("It is on its way. Its outcome stands among the deliveries.")


class WebhookRedeliver(_ActOnWebhook):
    """The event of a delivery, once more."""

    permission = "Webhooks:execute"

    def confirmation(self) -> dict[str, Any]:
        row = self.row().deliveries.filter(id=self.kwargs["delivery_id"]).first()
        if row is None:
            raise NotFound
        text = _("%(type)s is sent within seconds under the same id, out of order.")
        title = _("Send the event to %(receiver)s again?")
        return self.question(act=_("Send again"), title=title, text=text % {"type": row.event_type})

    def act(self, revision: int | None) -> str:
        webhook_requests.redeliver(**self.given(), delivery_id=self.kwargs["delivery_id"])
        return _("It is on its way. Its outcome stands among the deliveries.")


class WebhookRecover(FormPage):
    """All that failed since a moment, once more."""

    permission = "Webhooks:execute"
    template = "applications/application_form.html"

    def frame(self) -> dict[str, Any]:
        row = _webhook.one_of(_webhook.living(self.tenant), self.kwargs["webhook_id"])
        lead = _("Each event whose last attempt failed is sent again under its own id, oldest first.")
        page = {"title": _("Send failed events again"), "breadcrumb": crumbs(self.slug, row), "lead": lead}
        back = address("webhook-detail", self.slug, webhook_id=row.id)
        return {"page": page, "submit": _("Send again"), "cancel_url": back}

    def get(self, request: HttpRequest, webhook_id: UUID) -> HttpResponse:
        return self.form_page(RecoverForm(initial={"since": self.at - timedelta(days=1)}))

    def post(self, request: HttpRequest, webhook_id: UUID) -> HttpResponse:
        row = _webhook.one_of(_webhook.living(self.tenant), webhook_id)
        form = RecoverForm(request.POST)
        if not form.is_valid():
            return self.form_page(form)
        given = {"tenant": self.tenant, "webhook_id": row.id, "by": self.actor, "at": self.at}
        with self.attempt(form) as outcome:
            found = webhook_requests.redeliver_failed(**given, since=form.cleaned_data["since"])
        if not outcome:
            return self.form_page(form)
        return self.done(_recovered(found), address("webhook-detail", self.slug, webhook_id=row.id))


def _recovered(found: webhook_requests.Recovered) -> str:
    if not found.asked and not found.left:
        return _("Nothing has failed since then.")
    said = ngettext("%(count)d event is on its way.", "%(count)d events are on their way.", found.asked)
    said %= {"count": found.asked}
    if found.left:
        more = ngettext("%(count)d more has failed", "%(count)d more have failed", found.left)
        more %= {"count": found.left}
        said += " " + _("%(more)s: ask again when these are through.") % {"more": more}
    return said


class WebhookSecretRevoke(_ActOnWebhook):
    """A secret signs no more."""

    def confirmation(self) -> dict[str, Any]:
        secret = self.row().secrets.not_over(self.at).filter(id=self.kwargs["secret_id"]).first()
        if secret is None:
            raise NotFound
        text = _("Requests carry no signature by the secret …%(hint)s any more.") % {"hint": secret.hint}
        title = _("Revoke the secret of %(receiver)s?")
        return self.question(act=_("Revoke secret"), title=title, text=text, danger=True)

    def act(self, revision: int | None) -> str:
        webhook_secrets.revoke(**self.given(), secret_id=self.kwargs["secret_id"])
        return _("The secret is revoked.")


class WebhookSecretNew(FormPage):
    """A secret beside the present one. Sent twice, the second is refused: two sign at most."""

    permission = "Webhooks:modify"
    recent = True
    template = "applications/application_form.html"

    def frame(self) -> dict[str, Any]:
        row = _webhook.one_of(_webhook.living(self.tenant), self.kwargs["webhook_id"])
        page = {"title": _("New secret"), "breadcrumb": crumbs(self.slug, row)}
        back = address("webhook-detail", self.slug, webhook_id=row.id)
        return {"page": page, "submit": _("Make secret"), "cancel_url": back}

    def get(self, request: HttpRequest, webhook_id: UUID) -> HttpResponse:
        return self.form_page(RotateForm())

    def post(self, request: HttpRequest, webhook_id: UUID) -> HttpResponse:
        row = _webhook.one_of(_webhook.living(self.tenant), webhook_id)
        form = RotateForm(request.POST)
        if not form.is_valid():
            return self.form_page(form)
        with self.attempt(form) as outcome:
            _made, value = webhook_secrets.rotate(
                tenant=self.tenant, webhook_id=webhook_id, by=self.actor, at=self.at, **form.cleaned_data
            )
        return render_once(self, row, value) if outcome else self.form_page(form)
