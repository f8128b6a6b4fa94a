"""An event in words, facts and tables."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from applications import streams
from applications.delivery.parcels import concerns
from applications.delivery.record import name_of
from applications.http import address
from applications.models import Event, Webhook, WebhookDelivery
from applications.views import _webhook
from applications.views._event_names import names
from tenants.http import paging
from tenants.views.console import ConsolePage
from tenants.views.wording import address as page_of

KINDS: dict[str, Any] = {
    "application": gettext_lazy("Applications"),
    "role": gettext_lazy("Roles"),
    "resource": gettext_lazy("Resources"),
    "acl": gettext_lazy("Access lists"),
    "contract": gettext_lazy("Contracts"),
    "partnership": gettext_lazy("Partners"),
    "webhook": gettext_lazy("Webhooks"),
    "person": gettext_lazy("People"),
}
MOST_ATTEMPTS = 50
PAGES = ("application", "contract", "partnership", "webhook")


def prefixes() -> list[str]:
    """``application``, ``contract``, …: the kinds that there are."""
    return [prefix.split(".")[1] for prefix in streams.SHOWN_BY]


def chips(page: ConsolePage) -> list[dict[str, Any]]:
    """The kinds that the person may see."""
    chosen = page.request.GET.get("kind", "")
    return [
        {
            "label": KINDS.get(kind, kind),
            "active": kind == chosen,
            "url": paging.with_query(page.request, kind=None if kind == chosen else kind),
        }
        for kind, needed in zip(prefixes(), streams.SHOWN_BY.values(), strict=True)
        if page.can(needed)
    ]


def listed(page: ConsolePage, rows: Sequence[Event]) -> dict[str, Any]:
    """For ``_table.html``, in the order given."""
    columns = [{"label": label} for label in (_("Event"), _("About"), _("When"))]
    known = names(page.tenant, rows)
    return {
        "caption": _("Events"),
        "columns": columns,
        "rows": [{"cells": _cells(page, row, known)} for row in rows],
    }


def facts(page: ConsolePage, row: Event) -> list[dict[str, Any]]:
    """What stands around the data."""
    found = [
        {"label": _("Kind"), "text": KINDS.get(_kind(row), _kind(row))},
        {"label": _("When"), "at": row.at},
        {"label": _("Position"), "text": str(row.position)},
        {"label": _("About"), **_about(page, row, names(page.tenant, [row]))},
    ]
    if row.application_id:
        found.append({"label": _("Subject"), "text": row.subject})
    return found


def written(row: Event) -> str:
    """As it is sent, for people to read."""
    return json.dumps(streams.event(row), indent=2, ensure_ascii=False)


def told(page: ConsolePage, row: Event) -> dict[str, Any]:
    """Each webhook that wants such events, and how far this one has come with it."""
    hooks = [hook for hook in _webhook.every(page.tenant) if concerns(hook, row)]
    last: dict[Any, WebhookDelivery] = {}
    for delivery in _deliveries(page, row).filter(webhook__in=hooks).order_by("id"):
        last[delivery.webhook_id] = delivery
    rows = [
        {"cells": _of_webhook(page, row, hook, last.get(hook.id))}
        for hook in hooks
        if hook.ended_at is None or hook.id in last
    ]
    columns: list[dict[str, Any]] = [
        {"label": label} for label in (_("Receiver"), _("State"), _("Last attempt"))
    ]
    if page.can("Webhooks:execute"):
        columns.append({"label": _("Act"), "hidden_label": True})
    return {"caption": _("Webhooks that want it"), "columns": columns, "rows": rows}


def attempts(page: ConsolePage, row: Event) -> dict[str, Any]:
    """What was tried, newest first."""
    found = list(_deliveries(page, row).select_related("webhook").order_by("-id")[:MOST_ATTEMPTS])
    columns = [{"label": label} for label in (_("Receiver"), _("When"), _("Outcome"), _("Answer"))]
    rows = [{"cells": [{"text": name_of(each.webhook)}, *_webhook.outcome(each)]} for each in found]
    return {
        "caption": _("Attempts"),
        "columns": columns,
        "rows": rows,
        "count_text": _("Remembered for 30 days"),
    }


def _deliveries(page: ConsolePage, row: Event) -> Any:
    return WebhookDelivery.objects.filter(tenant=page.tenant, event_id=row.event_id)


def _kind(row: Event) -> str:
    return row.type.split(".")[1]


def _cells(page: ConsolePage, row: Event, known: Mapping[str, str]) -> list[dict[str, Any]]:
    url = address("event-detail", page.slug, event_id=row.event_id)
    place = _("position %(number)d") % {"number": row.position}
    return [{"text": row.type, "url": url, "note": place}, _about(page, row, known), {"at": row.at}]


def _about(page: ConsolePage, row: Event, known: Mapping[str, str]) -> dict[str, Any]:
    """Its subject; of an application in an organization, the application. The id stands below the name."""
    subject = row.application_id or row.subject
    kind = "application" if row.application_id else _kind(row)
    url = page_of(page.slug, kind, subject) if kind in PAGES else ""
    name = known.get(subject, "")
    return {"text": name or subject, "url": url, "note": subject if name else ""}


def _of_webhook(
    page: ConsolePage, row: Event, hook: Webhook, last: WebhookDelivery | None
) -> list[dict[str, Any]]:
    url = address("webhook-detail", page.slug, webhook_id=hook.id)
    state, word = _standing(row, hook, last)
    cells: list[dict[str, Any]] = [
        {"text": name_of(hook), "url": url, "note": hook.note},
        {"state": state, "word": word},
        {"at": last.at} if last else {"text": "–"},
    ]
    if page.can("Webhooks:execute"):
        again = last and hook.ended_at is None and last.event_position
        if again:
            path = {"webhook_id": hook.id, "delivery_id": last.id}  # type: ignore[union-attr]
            action = {"label": _("Send again"), "dialog": True}
            cells.append({"action": {**action, "url": address("webhook-redeliver", page.slug, **path)}})
        else:
            cells.append({"text": "–"})
    return cells


def _standing(row: Event, hook: Webhook, last: WebhookDelivery | None) -> tuple[str, str]:
    if last is not None:
        state, word = _webhook.OUTCOMES[last.outcome]
        return state, str(word)
    if row.position is not None and row.position > hook.position:
        return (
            ("paused", _("Waits: the webhook is paused"))
            if hook.state == "paused"
            else ("scheduled", _("Waiting"))
        )
    return "draft", _("Not remembered")
