"""A webhook in words, facts and tables."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Avg, Count, OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from applications.delivery.parcels import TEST
from applications.delivery.record import name_of
from applications.http import address
from applications.models import Webhook, WebhookDelivery, WebhookSecret
from applications.views import _signal_words
from iam_portal.errors import NotFound
from tenants.http import paging
from tenants.http.paging import Page
from tenants.models import Tenant
from tenants.views.console import ConsolePage

DAY = timedelta(days=1)
BECAUSE = {
    "by_hand": gettext_lazy("It was paused by hand."),
    "failing": gettext_lazy("Nothing could be delivered for three days."),
    "gone": gettext_lazy("The receiver answered that it wants no more (410)."),
    "not_allowed": gettext_lazy(
        "Whoever made it, or changed or resumed it last, may not read these events any more."
        " Somebody who may read them can resume it."
    ),
}
ERRORS = {
    "address_refused": gettext_lazy("The name leads into a private network; nothing was sent."),
    "malformed": gettext_lazy("The address is not accepted any more; nothing was sent."),
    "no_such_host": gettext_lazy("The name has no address."),
    "connect_failed": gettext_lazy("Nobody answers at this address."),
    "tls_failed": gettext_lazy("The certificate is not for this name, or nobody vouches for it."),
    "timed_out": gettext_lazy("No answer in time."),
    "broken_off": gettext_lazy("The connection broke off."),
    "no_secret": gettext_lazy("None of its secrets can be read any more. Make a new one."),
    "event_gone": gettext_lazy("The event is kept no longer."),
}
OUTCOMES = {
    "delivered": ("in_force", gettext_lazy("Delivered")),
    "failed": ("failed", gettext_lazy("Failed")),
    "waiting": ("scheduled", gettext_lazy("Waiting")),
}


def every(tenant: Tenant) -> QuerySet[Webhook]:
    """All that there ever were, with the moment of the last delivery."""
    last = WebhookDelivery.objects.filter(webhook=OuterRef("pk")).order_by("-id")
    rows = tenant.webhooks.select_related("application")
    return rows.annotate(last_at=Subquery(last.values("at")[:1]))


def living(tenant: Tenant) -> QuerySet[Webhook]:
    """Those that have not ended."""
    return every(tenant).filter(ended_at=None)


def own(tenant: Tenant) -> QuerySet[Webhook]:
    """Those of the organization, and not an application's streams of signals."""
    return living(tenant).filter(form=Webhook.Form.EVENTS)


def one_of(rows: QuerySet[Webhook], webhook_id: UUID) -> Any:
    """One of these rows, or NotFound, alike for another tenant's."""
    row = rows.filter(id=webhook_id).first()
    if row is None:
        raise NotFound
    return row


def state_of(webhook: Webhook) -> tuple[str, str]:
    """State and word, for a badge."""
    if webhook.ended_at is not None:
        return "ended", ""
    if webhook.state == Webhook.State.PAUSED:
        return "paused", ""
    return ("failed", _("Failing")) if webhook.failing_since else ("active", "")


def listed(page: ConsolePage, rows: Iterable[Any]) -> dict[str, Any]:
    """The table of all."""
    cells = [{"cells": _cells(page, row)} for row in rows]
    labels = (_("Receiver"), _("Events"), _("State"), _("Last delivery"))
    count = ngettext("%(count)d webhook", "%(count)d webhooks", len(cells)) % {"count": len(cells)}
    return {
        "caption": _("Webhooks"),
        "columns": [{"label": label} for label in labels],
        "rows": cells,
        "count_text": count,
    }


def facts(webhook: Any) -> list[dict[str, Any]]:
    """What it is."""
    about = str(webhook.application) if webhook.application else _("All events of your organization")
    if webhook.signals:
        about = _("People who work with this application: it asked to be told, as security events")
    found: list[dict[str, Any]] = [
        _signal_words.receiver(webhook),
        {"label": _("Events"), "text": _signal_words.told(webhook)},
        {"label": _("About"), "text": about},
        {"label": _("Made"), "at": webhook.created_at, "note": webhook.created_by},
    ]
    if webhook.failing_since:
        found.append({"label": _("Failing since"), "at": webhook.failing_since})
    if webhook.next_attempt_at:
        tried = ngettext("%(count)d attempt so far", "%(count)d attempts so far", webhook.attempts)
        note = tried % {"count": webhook.attempts}
        found.append({"label": _("Next attempt"), "at": webhook.next_attempt_at, "note": note})
    return found


def health(webhook: Webhook, at: datetime) -> list[dict[str, Any]]:
    """The last day in numbers, for ``_facts.html``; one query."""
    made = webhook.deliveries.filter(at__gte=at - DAY).exclude(outcome="waiting")
    found = made.aggregate(
        delivered=Count("id", filter=Q(outcome="delivered")),
        failed=Count("id", filter=Q(outcome="failed")),
        took=Avg("milliseconds", filter=Q(outcome="delivered")),
    )
    facts: list[dict[str, Any]] = [
        {"label": _("Delivered"), "text": str(found["delivered"])},
        {"label": _("Failed attempts"), "text": str(found["failed"])},
    ]
    if found["took"] is not None:
        took = _("%(count)d ms") % {"count": round(found["took"])}
        facts.append({"label": _("Answered within"), "text": took, "note": _("on average")})
    return facts


def chips(request: HttpRequest) -> list[dict[str, Any]]:
    """Deliveries by their outcome."""
    chosen = request.GET.get("outcome", "")
    return [
        {
            "label": word,
            "active": key == chosen,
            "url": paging.with_query(request, outcome=None if key == chosen else key),
        }
        for key, (_state, word) in OUTCOMES.items()
    ]


@cache
def examples() -> list[dict[str, str]]:
    """How a receiver verifies what it gets: programs that the tests run."""
    folder = settings.BASE_DIR / "docs" / "examples"
    files = (("Python", "verify_webhook.py"), ("JavaScript", "verify_webhook.mjs"))
    return [{"language": language, "code": (folder / name).read_text()} for language, name in files]


def secrets(page: ConsolePage, webhook: Webhook, changeable: bool) -> dict[str, Any]:
    """The living secrets."""
    labels = (_("Secret"), _("Made"), _("Signs until"))
    columns: list[dict[str, Any]] = [{"label": label} for label in labels]
    if changeable:
        columns.append({"label": _("Act"), "hidden_label": True})
    rows = webhook.secrets.not_over(page.at).order_by("during")
    cells = [{"cells": _secret(page, row, changeable)} for row in rows]
    return {"caption": _("Secrets"), "columns": columns, "rows": cells}


def deliveries(page: ConsolePage, shown: Page, again: bool) -> dict[str, Any]:
    """The attempts of one page, newest first."""
    labels = (_("Event"), _("When"), _("Outcome"), _("Answer"))
    columns: list[dict[str, Any]] = [{"label": label} for label in labels]
    if again:
        columns.append({"label": _("Act"), "hidden_label": True})
    rows = [{"cells": _delivery(page, row, again)} for row in shown.rows]
    return {
        "caption": _("Deliveries"),
        "columns": columns,
        "rows": rows,
        "count_text": _("Remembered for 30 days"),
        "paging": shown.paging,
    }


def _cells(page: ConsolePage, row: Any) -> list[dict[str, Any]]:
    state, word = state_of(row)
    url = address("webhook-detail", page.slug, webhook_id=row.id)
    return [
        {"text": name_of(row), "url": url, "note": row.note},
        {"text": _signal_words.told(row), "note": _about(row)},
        {"state": state, "word": word},
        {"at": row.last_at} if row.last_at else {"text": _("never")},
    ]


def _about(row: Any) -> str:
    if row.application is None:
        return ""
    return (
        _("Signals for %(application)s") % {"application": row.application}
        if row.signals
        else str(row.application)
    )


def _secret(page: ConsolePage, row: WebhookSecret, changeable: bool) -> list[dict[str, Any]]:
    ends = row.during.upper
    cells: list[dict[str, Any]] = [
        {"text": f"…{row.hint}"},
        {"day": row.during.lower},
        {"day": ends} if ends else {"text": "–"},
    ]
    if changeable:
        path = {"webhook_id": row.webhook_id, "secret_id": row.id}
        url = address("webhook-secret-revoke", page.slug, **path)
        cells.append({"action": {"label": _("Revoke"), "url": url, "dialog": True}})
    return cells


def outcome(row: WebhookDelivery) -> list[dict[str, Any]]:
    """When, how it went, and what the receiver said."""
    state, word = OUTCOMES[row.outcome]
    said = str(ERRORS.get(row.error, row.error)) if row.error else str(row.status or "–")
    took = _("%(count)d ms") % {"count": row.milliseconds} if row.outcome != "waiting" else ""
    nth = _("attempt %(number)d") % {"number": row.attempt} if row.attempt > 1 else ""
    return [
        {"at": row.at},
        {"state": state, "word": str(word), "note": nth},
        {"text": said, "note": took},
    ]


def _delivery(page: ConsolePage, row: WebhookDelivery, again: bool) -> list[dict[str, Any]]:
    url = "" if row.event_type == TEST else address("event-detail", page.slug, event_id=row.event_id)
    event = {"text": row.event_type, "url": url, "note": _("by hand") if row.by_hand else ""}
    cells: list[dict[str, Any]] = [event, *outcome(row)]
    if again:
        path = {"webhook_id": row.webhook_id, "delivery_id": row.id}
        url = address("webhook-redeliver", page.slug, **path)
        action = {"label": _("Send again"), "url": url, "dialog": True}
        cells.append({"action": action} if row.event_position else {"text": "–"})
    return cells
