"""How a contract is used, as facts, a small picture and a list for its page."""

from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from applications import usage
from applications.models import Contract, ContractState
from applications.usage.reading import Caller, Usage
from iam_portal.templatetags import moments
from iam_portal.templatetags.numbers import grouped
from tenants.models import Tenant

RECENT, LONG = 30, 90  # days
CALLERS = 8
HEIGHT, BAR = 36, 8  # of the picture, in its own units


class Day(NamedTuple):
    """One bar; whole numbers, as a template prints them."""

    x: int
    y: int
    height: int
    title: str


def used(contract: Contract, tenant: Tenant, at: datetime) -> dict[str, Any] | None:
    """Tokens of late and the last one, said aloud when there was none for long; by day, and by service."""
    if contract.state != ContractState.ACCEPTED:
        return None
    found = usage.of_contract(contract, tenant_id=tenant.id, days=RECENT, at=at)
    is_unused = usage.unused(Contract.objects.filter(id=contract.id), days=LONG, at=at).exists()
    last = {"at": found.last_used_at} if found.last_used_at else {"text": _("never")}
    callers = sorted(found.callers, key=lambda caller: (-caller.tokens, caller.target_id))
    return {
        "facts": [
            {"label": _("Tokens in 30 days"), "text": grouped(found.tokens)},
            {"label": _("Last used"), **last, **({"state": "unused"} if is_unused else {})},
        ],
        "days": days(found, at.date()) if found.tokens else [],
        "width": RECENT * BAR,
        "height": HEIGHT,
        "said": said(found),
        "callers": [_caller(caller) for caller in callers[:CALLERS]],
        "further": max(0, len(callers) - CALLERS),
    }


def days(found: Usage, today: date) -> list[Day]:
    """A bar for each of the last days, the highest as high as the picture."""
    counts = dict(found.days)
    most = max(counts.values(), default=0)
    bars = []
    for number in range(RECENT):
        day = today - timedelta(days=RECENT - 1 - number)
        tokens = counts.get(day, 0)
        height = max(2, (HEIGHT - 2) * tokens // most) if tokens else 1
        bars.append(Day(number * BAR, HEIGHT - height, height, _on(day, tokens)))
    return bars


def said(found: Usage) -> str:
    """The picture in a sentence."""
    if not found.days:
        return _("No token in the last 30 days.")
    day, most = max(found.days, key=lambda spell: (spell[1], spell[0]))
    words = ngettext(
        "Used on %(count)d of the last 30 days, most on %(day)s: %(most)s.",
        "Used on %(count)d of the last 30 days, most on %(day)s: %(most)s.",
        len(found.days),
    )
    return words % {
        "count": len(found.days),
        "day": moments.in_year(day),
        "most": grouped(most),
    }


def _on(day: date, tokens: int) -> str:
    words = ngettext("%(day)s: %(tokens)s token", "%(day)s: %(tokens)s tokens", tokens)
    return words % {"day": moments.in_year(day), "tokens": grouped(tokens)}


def _caller(caller: Caller) -> dict[str, Any]:
    """Whoever the reader may not know is a service of somebody, no more."""
    return {
        "name": caller.name or caller.application_id or _("Services of others"),
        "calls": caller.target_id,
        "tokens": grouped(caller.tokens),
        "at": caller.last_used_at,
    }
