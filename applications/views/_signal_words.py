"""An application's stream of signals in the words of people: its types are those of programs."""

from typing import Any

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
