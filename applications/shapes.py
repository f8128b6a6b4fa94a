"""The wire form of rows and answers, used by REST and by pages alike."""

from datetime import datetime
from typing import Any

from applications import reasons as say
from applications.actions import open_amendments
from applications.availability import SharingFacts, available
from applications.models import (
    Amendment,
    AmendmentState,
    ApplicationRole,
    Contract,
    ContractState,
    Webhook,
    WebhookDelivery,
    WebhookSecret,
)
from applications.policies import ever_agreed
from applications.streams import event, event_for_application
from applications.turns import turns
from iam_portal.decision import rfc3339
from iam_portal.spans import BEGINNING, Span, joined

__all__ = [
    "availability",
    "contract",
    "delivery",
    "event",
    "event_for_application",
    "phase",
    "state",
    "unknown_availability",
    "webhook",
    "webhook_secret",
]


def availability(facts: SharingFacts, *, tenant_id: str, at: datetime) -> dict[str, Any]:
    """The answer to "is it available there, and why", with the spell it stands in and the next change."""
    answer = available(facts, tenant_id=tenant_id, at=at)
    changes = turns(facts, tenant_id=tenant_id)
    past = [turn for turn in changes if turn.at <= at]
    ahead = [turn for turn in changes if turn.at > at]
    return {
        "applicationId": facts.application.id,
        "tenantId": tenant_id,
        "at": rfc3339(at),
        "available": bool(answer),
        "relation": answer.relation,
        "since": rfc3339(past[-1].at) if past else None,
        "until": rfc3339(ahead[0].at) if ahead else None,
        "nextChange": {"at": rfc3339(ahead[0].at), "available": ahead[0].available} if ahead else None,
        "reasons": [reason.as_json() for reason in answer.decision.reasons],
    }


def state(contract: Contract, at: datetime) -> str:
    """The state people speak of: ended and lapsed are computed from dates."""
    over = contract.ends_at is not None and contract.ends_at <= at
    if contract.state == ContractState.ACCEPTED:
        return "ended" if over else "accepted"
    if contract.state == ContractState.PROPOSED:
        unanswered = contract.answer_by is not None and contract.answer_by <= at
        return "lapsed" if over or unanswered else "proposed"
    return contract.state


def phase(contract: Contract, at: datetime) -> str:
    """For an accepted contract: ``scheduled``, ``in_force``, ``paused`` or ``ended``; else its state."""
    found = state(contract, at)
    if found != "accepted":
        return found
    if contract.starts_at is not None and at < contract.starts_at:
        return "scheduled"
    paused = any(_covers(pause.during, at) for pause in contract.pauses.all())
    return "paused" if paused else "in_force"


def contract(row: Contract, *, at: datetime) -> dict[str, Any]:
    """A contract; terms with roles, pauses and amendments are to be prefetched."""
    terms = agreed_roles(row)
    agreed = row.state == ContractState.ACCEPTED
    offered = {"startsAt": rfc3339(row.starts_at), "endsAt": rfc3339(row.ends_at)}
    return {
        "contractId": str(row.id),
        "type": row.type,
        "provider": {"tenantId": str(row.provider_id), "name": row.provider.name},
        "consumer": {"tenantId": str(row.consumer_id), "name": row.consumer.name},
        "state": state(row, at),
        "inForce": phase(row, at) == "in_force",
        "startsAt": rfc3339(row.starts_at),
        "endsAt": rfc3339(row.ends_at),
        "answerBy": rfc3339(row.answer_by),
        "pauses": [
            {"pauseId": pause.id, **_span(pause.during)}
            for pause in sorted(row.pauses.all(), key=lambda pause: pause.id)
            if not pause.during.isempty
        ],
        "roles": [
            {
                "applicationId": role.application_id,
                "role": role.key,
                "name": role.name,
                **(_bounds(span) if agreed else offered),
            }
            for role, spans in terms
            for span in spans
        ],
        "onwardAccess": row.onward_access,
        "note": row.note,
        "amendments": {"open": sum(1 for one in row.amendments.all() if waits(row, one, at))},
        "rolesToConfirm": getattr(row, "to_confirm", None),  # of rows from ``rolechanges.counted``
        "revision": f"r-{row.revision}",
    }


def waits(row: Contract, one: Amendment, at: datetime) -> bool:
    """Whether the contract's amendment can still be answered."""
    one.contract = row
    return open_amendments.state(one, at) == AmendmentState.PROPOSED


def agreed_roles(row: Contract) -> list[tuple[ApplicationRole, list[Span]]]:
    """The roles of a contract with their agreed spans. A confirmation between two spans is no break."""
    found: dict[ApplicationRole, list[Span]] = {}
    for term in sorted(
        ever_agreed(row.terms.all()),
        key=lambda term: (term.role.application_id, term.role.key, term.id),
    ):
        found.setdefault(term.role, []).append(Span.of(term.during))
    return [
        (role, joined(spans) or [Span(BEGINNING, BEGINNING)])  # agreed, and ended before it began
        for role, spans in found.items()
    ]


def webhook(row: Webhook, *, at: datetime) -> dict[str, Any]:
    """A subscription without anything secret."""
    living = [secret for secret in row.secrets.all() if _covers(secret.during, at)]
    return {
        "webhookId": str(row.id),
        "form": row.form,
        "url": row.shown_url,
        "types": row.types,
        "applicationId": row.application_id,
        "note": row.note,
        "state": row.state,
        "pausedBecause": row.paused_because or None,
        "position": row.position,
        "attempts": row.attempts,
        "failingSince": rfc3339(row.failing_since),
        "nextAttemptAt": rfc3339(row.next_attempt_at),
        "createdAt": rfc3339(row.created_at),
        "createdBy": row.created_by,
        "secrets": [webhook_secret(s) for s in sorted(living, key=lambda s: s.during.lower)],
        "revision": f"r-{row.revision}",
    }


def webhook_secret(row: WebhookSecret) -> dict[str, Any]:
    """A signing secret without its value."""
    return {
        "secretId": str(row.id),
        "hint": row.hint,
        "createdAt": rfc3339(row.during.lower),
        "endsAt": rfc3339(row.during.upper),
    }


def delivery(row: WebhookDelivery) -> dict[str, Any]:
    """One attempt to deliver."""
    return {
        "deliveryId": row.id,
        "eventId": str(row.event_id),
        "eventType": row.event_type,
        "position": row.event_position,
        "attempt": row.attempt,
        "byHand": row.by_hand,
        "at": rfc3339(row.at),
        "milliseconds": row.milliseconds,
        "outcome": row.outcome,
        "status": row.status,
        "error": row.error,
    }


def _span(during: Any) -> dict[str, str | None]:
    if during.isempty:
        return {"startsAt": None, "endsAt": None}
    return {"startsAt": rfc3339(during.lower), "endsAt": rfc3339(during.upper)}


def _bounds(span: Span) -> dict[str, str | None]:
    if span.is_empty:
        return {"startsAt": None, "endsAt": None}
    return {"startsAt": rfc3339(span.start), "endsAt": rfc3339(span.end)}


def _covers(during: Any, at: datetime) -> bool:
    return not during.isempty and during.lower <= at and (during.upper is None or at < during.upper)


def unknown_availability(application_id: str, *, tenant_id: str, tenant: str, at: datetime) -> dict[str, Any]:
    """No contract: alike for an application of strangers and for one that does not exist."""
    reason = say.no_contract(application_id, application_id, tenant, tenant_id)
    return {
        "applicationId": application_id,
        "tenantId": tenant_id,
        "at": rfc3339(at),
        "available": False,
        "relation": None,
        "since": None,
        "until": None,
        "nextChange": None,
        "reasons": [reason.as_json()],
    }
