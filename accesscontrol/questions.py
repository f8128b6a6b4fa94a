"""Questions of a tenant about its people, groups and services: facts, and the pure answer over them.

What other tenants gave or agreed is never told here beyond what a contract says to both of its sides.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from accesscontrol import facts as load
from accesscontrol import gate
from accesscontrol import reasons as say
from accesscontrol.decide import (
    DEEPEST,
    Amount,
    HeldRole,
    Need,
    Protected,
    Question,
    effective_roles,
    may_call,
    may_do,
    would_need,
)
from accesscontrol.models import Assignment
from applications import facts as sharing_facts
from applications.availability import SharingFacts
from applications.models import Application
from applications.models.applications import PORTAL_ID
from applications.reasons import no_contract
from iam_portal.decision import Decision
from iam_portal.errors import Invalid, NotFound
from iam_portal.sentences import said
from iam_portal.walls import tenant_scope
from tenants.models import Group, Tenant, User

# The resource, and outwards what contains it at the moment. A tenant's own never stands in for a static one
# of its name.
_LINEAGE = """
WITH RECURSIVE line(type, key, name, dynamic, privileges, parent_id, depth) AS (
    (SELECT r.type, r.key, r.name, r.owner_tenant_id IS NOT NULL, p.privileges, p.parent_id, 0
     FROM applications_resource r
     JOIN applications_resourceplace p ON p.resource_id = r.id AND p.during @> %(at)s
     WHERE r.application_id = %(application)s AND r.type = %(type)s AND r.key = %(key)s
        AND r.during @> %(at)s AND (r.owner_tenant_id IS NULL OR r.owner_tenant_id = %(owner)s)
     ORDER BY r.owner_tenant_id NULLS FIRST LIMIT 1)
    UNION ALL
    SELECT r.type, r.key, r.name, r.owner_tenant_id IS NOT NULL, p.privileges, p.parent_id, line.depth + 1
    FROM line
    JOIN applications_resource r ON r.id = line.parent_id AND r.during @> %(at)s
    JOIN applications_resourceplace p ON p.resource_id = r.id AND p.during @> %(at)s
    WHERE line.depth + 1 < %(deepest)s
)
SELECT type, key, name, dynamic, privileges FROM line ORDER BY depth
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question as it was put. ``owning_tenant_id`` says in whose data; the tenant's own when left out."""

    tenant: Tenant
    principal: load.Principal
    application_id: str
    type: str
    key: str
    privilege: str
    owning_tenant_id: UUID | None = None

    @property
    def owner_id(self) -> str:
        """Whose data it is about."""
        return str(self.owning_tenant_id or self.tenant.id)

    @property
    def is_own(self) -> bool:
        """Whether that is the asking tenant."""
        return self.owner_id == str(self.tenant.id)


@dataclass(frozen=True, slots=True)
class Told:
    """The decision, and for a no what would have to change. Nothing listed: nothing could."""

    decision: Decision
    needs: tuple[Need, ...] = ()


def answer(asked: Asked, *, at: datetime) -> Told:
    """NotFound for a principal that is not the tenant's. Runs in the tenant's scope.

    An application that the tenant has nothing to do with is answered like one that does not exist.
    """
    tenant_id, service = str(asked.tenant.id), asked.principal.application_id
    wanted = {asked.application_id, *([service] if service is not None else [])}
    known = sharing_facts.sharing(wanted, tenant_ids=[tenant_id])
    caller = _visible(asked, known)
    sharing = known.get(asked.application_id)
    if sharing is None or not sharing_facts.concerns(sharing, tenant_id=tenant_id):
        application_id = asked.application_id
        reason = no_contract(application_id, application_id, asked.tenant.name, tenant_id)
        text = "A contract that shares the application would have to be accepted."
        return Told(Decision.no(reason), (Need("contract_accepted", text, (), application_id),))
    if caller is None:
        return _of_people(asked, sharing, at)
    if caller.id == asked.application_id:
        return Told(Decision.no(say.self_audience(caller.id)))
    if asked.is_own:
        return _of_service_here(asked, caller, known, at)
    if caller.owner_id != asked.tenant.id:
        raise Invalid("In another organization's data, ask about your own applications.")
    return _of_service_elsewhere(asked, caller, sharing, at)


def _visible(asked: Asked, known: Mapping[str, SharingFacts]) -> Application | None:
    """The application behind a service; NotFound for whoever is not this tenant's to ask about."""
    who, tenant = asked.principal, asked.tenant
    if who.user_id is not None:
        known = User.objects.filter(tenant=tenant, id=who.user_id).exists()
    elif who.group_id is not None:
        known = Group.objects.filter(tenant=tenant, id=who.group_id).exists()
    else:
        return _service(asked, known)
    if not known:
        raise NotFound
    return None


def _service(asked: Asked, known: Mapping[str, SharingFacts]) -> Application:
    found = Application.objects.filter(id=asked.principal.application_id).first()
    if found is None or not _concerns(found, known.get(found.id), asked.tenant):
        raise NotFound
    return found


def _concerns(application: Application, sharing: SharingFacts | None, tenant: Tenant) -> bool:
    """Whether it is, or ever was, an application of the tenant, or one that something was given to there."""
    if application.owner_id == tenant.id:
        return True
    if sharing is not None and sharing_facts.concerns(sharing, tenant_id=str(tenant.id)):
        return True
    return Assignment.objects.filter(tenant=tenant, application=application).exists()


def _of_people(asked: Asked, sharing: SharingFacts, at: datetime) -> Told:
    tenant_id = str(asked.tenant.id)
    principal = load.principal(asked.principal, application_ids=[asked.application_id])[asked.application_id]
    book = load.books([asked.application_id], tenant_id=tenant_id)[asked.application_id]
    roles = effective_roles(principal, sharing, book, at=at)
    question = Question(
        tenant_id=tenant_id,
        owning_tenant_id=asked.owner_id,
        privilege=asked.privilege,
        lineage=_lineage(asked, roles.held, at),
        sharing=sharing,
        book=book,
        principal=principal,
    )
    decision = may_do(question, roles.held, roles.refusals, at=at)
    if not decision and _is_own_account(asked, question, at):
        decision = Decision.yes(say.own_account(asked.application_id))
    return Told(decision, () if decision else would_need(question, at=at))


def _is_own_account(asked: Asked, question: Question, at: datetime) -> bool:
    """At the portal itself, as its gate has it."""
    if asked.application_id != PORTAL_ID or asked.principal.user_id is None or not asked.is_own:
        return False
    free = gate.own_account(question.principal, question.sharing, at)
    return question.gives(Amount(frozenset(free))) is not None


def _of_service_here(
    asked: Asked, caller: Application, known: Mapping[str, SharingFacts], at: datetime
) -> Told:
    """On the tenant's own data: an application of its own, or of another tenant."""
    tenant_id = str(asked.tenant.id)
    # What is known is of this tenant: for an application of another one that one's contracts count, too.
    sharing = known if str(caller.owner_id) == tenant_id else None
    facts = load.calls(
        caller=caller, target_ids=[asked.application_id], tenant_id=tenant_id, sharing=sharing
    )[asked.application_id]
    call = may_call(facts, at=at)
    roles = call.roles if facts.home_id == tenant_id else tuple(map(_given_elsewhere, call.roles))
    question = Question(
        tenant_id=tenant_id,
        owning_tenant_id=tenant_id,
        privilege=asked.privilege,
        lineage=_lineage(asked, roles, at),
        sharing=facts.target,
        book=load.books([asked.application_id], tenant_id=tenant_id)[asked.application_id],
        principal=facts.local,
        caller=facts.caller,
    )
    decision = may_do(question, roles, () if call else call.decision.reasons, at=at)
    return Told(decision, () if decision else would_need(question, at=at))


def _of_service_elsewhere(asked: Asked, caller: Application, sharing: SharingFacts, at: datetime) -> Told:
    """The tenant's own application on the data of another one, which tells of its own rows only the yes."""
    facts = load.calls(caller=caller, target_ids=[asked.application_id], tenant_id=asked.owner_id)[
        asked.application_id
    ]
    call = may_call(facts, at=at)
    roles = tuple(role if role.contract_id else _given_there(role) for role in call.roles)
    with tenant_scope(asked.owner_id):
        book = load.books([asked.application_id], tenant_id=asked.owner_id)[asked.application_id]
    question = Question(
        tenant_id=str(asked.tenant.id),
        owning_tenant_id=asked.owner_id,
        privilege=asked.privilege,
        lineage=_lineage(asked, roles, at),
        sharing=facts.target,
        book=book,
        principal=facts.at_home,
        caller=facts.caller,
    )
    decision = may_do(question, roles, (), at=at)
    if decision:
        return Told(decision)
    # What is told of a no is the tenant's own side of it.
    book = load.books([asked.application_id], tenant_id=asked.tenant.id)[asked.application_id]
    mine = effective_roles(facts.at_home, sharing, book, at=at)
    at_home = facts.caller.about(question.tenant_id)
    question = replace(question, sharing=sharing, book=book, caller=at_home)
    return Told(
        may_do(question, mine.held if call else (), mine.refusals, at=at), would_need(question, at=at)
    )


def _given_elsewhere(role: HeldRole) -> HeldRole:
    """Held at the caller's home by access contract: who assigned it there is not this tenant's to know."""
    if role.contract_id is None:
        return role
    assigned, *chain = role.reasons
    text = said("The organization that owns the application gave it the role %(role)s.", {"role": role.key})
    return replace(role, reasons=(replace(assigned, text=text, at=None), *chain))


def _given_there(role: HeldRole) -> HeldRole:
    said = say.assigned_there(role.key, role.reasons[0].application_id or "", role.scope_tenant_id)
    return replace(role, reasons=(said,))


def _lineage(asked: Asked, held: Iterable[HeldRole], at: datetime) -> tuple[Protected, ...]:
    """Another tenant's own resources are looked at only for who holds a role on its data."""
    open_to = any(role.scope_tenant_id == asked.owner_id for role in held)
    values: dict[str, Any] = {
        "application": asked.application_id,
        "type": asked.type,
        "key": asked.key,
        "owner": asked.owner_id,
        "at": at,
        "deepest": DEEPEST,
    }
    with tenant_scope(asked.owner_id if open_to else asked.tenant.id), connection.cursor() as cursor:
        cursor.execute(_LINEAGE, values)
        return tuple(
            Protected(kind, key, name, dynamic, frozenset(offered))
            for kind, key, name, dynamic, offered in cursor.fetchall()
        )
