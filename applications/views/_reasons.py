"""Chains of reasons with links, and the sentence of a contract's state."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from applications import facts as load
from applications.availability import Answer, SharingFacts, granted
from applications.http import address
from applications.models import Contract
from applications.views._standing import is_provider, standing
from iam_portal.decision import Decision, Reason
from iam_portal.sentences import Said, said
from iam_portal.spans import earliest
from tenants.models import Tenant

_SHORT = {
    "draft": gettext_lazy("Not offered yet."),
    "proposed": gettext_lazy("Not agreed yet."),
    "declined": gettext_lazy("Not agreed."),
    "withdrawn": gettext_lazy("Not agreed."),
    "lapsed": gettext_lazy("Not agreed in time."),
}


def why(decision: Decision, slug: str) -> dict[str, Any]:
    """A Decision as ``_why.html`` prints it: each link of the chain leads to what it speaks of."""
    return {
        "allowed": decision.allowed,
        "code": decision.code,
        "reasons": [
            {"code": reason.code, "text": reason.text, "at": reason.at, "url": _target(reason, slug)}
            for reason in decision.reasons
        ],
    }


def first_sentence(decision: Decision) -> str:
    """The reason that a list shows."""
    return decision.reasons[0].text if decision.reasons else ""


def holding(contract: Contract, reader: Tenant, at: datetime) -> dict[str, Answer]:
    """For each application of an accepted contract: does the consumer hold it by this contract, and why.

    The sentences name the other side of who reads them. Other contracts of the consumer are left out:
    they are no affair of the provider.
    """
    ids = {term.role.application_id for term in contract.terms.all()}
    known = load.sharing(ids, tenant_ids=[contract.consumer_id])
    consumer = str(contract.consumer_id)
    return {
        application_id: _told(
            granted(_by_this(facts, contract), role=None, tenant_id=consumer, at=at), contract, reader
        )
        for application_id, facts in known.items()
    }


def _told(answer: Answer, contract: Contract, reader: Tenant) -> Answer:
    """The rules speak from the consumer's side: to the provider, the contract is with the consumer."""
    if not is_provider(contract, reader):
        return answer
    reasons = tuple(
        replace(reason, text=_with(contract.consumer.name, reason.text))
        if reason.contract_id == str(contract.id)
        else reason
        for reason in answer.decision.reasons
    )
    return replace(answer, decision=replace(answer.decision, reasons=reasons))


def _with(partner: str, text: str) -> str:
    if isinstance(text, Said) and "partner" in (text.parts or {}):
        return said(text.pattern, {**(text.parts or {}), "partner": partner})
    return text


def of_contract(
    contract: Contract, reader: Tenant, answers: Iterable[Answer], at: datetime
) -> tuple[str | Promise, Decision]:
    """The sentence of the contract's state, and the chain under it; the reader's own side is not named."""
    state = standing(contract, at)
    if state in ("scheduled", "in_force", "paused", "ended"):
        return _accepted(contract, reader, state, list(answers))
    text, moment = _before_agreement(contract, reader, state)
    return _SHORT[state], Decision.no(Reason(f"contract_{state}", text, at=moment))


def _accepted(contract: Contract, reader: Tenant, state: str, answers: list[Answer]) -> tuple[str, Decision]:
    """What holds stands first in the chain, then what does not, each reason once."""
    ordered = sorted(answers, key=lambda answer: not answer)
    reasons = tuple(dict.fromkeys(reason for answer in ordered for reason in answer.decision.reasons))
    held = sum(map(bool, answers))
    name = {"consumer": contract.consumer.name if is_provider(contract, reader) else _("your organization")}
    if state != "in_force":
        return _stopped(state) % name, Decision.no(*reasons)
    if held == len(answers) > 0:
        return _("In force: %(consumer)s holds the roles of this contract.") % name, Decision.yes(*reasons)
    if held:
        said = _("In force, but not everything in it is available to %(consumer)s now.")
        return said % name, Decision.yes(*reasons)
    return _("In force, but nothing in it is available to %(consumer)s now.") % name, Decision.no(*reasons)


def _stopped(state: str) -> str:
    return {
        "scheduled": _("Agreed, and not begun yet: until it starts, %(consumer)s holds nothing by it."),
        "paused": _("Paused: %(consumer)s holds nothing by this contract until it is resumed."),
        "ended": _("Ended: %(consumer)s holds nothing by this contract any more."),
    }[state]


def _before_agreement(contract: Contract, reader: Tenant, state: str) -> tuple[str, datetime | None]:
    own = is_provider(contract, reader)
    names = {
        "provider": _("Your organization") if own else contract.provider.name,
        "consumer": contract.consumer.name if own else _("Your organization"),
    }
    sentences: dict[str, tuple[str, datetime | None]] = {
        "draft": (_("A draft: only your organization can see it."), contract.created_at),
        "proposed": (_("%(consumer)s has not answered yet.") % names, contract.proposed_at),
        "declined": (_("%(consumer)s declined the proposal.") % names, contract.answered_at),
        "withdrawn": (_("%(provider)s withdrew it.") % names, contract.answered_at),
        "lapsed": (
            _("The offer has lapsed: it was not accepted by its date."),
            earliest(contract.answer_by, contract.ends_at),
        ),
    }
    return sentences[state]


def _by_this(facts: SharingFacts, contract: Contract) -> SharingFacts:
    this, provider = str(contract.id), str(contract.provider_id)
    kept = tuple(fact for fact in facts.contracts if fact.id == this or fact.consumer_id == provider)
    return replace(facts, contracts=kept)


def _target(reason: Reason, slug: str) -> str:
    if reason.contract_id:
        return address("contract-detail", slug, contract_id=reason.contract_id)
    return ""
