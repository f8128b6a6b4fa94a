"""The roles that can be given in a tenant, grouped by application, each with what stands in its way."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Case, F, Q, When
from django.utils.translation import gettext as _

from accesscontrol import gate
from accesscontrol.decide import Permission, may_grant
from accesscontrol.models import TenantRole, TenantRolePermission
from accesscontrol.portal_roles import permissions_of
from applications import facts as sharing_facts
from applications.availability import ContractFact, SharingFacts, granted
from applications.models import Application, ApplicationRole, ContractTerm, Resource
from applications.models.applications import PORTAL_ID
from applications.views import role_words
from iam_portal.decision import Decision
from iam_portal.gate import Actor, Answers
from iam_portal.translating import translated
from tenants.models import Tenant

SEPARATOR = "|"  # in no id, key or UUID
DRAWN = 15  # applications, and own roles, while nothing is searched for


class Choice(NamedTuple):
    """One role. ``value`` is what the form sends; ``note`` says when it counts; refused, it is off.

    ``key`` is empty where the name says the same.
    """

    value: str
    name: str
    key: str
    description: str
    note: str
    decision: Decision


class RoleGroup(NamedTuple):
    """The roles of one application, by one way."""

    title: str
    note: str
    choices: list[Choice]


@dataclass(frozen=True, slots=True)
class Granting:
    """What the actor may hand out; asked once for all roles."""

    holds: set[Permission]
    everything: bool = False

    @classmethod
    def of(cls, actor: Actor, *, tenant: Tenant, at: datetime, read: Answers) -> "Granting":
        """``read``: what the request has read of him already; the action asks anew."""
        held = gate.held_of(read, actor=actor, tenant_id=tenant.pk, at=at)
        return cls(held, actor.kind == "system")

    def of_role(self, asked: Iterable[Permission], *, foreign: bool) -> Decision:
        manager = (gate.RESOURCE_TYPE, "Roles", "modify") in self.holds
        return may_grant(asked=asked, foreign=foreign, holds=self.holds, access_manager=manager)


class Offer(NamedTuple):
    """What is shown of the roles; and of how many applications and own roles, where it is not of all."""

    groups: list[RoleGroup]
    applications: int = 0
    own: int = 0


def offered(
    *, tenant: Tenant, actor: Actor, at: datetime, read: Answers, wanted: str = ""
) -> list[RoleGroup]:
    """Every role that can be assigned here, own ones first, then the portal's. A fixed number of queries.

    ``wanted`` is a part of an application's name or of a role's.
    """
    granting = Granting.of(actor, tenant=tenant, at=at, read=read)
    groups = [
        *_own_roles(tenant, granting, _roles_of(tenant, at), at),
        *_of_applications(_candidates(tenant, at), tenant, granting, at),
    ]
    return _matching(groups, wanted)


def first(*, tenant: Tenant, actor: Actor, at: datetime, read: Answers, picked: str = "") -> Offer:
    """The first of them by name, the portal's, and whatever was picked before. As many queries."""
    granting = Granting.of(actor, tenant=tenant, at=at, read=read)
    of, key = (*picked.split(SEPARATOR), "")[:2]
    ids, roles = _candidates(tenant, at), _roles_of(tenant, at)
    names = Application.objects.filter(pk__in=ids).exclude(pk=PORTAL_ID).order_by("display_name", "id")
    named = list(names.values_list("id", flat=True))
    few, own = named[:DRAWN], roles[:DRAWN]
    shown = {PORTAL_ID, *few, *(ids & {of})}
    own += [role for role in roles[DRAWN:] if (of, role.key) == ("", key)]
    groups = [*_own_roles(tenant, granting, own, at), *_of_applications(shown, tenant, granting, at)]
    return Offer(
        groups,
        len(named) if len(few) < len(named) else 0,
        len(roles) if len(own) < len(roles) else 0,
    )


def _of_applications(ids: set[str], tenant: Tenant, granting: Granting, at: datetime) -> list[RoleGroup]:
    sharing = sharing_facts.sharing(ids, tenant_ids=[tenant.pk])
    roles: dict[str, list[ApplicationRole]] = defaultdict(list)
    for role in ApplicationRole.objects.at(at).filter(application_id__in=ids).order_by("name", "key"):
        roles[role.application_id].append(role)
    groups: list[RoleGroup] = []
    for application_id in sorted(sharing, key=lambda key: (key == PORTAL_ID, sharing[key].application.name)):
        groups += _of_application(sharing[application_id], roles[application_id], tenant, granting, at)
    return groups


def _roles_of(tenant: Tenant, at: datetime) -> list[TenantRole]:
    return list(TenantRole.objects.at(at).filter(tenant=tenant).order_by("name", "key"))


def parsed(value: str) -> dict[str, Any]:
    """The role's part of what an assignment is made from."""
    application_id, key, contract_id = value.split(SEPARATOR)
    return {"application_id": application_id or None, "role": key, "contract_id": contract_id or None}


def _candidates(tenant: Tenant, at: datetime) -> set[str]:
    """Applications that the tenant owns, or has or will have by a contract."""
    owned = Application.objects.at(at).filter(owner=tenant).values_list("id", flat=True)
    terms = ContractTerm.objects.filter(contract__consumer=tenant, contract__state="accepted")
    living = terms.filter(Q(contract__ends_at=None) | Q(contract__ends_at__gt=at))
    return {PORTAL_ID, *owned, *living.values_list("role__application_id", flat=True)}


def _of_application(
    sharing: SharingFacts, roles: list[ApplicationRole], tenant: Tenant, granting: Granting, at: datetime
) -> list[RoleGroup]:
    """A group for what the tenant has for itself, and one for each access contract."""
    name, tenant_id = role_words.named(sharing.application.name, sharing.application.id), str(tenant.pk)
    received = [contract for contract in sharing.contracts if contract.consumer_id == tenant_id]
    living = [contract for contract in received if contract.ends_at is None or contract.ends_at > at]
    provided = [contract for contract in living if contract.type == "provision"]
    own = [
        _choice(sharing, role, "", note, granting)
        for role in roles
        if (note := _own_note(sharing, role, provided, tenant_id, at)) is not None
    ]
    groups = [RoleGroup(name, _relation(sharing, tenant_id, provided), own)] if own else []
    for contract in living:
        if contract.type != "access":
            continue
        said = _("On the data of %(name)s, by access contract.") % {
            "name": sharing.name(contract.provider_id)
        }
        choices = [
            _choice(sharing, role, contract.id, _way_note(sharing, role, contract, tenant_id, at), granting)
            for role in roles
            if role.key in contract.terms
        ]
        if choices:
            groups.append(RoleGroup(name, said, choices))
    return groups


def _own_note(
    sharing: SharingFacts, role: ApplicationRole, provided: list[ContractFact], tenant_id: str, at: datetime
) -> str | None:
    """Empty when the role is granted, a sentence when it will be, None when it cannot be given."""
    answer = granted(sharing, role=role.key, tenant_id=tenant_id, at=at)
    if any(way.relation != "access" for way in answer.holding):
        return ""
    if not any(role.key in contract.terms for contract in provided):
        return None
    broken = [
        way.decision.reasons[0].text
        for way in answer.ways
        if way.relation == "provision" and not way.decision
    ]
    return _("Does not count now. %(why)s") % {
        "why": translated((broken or [answer.decision.reasons[0].text])[0])
    }


def _way_note(
    sharing: SharingFacts, role: ApplicationRole, contract: ContractFact, tenant_id: str, at: datetime
) -> str:
    answer = granted(sharing, role=role.key, tenant_id=tenant_id, at=at)
    way = next((way for way in answer.ways if way.contract_id == contract.id), None)
    if way is not None and way.decision:
        return ""
    reasons = way.decision.reasons if way is not None else answer.decision.reasons
    return _("Does not count now. %(why)s") % {"why": translated(reasons[0].text)}


def _relation(sharing: SharingFacts, tenant_id: str, provided: list[ContractFact]) -> str:
    if sharing.application.builtin:
        return _("Who may do what in this portal. You can give only what you hold yourself.")
    if sharing.application.owner_id == tenant_id:
        return _("Your own application.")
    names = sorted({sharing.name(contract.provider_id) for contract in provided})
    return _("Provided by %(names)s.") % {"names": ", ".join(names)}


def _choice(
    sharing: SharingFacts, role: ApplicationRole, contract_id: str, note: str, granting: Granting
) -> Choice:
    builtin = sharing.application.builtin
    decision = granting.of_role(permissions_of(role.key) if builtin else (), foreign=not builtin)
    value = SEPARATOR.join((sharing.application.id, role.key, contract_id))
    return Choice(
        value, role_words.shown(role), telling(role.name, role.key), role.description, note, decision
    )


def telling(name: str, key: str) -> str:
    """The key, unless the name says the same."""
    return "" if key == name.lower().replace(" ", "-") else key


def _own_roles(tenant: Tenant, granting: Granting, roles: list[TenantRole], at: datetime) -> list[RoleGroup]:
    """Those that the tenant made for itself. Two queries.

    Of other applications it only matters whether a role has something of them.
    """
    portal: dict[UUID, tuple[str, str]] = {
        pk: (kind, key)
        for pk, kind, key in Resource.objects.filter(application=PORTAL_ID).values_list("pk", "type", "key")
    }
    of_portal = Q(resource__in=list(portal))
    rows = TenantRolePermission.objects.not_over(at).filter(tenant=tenant, role__in=roles).order_by()
    rows = rows.annotate(
        door=Case(When(of_portal, then=F("resource_id"))),
        act=Case(When(of_portal, then=F("privilege"))),
    )
    held: dict[Any, set[Permission | None]] = defaultdict(set)
    for role_id, door, act in rows.values_list("role_id", "door", "act").distinct():
        held[role_id].add((*portal[door], act) if door else None)
    choices = []
    for role in roles:
        asked = {permission for permission in held[role.pk] if permission is not None}
        decision = granting.of_role(asked, foreign=None in held[role.pk] or not asked)
        value = SEPARATOR.join(("", role.key, ""))
        key = telling(role.name, role.key)
        choices.append(Choice(value, role.name, key, role.description, "", decision))
    return [RoleGroup(_("Roles of your organization"), "", choices)] if choices else []


def _matching(groups: list[RoleGroup], wanted: str) -> list[RoleGroup]:
    text = wanted.lower()
    if not text:
        return groups
    found = []
    for group in groups:
        hits = [
            c for c in group.choices if text in group.title.lower() or text in c.name.lower() or text in c.key
        ]
        if hits:
            found.append(group._replace(choices=hits))
    return found
