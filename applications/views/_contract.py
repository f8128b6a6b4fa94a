"""One contract, shaped for its page: title, facts, roles by application, time line."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Exists, Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from applications.availability import Answer
from applications.http import address
from applications.models import ApplicationRole, Contract, ContractTerm, ContractType
from applications.policies import agreed_at, ever_agreed
from applications.views._reasons import first_sentence
from applications.views._standing import is_provider, partner_of, standing, type_words
from iam_portal.spans import FOREVER, Span, joined
from tenants.models import Tenant
from tenants.models.lookups import among, of_outer


def with_terms(rows: QuerySet[Contract]) -> QuerySet[Contract]:
    """Contracts with what titles, states and time lines read: two queries more, however many there are."""
    return rows.prefetch_related("pauses", "terms__role__application")


def matching(q: str, tenant_id: UUID) -> Q:
    """By partner, application, role or note; or the whole id.

    Partners and roles are found once, then each contract is asked for them. Nothing here can be turned
    around: from a role that everybody has, terms of everybody would be read.
    """
    called = Tenant.objects.filter(name__icontains=q).order_by().values("pk")
    roles = ApplicationRole.objects.filter(
        Q(application__display_name__icontains=q) | Q(application__id__icontains=q) | Q(name__icontains=q)
    )
    carried = ContractTerm.objects.filter(of_outer("contract"), among("role", roles.order_by()))
    found = Q(note__icontains=q)
    found |= Q(provider_id=tenant_id, consumer__in=called)
    found |= Q(consumer_id=tenant_id, provider__in=called)
    found |= Q(Exists(roles)) & Q(Exists(carried))
    try:
        return found | Q(id=UUID(q))
    except ValueError:
        return found


def applications_of(contract: Contract) -> dict[str, str]:
    """Id → name of the shared applications, by name; without those that are, or will be, taken away."""
    terms = contract.terms.all()
    return _by_name(agreed_at(terms, FOREVER) or terms)


def _by_name(terms: Iterable[ContractTerm]) -> dict[str, str]:
    return _in_order({term.role.application_id: str(term.role.application) for term in terms})


def _in_order(names: Mapping[str, str]) -> dict[str, str]:
    return dict(sorted(names.items(), key=lambda item: (item[1].lower(), item[0])))


def said(applications: Mapping[str, str]) -> str:
    """``Fleet Planner and 2 more``, of names by id."""
    names = list(_in_order(applications).values())
    if not names:
        return _("Nothing")
    if len(names) == 1:
        return names[0]
    count = len(names) - 1
    return ngettext("%(first)s and %(count)d more", "%(first)s and %(count)d more", count) % {
        "first": names[0],
        "count": count,
    }


def title(contract: Contract, tenant: Tenant) -> str:
    """What is shared and with whom, seen from the tenant's side."""
    partner, provided = partner_of(contract, tenant).name, is_provider(contract, tenant)
    return worded(said(applications_of(contract)), partner, provided=provided)


def worded(what: str, partner: str, *, provided: bool) -> str:
    """The same of its parts."""
    names = {"what": what, "partner": partner}
    return _("%(what)s for %(partner)s") % names if provided else _("%(what)s from %(partner)s") % names


def facts(contract: Contract, tenant: Tenant) -> list[dict[str, Any]]:
    """What was offered or agreed."""
    mine = _("your organization")
    provision = contract.type == ContractType.PROVISION
    rows: list[dict[str, Any]] = [
        {
            "label": _("Provider"),
            "text": contract.provider.name,
            "note": mine if is_provider(contract, tenant) else "",
        },
        {
            "label": _("Consumer"),
            "text": contract.consumer.name,
            "note": "" if is_provider(contract, tenant) else mine,
        },
        {
            "label": _("Type"),
            "text": type_words(contract.type),
            "note": _("The consumer runs it for itself, with data of its own.")
            if provision
            else _("The consumer works on the provider's data."),
        },
        {"label": _("Starts"), **_moment(contract.starts_at, _("when it is accepted"))},
        {"label": _("Ends"), **_moment(contract.ends_at, _("no end agreed"))},
    ]
    if contract.ended_by:
        rows.append({"label": _("Ended by"), "text": contract.ended_by})
    if contract.answer_by and contract.answered_at is None:
        rows.append({"label": _("Answer by"), "at": contract.answer_by})
    if provision:
        onward = _("The consumer may open it to others") if contract.onward_access else _("Not allowed")
        rows.append({"label": _("Onward access"), "text": onward})
    if contract.note:
        rows.append({"label": _("Note"), "text": contract.note})
    return rows


def roles_by_application(
    contract: Contract, tenant: Tenant, slug: str, answers: Mapping[str, Answer], at: datetime
) -> list[dict[str, Any]]:
    """Each application with its roles, and whether the consumer holds it by this contract now."""
    roles: dict[str, dict[str, ContractTerm]] = defaultdict(dict)
    terms = agreed_at(contract.terms.all(), at)
    for term in terms:
        roles[term.role.application_id][term.role.key] = term
    accepted = standing(contract, at) in ("scheduled", "in_force", "paused")
    shown = []
    for application_id, name in _by_name(terms).items():
        answer = answers.get(application_id)
        application = next(iter(roles[application_id].values())).role.application
        known = tenant.id == application.owner_id or accepted
        row = {
            "name": name,
            "id": application_id,
            "url": address("application-detail", slug, application_id=application_id) if known else "",
            "roles": [
                _role(term, at) if accepted else {"role": term.role}
                for _key, term in sorted(roles[application_id].items())
            ],
        }
        if accepted and answer is not None:
            row["state"] = "available" if answer else "not_available"
            # Of a single application the chain above says it already.
            row["why"] = first_sentence(answer.decision) if len(roles) > 1 and not answer else ""
        shown.append(row)
    return shown


def _role(term: ContractTerm, at: datetime) -> dict[str, Any]:
    """A role, and when an amendment takes it away or brings it."""
    span = Span.of(term.during)
    return {"role": term.role, "until": term.removed_at, "since": span.start if span.is_future(at) else None}


def lanes(contract: Contract, at: datetime) -> list[dict[str, Any]]:
    """The time line: roles with the same agreed spans share a lane; pauses lie over them."""
    pauses = [Span.of(pause.during) for pause in contract.pauses.all()]
    state = standing(contract, at)
    groups: dict[tuple[Span, ...], list[str]] = defaultdict(list)
    spans: dict[tuple[str, str], list[Span]] = defaultdict(list)
    terms = ever_agreed(contract.terms.all())
    for term in terms:
        spans[term.role.application_id, term.role.key].append(_agreed(contract, term, state))
    spans = defaultdict(list, {key: joined(found) or found[:1] for key, found in spans.items()})
    for term in terms:
        names = groups[tuple(spans[term.role.application_id, term.role.key])]
        names += [term.role.name] if term.role.name not in names else []
    whole = len(groups) == 1
    return [
        {
            "label": _("All roles") if whole and len(names) > 1 else ", ".join(names[:3]),
            "note": ", ".join(names[3:6]) if not whole else "",
            "spans": [piece for span in agreed for piece in _pieces(span, pauses, state, at)],
        }
        for agreed, names in groups.items()
    ]


def _agreed(contract: Contract, term: ContractTerm, state: str) -> Span:
    """What a term says; of what was never agreed, what the offer says."""
    if state in ("draft", "proposed", "lapsed", "declined", "withdrawn"):
        return Span(contract.starts_at or contract.proposed_at or contract.created_at, contract.ends_at)
    return Span.of(term.during)


def _pieces(span: Span, pauses: list[Span], state: str, at: datetime) -> list[dict[str, Any]]:
    if state in ("draft", "proposed", "lapsed", "declined", "withdrawn"):
        return [{"during": span, "state": state}]
    held = [{"during": piece, "state": _held(piece, state, at)} for piece in span.minus(pauses)]
    stopped = [{"during": part, "state": "paused"} for pause in pauses for part in _within(pause, span)]
    return held + stopped


def _held(piece: Span, state: str, at: datetime) -> str:
    if piece.is_future(at):
        return "scheduled"
    return "ended" if state == "ended" else "in_force"


def _within(pause: Span, span: Span) -> list[Span]:
    """The part of the pause that lies in the span: the span without what is not paused."""
    return span.minus(span.minus([pause]))


def _moment(moment: datetime | None, otherwise: str) -> dict[str, Any]:
    return {"at": moment} if moment else {"text": otherwise}
