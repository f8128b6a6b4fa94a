"""An application's stream of signals in the words of people: its types are those of programs.

It is a row of webhooks, which people need not know: what they may do with it has words of its own.
"""

from typing import Any, NamedTuple

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from applications.delivery import polling
from applications.models import Webhook

_ACCOUNTS = gettext_lazy("accounts")
_TOLD = {
    "iam.person.session_revoked.v1": gettext_lazy("sign-outs"),
    "iam.person.credential_changed.v1": gettext_lazy("passwords and second factors"),
    "iam.person.access_changed.v1": gettext_lazy("roles"),
    "iam.person.deactivated.v1": _ACCOUNTS,
    "iam.person.reactivated.v1": _ACCOUNTS,
    "iam.person.deleted.v1": _ACCOUNTS,
}


class Words(NamedTuple):
    """What a button says, what is asked then, and what comes of it."""

    act: Any
    title: Any
    text: Any


_WEBHOOK = {
    "pause": Words(
        gettext_lazy("Pause webhook"),
        gettext_lazy("Pause the webhook to %(receiver)s?"),
        gettext_lazy("Nothing is lost: what happens meanwhile is sent when it is resumed."),
    ),
    "resume": Words(
        gettext_lazy("Resume webhook"),
        gettext_lazy("Resume the webhook to %(receiver)s?"),
        gettext_lazy("It goes on at the first event that was not delivered."),
    ),
    "end": Words(
        gettext_lazy("End webhook"),
        gettext_lazy("End the webhook to %(receiver)s?"),
        gettext_lazy("Nothing is sent any more, and its secrets are forgotten. It cannot be undone."),
    ),
}
_STREAM = {
    "pause": Words(
        gettext_lazy("Pause signals"),
        gettext_lazy("Pause the signals for %(receiver)s?"),
        gettext_lazy("Nothing is lost: the application is told when they are resumed."),
    ),
    "resume": Words(
        gettext_lazy("Resume signals"),
        gettext_lazy("Resume the signals for %(receiver)s?"),
        gettext_lazy("They go on at the first that the application was not told."),
    ),
    "end": Words(
        gettext_lazy("End signals"),
        gettext_lazy("End the signals for %(receiver)s?"),
        gettext_lazy(
            "The application is told nothing any more. If it asks for signals again, they wait until "
            "somebody here resumes them."
        ),
    ),
}


def words(webhook: Webhook, act: str) -> Words:
    """Of what may be done to either: pause, resume or end it."""
    return (_STREAM if webhook.signals else _WEBHOOK)[act]


def told(webhook: Webhook) -> str:
    """What it tells, each once; a webhook of events names its types."""
    if not webhook.signals:
        return ", ".join(webhook.types)
    return ", ".join(dict.fromkeys(str(_TOLD.get(each, each)) for each in webhook.types))


def receiver(webhook: Webhook) -> dict[str, Any]:
    """Where it goes, as a fact. The address of a stream that is fetched is ours, and says nothing."""
    if webhook.signals and polling.is_polled(webhook):
        return {"label": _("Address"), "text": _("none: the application fetches them")}
    return {"label": _("Address"), "code": webhook.shown_url}
