"""Each step through the action that its own door calls: none goes past a rule, its history or its events."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from time import monotonic
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction

from accesscontrol.actions import assignments, tenant_roles
from accesscontrol.configuration import shape
from accesscontrol.configuration.outcomes import Refused
from accesscontrol.configuration.state import Provided, State, read
from accesscontrol.configuration.steps import Step
from accesscontrol.configuration.superseded import supersedes
from accesscontrol.models import Assignment
from applications.actions import amendments, applications, contracts, manifests, superseding
from applications.actions.changes import Change
from applications.actions.drafts import Offer
from applications.models import Contract
from applications.policies import agreed_at, own_application
from iam_portal.decision import Decision
from iam_portal.errors import DomainError, Forbidden, NotFound
from iam_portal.gate import Actor, Permission
from tenants.actions import groups, mappers, memberships
from tenants.impact import ImpactBusy
from tenants.models import Membership, Tenant

Ask = Callable[[Permission], Decision]


@dataclass(slots=True)
class Carrier:
    """Carries steps out in one tenant; learns the ids of what it makes."""

    tenant: Tenant
    state: State
    by: Actor
    at: datetime
    groups: dict[str, UUID]
    until: float = math.inf  # by the monotonic clock

    def carry(self, steps: list[Step], ask: Ask) -> list[Refused]:
        """All of them, in order, each as a whole; what was refused, and nothing that would rest on it."""
        refused: list[Refused] = []
        broken: set[str] = set()
        for step in steps:
            if monotonic() > self.until:
                raise ImpactBusy("This takes too long to be done at once. Nothing was changed.")
            if step.needs & broken:
                broken.add(step.gives)
                continue
            try:
                _require(step, ask)
                with transaction.atomic():
                    ACTS[step.act](self, step)
            except (DomainError, ValidationError) as why:
                refused.append(Refused(step, why))
                broken.add(step.gives)
        return refused

    @property
    def given(self) -> dict[str, Any]:
        """What every action takes."""
        return {"tenant": self.tenant, "by": self.by, "at": self.at}

    def group(self, name: str) -> UUID:
        """The id of a group that is there, or was just made."""
        return self.groups[name.lower()]

    def member(self, group: str, one: shape.Member) -> dict[str, Any]:
        """What every action on a membership takes."""
        user_id = self.state.users[one.user.lower()][1]
        return {"group_id": self.group(group), "user_id": user_id, **self.given}

    def mapping(self, one: shape.ProviderMapping) -> dict[str, Any]:
        """What the actions that make one or change it take."""
        chosen = {name: getattr(one, name) for name in mappers.FIELDS}
        group_id = self.group(one.group) if one.group is not None else None
        provider = self.state.providers[one.provider]
        return {"provider": provider, "group_id": group_id, "chosen": chosen, **self.given}


class NeedsPermission(Forbidden):
    """What the step's own door asks for is not held. Recorded for all steps together."""


def _require(step: Step, ask: Ask) -> None:
    answers = {text: ask(Permission.parse(text)) for text in step.permissions}
    missing = [text for text, answer in answers.items() if not answer]
    if missing:
        reasons = tuple(reason for text in missing for reason in answers[text].reasons)
        raise NeedsPermission(f"This needs the permission {' and '.join(missing)}.", reasons=reasons)


def _register(of: Carrier, step: Step) -> None:
    one = step.wanted
    applications.register(owner=of.tenant, details=_details(one), application_id=one.id, by=of.by, at=of.at)


def _change(of: Carrier, step: Step) -> None:
    applications.change(application_id=step.wanted.id, details=_details(step.wanted), **of.given)


def _details(one: shape.Application) -> applications.Details:
    return applications.Details(
        name=one.name, display_name=one.display_name, description=one.description, home_url=one.home_url
    )


def _declare(of: Carrier, step: Step) -> None:
    """Tenants before the application, as at its own door."""
    given = {"tenant": of.tenant, "application_id": step.wanted.id}
    superseding.hold(own_application(**given), step.wanted.manifest, at=of.at)
    application = own_application(**given, lock=True)
    manifests.declare(application=application, manifest=step.wanted.manifest, by=of.by, at=of.at)
    if of.state.assignments and supersedes(step.wanted.manifest):  # what runs began anew, as other rows
        now = read(tenant=of.tenant, sections=["assignments"], types=[], at=of.at).assignments
        of.state = replace(of.state, assignments={**of.state.assignments, **now})


def _retire(of: Carrier, step: Step) -> None:
    applications.retire(application_id=step.wanted, **of.given)


def _offer(of: Carrier, step: Step) -> None:
    """Drafted and proposed: from now on the other side sees it."""
    one: shape.Contract = step.wanted
    offer = Offer(
        type=one.type,
        roles=sorted(one.roles),
        starts_at=one.starts_at,
        ends_at=one.ends_at,
        onward_access=one.onward_access,
        note=one.note,
    )
    consumer = of.state.partners[one.consumer]
    row = contracts.draft(provider=of.tenant, consumer_id=consumer.id, offer=offer, by=of.by, at=of.at)
    contracts.propose(contract_id=row.id, **of.given)


def _replace_offer(of: Carrier, step: Step) -> None:
    contracts.withdraw(contract_id=step.was.id, **of.given)
    _offer(of, step)


def _amend(of: Carrier, step: Step) -> None:
    """Compared once more: an earlier step may have taken a role from it already."""
    one: shape.Contract = step.wanted
    row = Contract.objects.get(id=step.was.id)
    rows = agreed_at(row.terms.select_related("role"), of.at)
    now = {(term.role.application_id, term.role.key) for term in rows}
    change = Change(
        add=sorted(one.roles - now),
        remove=sorted(now - one.roles),
        moves_end=one.ends_at != row.ends_at,
        ends_at=one.ends_at,
    )
    if change.add or change.remove or change.moves_end:
        amendments.amend(contract_id=row.id, change=change, **of.given)


def _end(of: Carrier, step: Step) -> None:
    was: Provided = step.was
    act = contracts.end if was.agreed else contracts.withdraw
    act(contract_id=was.id, **of.given)


def _create_group(of: Carrier, step: Step) -> None:
    one: shape.Group = step.wanted
    parent_id = of.group(one.parent) if one.parent else None
    made = groups.create(name=one.name, description=one.description, parent_id=parent_id, **of.given)
    of.groups[one.name.lower()] = made.id


def _rename_group(of: Carrier, step: Step) -> None:
    one: shape.Group = step.wanted
    groups.rename(group_id=of.group(one.name), name=one.name, description=one.description, **of.given)


def _move_group(of: Carrier, step: Step) -> None:
    one: shape.Group = step.wanted
    parent_id = of.group(one.parent) if one.parent else None
    groups.move(group_id=of.group(one.name), parent_id=parent_id, **of.given)


def _delete_group(of: Carrier, step: Step) -> None:
    groups.delete(group_id=of.group(step.wanted), **of.given)


def _add_member(of: Carrier, step: Step) -> None:
    group, one = step.wanted
    memberships.add(**of.member(group, one), starts_at=one.starts_at, ends_at=one.ends_at)


def _change_member(of: Carrier, step: Step) -> None:
    """Another end where only that is another; else what stands goes, and the other comes."""
    (group, was), (_, one) = step.was, step.wanted
    if was.starts_at == one.starts_at:
        memberships.set_end(**of.member(group, was), starts_at=was.starts_at, ends_at=one.ends_at)
    else:
        _remove_member(of, step)
        _add_member(of, step)


def _remove_member(of: Carrier, step: Step) -> None:
    group, was = step.was
    given = of.member(group, was)
    start = was.starts_at
    if start is None:  # only the one that runs: others of his may be planned
        rows = Membership.objects.at(of.at).filter(group=given["group_id"], user=given["user_id"])
        start = rows.values_list("during", flat=True).get().lower
    memberships.remove(**given, starts_at=start)


def _define(of: Carrier, step: Step) -> None:
    one: shape.Role = step.wanted
    definition = tenant_roles.Definition(
        key=one.key, name=one.name, description=one.description, permissions=sorted(one.permissions)
    )
    tenant_roles.define(definition=definition, **of.given)


def _delete_role(of: Carrier, step: Step) -> None:
    tenant_roles.delete(key=step.wanted, **of.given)


def _give(of: Carrier, step: Step) -> None:
    one: shape.Assignment = step.wanted
    wanted = assignments.Wanted(
        role=one.role,
        application_id=one.application_id,
        user_id=of.state.users[one.principal.lower()][1] if one.kind == "user" else None,
        group_id=of.group(one.principal) if one.kind == "group" else None,
        principal_application_id=one.principal if one.kind == "application" else None,
        contract_id=_contract(of, one),
        starts_at=one.starts_at,
        ends_at=one.ends_at,
    )
    assignments.assign(wanted=wanted, **of.given)


def _contract(of: Carrier, one: shape.Assignment) -> UUID | None:
    if one.provider is None:
        return None
    ways = of.state.received[one.provider, one.application_id or "", one.role]
    return UUID(one.contract_id or ways[0])


def _take(of: Carrier, step: Step) -> None:
    """Gone already where an earlier step ended its role."""
    assignment_id = of.state.assignments[step.was]
    try:
        assignments.withdraw(assignment_id=assignment_id, **of.given)
    except NotFound:
        if Assignment.objects.not_over(of.at).filter(tenant=of.tenant, id=assignment_id).exists():
            raise


def _replace(of: Carrier, step: Step) -> None:
    _take(of, step)
    _give(of, step)


def _create_mapping(of: Carrier, step: Step) -> None:
    mappers.create(**of.mapping(step.wanted))


def _change_mapping(of: Carrier, step: Step) -> None:
    mappers.change(mapper_id=step.was[1], **of.mapping(step.wanted))


def _delete_mapping(of: Carrier, step: Step) -> None:
    was, mapper_id = step.was
    mappers.delete(provider=of.state.providers[was.provider], mapper_id=mapper_id, **of.given)


ACTS: Mapping[str, Callable[[Carrier, Step], None]] = {
    "application.register": _register,
    "application.change": _change,
    "manifest.declare": _declare,
    "application.retire": _retire,
    "contract.offer": _offer,
    "contract.replace": _replace_offer,
    "contract.amend": _amend,
    "contract.end": _end,
    "group.create": _create_group,
    "group.rename": _rename_group,
    "group.move": _move_group,
    "group.delete": _delete_group,
    "member.add": _add_member,
    "member.change": _change_member,
    "member.remove": _remove_member,
    "role.define": _define,
    "role.delete": _delete_role,
    "assignment.give": _give,
    "assignment.replace": _replace,
    "assignment.take": _take,
    "mapping.create": _create_mapping,
    "mapping.change": _change_mapping,
    "mapping.delete": _delete_mapping,
}
