"""What is planned for a contract, in the order of its moments, with the way to take it back."""

from collections import defaultdict
from datetime import datetime
from typing import NamedTuple

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from applications.http import address
from applications.models import Contract, ContractPause
from applications.policies import RESOURCES, ever_agreed
from applications.views._standing import is_provider, standing
from iam_portal.spans import Span
from tenants.views.console import ConsolePage

LIVING = ("scheduled", "in_force", "paused")


class Ahead(NamedTuple):
    """One change to come; ``cancel_url``: where it is taken back, for who may do that."""

    at: datetime
    icon: str
    text: str
    note: str = ""
    cancel_url: str = ""


def ahead(page: ConsolePage, contract: Contract) -> list[Ahead]:
    """Everything that will happen by itself. No query: terms and pauses are there."""
    state = standing(contract, page.at)
    if state == "proposed" and contract.answer_by is not None:
        return [Ahead(contract.answer_by, "clock", _("Lapses, unless it is answered before"))]
    if state not in LIVING:
        return []
    found = _roles(contract, page.at)
    for pause in contract.pauses.all():
        found += _pause(page, contract, pause)
    if contract.starts_at is not None and contract.starts_at > page.at:
        found.append(Ahead(contract.starts_at, "calendar", _("Starts")))
    if contract.ends_at is not None:
        note = _("set by %(by)s") % {"by": contract.ended_by} if contract.ended_by else ""
        found.append(Ahead(contract.ends_at, "stop", _("Ends"), note))
    return sorted(found, key=lambda one: one.at)


def _pause(page: ConsolePage, contract: Contract, pause: ContractPause) -> list[Ahead]:
    span, found = Span.of(pause.during), []
    said = _("planned by %(by)s") % {"by": pause.by_name}
    note = f"{said} · {pause.note}" if pause.note else said
    if span.is_future(page.at) and span.start is not None:
        mine = is_provider(contract, page.tenant) and page.can(f"{RESOURCES[contract.type]}:execute")
        url = address("contract-cancel-pause", page.slug, contract_id=contract.id, pause_id=pause.id)
        found.append(Ahead(span.start, "pause", _("Pauses"), note, url if mine else ""))
    if span.end is not None and span.end > page.at and not span.is_empty:
        found.append(Ahead(span.end, "play", _("Goes on after the pause")))
    return found


def _roles(contract: Contract, at: datetime) -> list[Ahead]:
    """Roles that amendments bring or take at a moment of their own."""
    come: dict[datetime, list[str]] = defaultdict(list)
    go: dict[datetime, list[str]] = defaultdict(list)
    for term in ever_agreed(contract.terms.all()):
        span = Span.of(term.during)
        name = f"{term.role.application}: {term.role.name}"
        if span.start is not None and span.start > at and span.start != contract.starts_at:
            come[span.start].append(name)
        if term.removed_at is not None and term.removed_at > at:
            go[term.removed_at].append(name)
    brought = [
        Ahead(
            moment,
            "plus",
            ngettext("A role is added", "Roles are added", len(names)),
            ", ".join(sorted(names)),
        )
        for moment, names in come.items()
    ]
    taken = [
        Ahead(
            moment,
            "minus",
            ngettext("A role is taken away", "Roles are taken away", len(names)),
            ", ".join(sorted(names)),
        )
        for moment, names in go.items()
    ]
    return brought + taken
