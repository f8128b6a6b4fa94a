"""What would have to change for a no to become a yes: the smallest list, over facts and a moment."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from accesscontrol.decide.access import Question
from accesscontrol.decide.ground import own_way
from applications.availability import Answer, available, granted
from iam_portal.sentences import said

# Which change mends a broken link of availability. A link that is not here needs a contract.
_MENDS = {
    "contract_paused": ("contract_resumed", said("The contract would have to be resumed.")),
    "contract_not_started": ("contract_started", said("The contract would have to begin.")),
    "application_suspended": (
        "suspension_lifted",
        said("The suspension of the application would have to end."),
    ),
    "application_retired": ("application_operating", said("The application would have to be in operation.")),
    "owner_suspended": (
        "suspension_lifted",
        said("The suspension of the application's owner would have to end."),
    ),
    "tenant_suspended": ("suspension_lifted", said("The suspension of the organization would have to end.")),
    "provider_lost_role": (
        "provider_regains_role",
        said("The provider would have to hold the role itself again."),
    ),
}
_CONTRACT = ("contract_accepted", said("A contract that shares the application would have to be accepted."))


@dataclass(frozen=True, slots=True)
class Need:
    """One change. All of a list are needed; of ``roles``, one is enough."""

    code: str
    text: str
    roles: tuple[str, ...] = ()
    application_id: str | None = None
    contract_id: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The wire form: empty members left out."""
        found: dict[str, Any] = {"code": self.code, "text": self.text}
        if self.application_id is not None:
            found["applicationId"] = self.application_id
        if self.contract_id is not None:
            found["contractId"] = self.contract_id
        if self.roles:
            found["roles"] = list(self.roles)
        return found


def would_need(question: Question, *, at: datetime) -> tuple[Need, ...]:
    """The changes that make the answer a yes, in the order in which they are made."""
    found: list[Need] = []
    if not any(span.covers(at) for span in question.principal.active):
        found.append(Need("principal_active", said("The user or group would have to be active.")))
    if not question.lineage:
        return (
            *found,
            Need("resource_declared", said("The application would have to declare the resource.")),
        )
    holding = _holding(question, at)
    if not holding and (own := _on_own(question, at)):
        return (*found, *own)
    if not holding:
        text = said("A role of the application would have to hold this permission.")
        return (*found, Need("permission_declared", text, application_id=question.application_id))
    if question.caller is not None:
        found += _caller(question, at)
    return (
        (*found, *_own(question, holding, at))
        if question.is_own
        else (*found, *_by_access(question, holding, at))
    )


def _holding(question: Question, at: datetime) -> tuple[str, ...]:
    """Roles of the application that are or were declared with the permission, now living."""
    return tuple(sorted(key for key in question.sharing.application.roles if question.holds(key, at)))


def _on_own(question: Question, at: datetime) -> list[Need]:
    """A resource of the tenant's own: any of the tenant's roles may hold what it offers."""
    asked = question.lineage[0]
    if not question.is_own or question.privilege not in asked.offered:
        return []
    if not any(resource.dynamic for resource in question.lineage):
        return []
    found = list(_caller(question, at)) if question.caller is not None else []
    here = available(question.sharing, tenant_id=question.tenant_id, at=at)
    if not own_way(here):
        return [*found, _mend(here, question.application_id)]
    keys = question.made(at)
    if not keys:
        text = said("A role of the organization would have to hold this permission.")
        found.append(Need("role_defined", text, application_id=question.application_id))
    elif not any(_given(question, key, at) for key in keys):
        found.append(Need("role_assigned", said("One of these roles would have to be assigned."), keys))
    return found


def _given(question: Question, key: str, at: datetime) -> bool:
    return any(
        assignment.tenant_role == key and all(span.covers(at) for span in assignment.spans)
        for assignment in question.principal.assignments
    )


def _caller(question: Question, at: datetime) -> Iterable[Need]:
    """A service needs to be in the tenant itself; by access contract, at home."""
    assert question.caller is not None
    here = available(question.caller, tenant_id=question.tenant_id, at=at)
    if own_way(here) or (here and not question.is_own):
        return ()
    return (_mend(here, question.caller.application.id, "caller_available"),)


def _own(question: Question, holding: tuple[str, ...], at: datetime) -> list[Need]:
    tenant_id = question.tenant_id
    granted_here = [
        key for key in holding if own_way(granted(question.sharing, role=key, tenant_id=tenant_id, at=at))
    ]
    found: list[Need] = []
    if not granted_here:
        found.append(_shared(question, holding, at))
    wanted = tuple(granted_here) or holding
    if not _assigned(question, wanted, None, at):
        found.append(_assign(question, wanted, None))
    return found


def _shared(question: Question, holding: tuple[str, ...], at: datetime) -> Need:
    here = available(question.sharing, tenant_id=question.tenant_id, at=at)
    if own_way(here):
        text = said("One of these roles would have to be part of a contract.")
        return Need("role_shared", text, holding, question.application_id)
    return _mend(here, question.application_id)


def _by_access(question: Question, holding: tuple[str, ...], at: datetime) -> list[Need]:
    """Data of another tenant: an access contract of it, and a role assigned under that contract."""
    broken: Need | None = None
    for contract in question.sharing.contracts:
        if (contract.type, contract.provider_id, contract.consumer_id) != (
            "access",
            question.owning_tenant_id,
            question.tenant_id,
        ):
            continue
        answers = {
            key: granted(question.sharing, role=key, tenant_id=question.tenant_id, at=at) for key in holding
        }
        held = tuple(
            key
            for key, answer in answers.items()
            if any(way.contract_id == contract.id for way in answer.holding)
            and question.holds(key, at, contract_id=contract.id)
        )
        if held:
            return (
                [] if _assigned(question, held, contract.id, at) else [_assign(question, held, contract.id)]
            )
        codes = [
            way.decision.reasons[0].code
            for answer in answers.values()
            for way in answer.ways
            if way.contract_id == contract.id and not way.decision
        ]
        code = next((code for code in codes if code in _MENDS), "")
        broken = broken or (Need(*_MENDS[code], contract_id=contract.id) if code else None)
    text = said("An access contract of that organization for one of these roles would have to be accepted.")
    return [broken or Need("access_contract_accepted", text, holding, question.application_id)] + (
        []
        if broken is not None and _assigned(question, holding, broken.contract_id, at)
        else [_assign(question, holding, broken.contract_id if broken else None)]
    )


def _assigned(question: Question, keys: tuple[str, ...], contract_id: str | None, at: datetime) -> bool:
    return any(
        assignment.application_role in keys
        and assignment.contract_id == contract_id
        and all(span.covers(at) for span in assignment.spans)
        for assignment in question.principal.assignments
    )


def _assign(question: Question, keys: tuple[str, ...], contract_id: str | None) -> Need:
    text = said("One of these roles would have to be assigned.")
    return Need("role_assigned", text, keys, question.application_id, contract_id)


def _mend(answer: Answer, application_id: str, code: str = "") -> Need:
    reason = answer.decision.reasons[0] if not answer and answer.decision.reasons else None
    known, text = _MENDS.get(reason.code if reason else "", _CONTRACT)
    contract_id = reason.contract_id if reason is not None and known != _CONTRACT[0] else None
    if code:
        text = said("The calling application would have to be available. %(change)s", {"change": text})
    return Need(code or known, text, (), application_id, contract_id)
