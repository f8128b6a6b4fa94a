"""Random acts of people with random roles: what anybody gains by an act, the actor held himself."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from accesscontrol.actions import assignments, tenant_roles
from accesscontrol.actions.assignments import Wanted
from accesscontrol.actions.tenant_roles import Definition
from accesscontrol.gate import OWN_ACCOUNT_ROLE, permissions
from accesscontrol.models import Assignment
from accesscontrol.portal_roles import ROLE_KEYS, permissions_of
from applications.actions import client_certificates, client_keys, client_settings, clients, trusted_issuers
from applications.actions.client_settings import Settings
from applications.actions.trusted_issuers import Trust
from applications.models.applications import PORTAL_ID
from applications.proofs import certificates
from applications.proofs import keys as proofs
from iam_portal.errors import DomainError
from iam_portal.gate import Actor
from iam_portal.walls import tenant_scope
from tenants.actions import groups, memberships, users
from tenants.models import Tenant, User
from tests.applications.sharing import register
from tests.support.factories import SYSTEM, acting, make_group, make_tenant, make_user
from tests.support.happening import PROFILE
from tests.support.proving import certified, ec_key, pem, public_pem

pytestmark = pytest.mark.slow

BORN = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
DAY = timedelta(days=1)
who = st.integers(0, 2)
# Those that differ most, and those that let one act on others.
roles = st.sampled_from(["access-manager", "organization-manager", "module-manager", "reviewer", "user"])
keys = st.sampled_from(["ours", "theirs"])
OWN = set(permissions_of(OWN_ACCOUNT_ROLE))
AWAY = "https://x.example/"
# What lets one act as a service.
PROOFS: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
    "secret": (clients.add_secret, {}),
    "key": (client_keys.add, {"key": proofs.of_pem(public_pem(ec_key()))}),
    "certificate": (client_certificates.add, {"certificate": certificates.of_pem(pem(certified()))}),
    "issuer": (trusted_issuers.add, {"trust": Trust(issuer="https://i.example", subject="me")}),
    "public": (clients.add_public, {"redirect_uris": [AWAY], "web_origins": []}),
    "codes": (client_settings.change, {"settings": Settings(redirect_uris=(AWAY,))}),
}
Held = dict[str, set[tuple[str, str, str]]]


class Office(RuleBasedStateMachine):
    """Three people, three groups, a service. ``act`` is the only way in which anything happens."""

    tenant: Tenant
    actors: list[Actor]  # three people and the service
    groups: list[UUID]

    def __init__(self) -> None:
        super().__init__()
        self.savepoint = transaction.atomic()
        self.savepoint.__enter__()
        self.scope = tenant_scope(self.tenant.id)
        self.scope.__enter__()
        self.at = BORN + timedelta(hours=1)

    def teardown(self) -> None:
        self.scope.__exit__(None, None, None)
        transaction.set_rollback(True)
        self.savepoint.__exit__(None, None, None)

    def held(self, at: datetime) -> Held:
        return {actor.id: permissions(actor=actor, tenant_id=self.tenant.id, at=at) for actor in self.actors}

    def act(
        self,
        number: int,
        action: Callable[..., Any],
        *,
        becomes: str = "",
        returns: str = "",
        **named: Any,
    ) -> None:
        """``becomes``: as whom the actor could act then; ``returns``: who has his own account again."""
        actor = self.actors[number]
        now, later = self.held(self.at), self.held(self.at + 2 * DAY)
        try:
            with transaction.atomic():
                action(tenant=self.tenant, by=actor, at=self.at, **named)
        except DomainError:
            return
        mine = now[actor.id]
        for before, moment in ((now, self.at), (later, self.at + 2 * DAY)):
            for person, held in self.held(moment).items():
                gained = held - before[person] - (OWN if person == returns else set())
                assert gained <= mine, f"{person} gained what {actor.name} lacks"
        assert not becomes or becomes == actor.id or now[becomes] | later[becomes] <= mine | OWN

    @rule(by=who, to=st.integers(0, 3), role=roles, planned=st.booleans())
    def assign(self, by: int, to: int, role: str, planned: bool) -> None:
        to_id = self.actors[to].id
        principal = {"principal_application_id": to_id} if to == 3 else {"user_id": UUID(to_id)}
        starts_at = self.at + DAY if planned else None
        wanted = Wanted(role=role, application_id=PORTAL_ID, starts_at=starts_at, **principal)
        self.act(by, assignments.assign, wanted=wanted)

    @rule(by=who, to=who, role=roles)
    def assign_to_a_group(self, by: int, to: int, role: str) -> None:
        wanted = Wanted(role=role, application_id=PORTAL_ID, group_id=self.groups[to])
        self.act(by, assignments.assign, wanted=wanted)

    @rule(by=who, number=st.integers(0, 20))
    def withdraw(self, by: int, number: int) -> None:
        rows = list(
            Assignment.objects.not_over(self.at).filter(tenant=self.tenant).order_by("created_at", "id")
        )
        self.act(by, assignments.withdraw, assignment_id=rows[number % len(rows)].id)

    @rule(by=who, group=who, user=who)
    def join(self, by: int, group: int, user: int) -> None:
        member = UUID(self.actors[user].id)
        self.act(by, memberships.add, group_id=self.groups[group], user_id=member)

    @rule(by=who, group=who, user=who)
    def leave(self, by: int, group: int, user: int) -> None:
        member = UUID(self.actors[user].id)
        self.act(by, memberships.remove, group_id=self.groups[group], user_id=member)

    @rule(by=who, group=who, parent=st.none() | who)
    def move(self, by: int, group: int, parent: int | None) -> None:
        parent_id = None if parent is None else self.groups[parent]
        self.act(by, groups.move, group_id=self.groups[group], parent_id=parent_id)

    @rule(by=who, user=who)
    def send_a_link(self, by: int, user: int) -> None:
        target = self.actors[user].id
        self.act(by, users.reset, becomes=target, user_id=UUID(target))

    @rule(by=who, user=who, number=st.integers(0, 99))
    def change_the_mailbox(self, by: int, user: int, number: int) -> None:
        target, email = self.actors[user].id, f"{number}@example.org"
        # The mailbox that he has already gives nobody anything.
        moves = not User.objects.filter(pk=target, email=email).exists()
        becomes = target if moves else ""
        self.act(by, users.change, becomes=becomes, user_id=UUID(target), email=email)

    @rule(by=who, user=who)
    def deactivate(self, by: int, user: int) -> None:
        self.act(by, users.deactivate, user_id=UUID(self.actors[user].id))

    @rule(by=who, user=who)
    def reactivate(self, by: int, user: int) -> None:
        target = self.actors[user].id
        self.act(by, users.reactivate, returns=target, user_id=UUID(target))

    @rule(by=who, key=keys, of=st.lists(roles, max_size=2))
    def define_a_role(self, by: int, key: str, of: list[str]) -> None:
        """Of its own making, with all that some roles of the portal hold."""
        held = sorted({held for role in of for held in permissions_of(role)})
        permissions = [(PORTAL_ID, *permission) for permission in held]
        wanted = Definition(key=key, name=key, description="", permissions=permissions)
        self.act(by, tenant_roles.define, definition=wanted)

    @rule(by=who, key=keys)
    def delete_a_role(self, by: int, key: str) -> None:
        self.act(by, tenant_roles.delete, key=key)

    @rule(by=who, key=keys, to=st.integers(0, 3), group=st.booleans())
    def assign_such_a_role(self, by: int, key: str, to: int, group: bool) -> None:
        principal: dict[str, Any] = {"user_id": UUID(self.actors[to].id)} if to < 3 else {}
        if to == 3:
            principal = {"principal_application_id": self.actors[3].id}
        elif group:
            principal = {"group_id": self.groups[to]}
        self.act(by, assignments.assign, wanted=Wanted(role=key, **principal))

    @rule(by=who, group=who)
    def end_a_group(self, by: int, group: int) -> None:
        self.act(by, groups.delete, group_id=self.groups[group])

    @rule(by=who, proof=st.sampled_from(["secret", "key", "certificate", "issuer", "public", "codes"]))
    def prove_the_service(self, by: int, proof: str) -> None:
        robot = self.actors[3].id
        action, named = PROOFS[proof]
        which = "application_id" if proof == "public" else "client_id"
        self.act(by, action, becomes=robot, **{which: robot}, **named)

    @rule()
    def a_day_passes(self) -> None:
        self.at += DAY


@pytest.fixture
def office(db: None) -> Iterator[dict[str, Any]]:
    """One who manages access, one who manages the organization, one of both kinds by a group; a service."""
    tenant = make_tenant("acme", at=BORN)
    people = [make_user(tenant, name, at=BORN) for name in ("jane", "joe", "jim")]
    board = make_group(tenant, "Board", at=BORN)
    team = make_group(tenant, "Team", parent=board, members=(people[2],), at=BORN)
    depot = make_group(tenant, "Depot", members=(people[0],), at=BORN)
    robot = register(tenant, "robot", BORN)
    given = [
        ("access-manager", {"user_id": people[0].id}),
        ("organization-manager", {"user_id": people[1].id}),
        ("access-manager", {"user_id": people[2].id}),
        ("reviewer", {"group_id": board.id}),
        ("module-manager", {"group_id": team.id}),
        ("organization-manager", {"principal_application_id": robot.id}),
    ]
    for role, principal in given:
        assert role in ROLE_KEYS
        wanted = Wanted(role=role, application_id=PORTAL_ID, **principal)
        assignments.assign(tenant=tenant, wanted=wanted, by=SYSTEM, at=BORN)
    service = Actor("service", robot.id, "robot", tenant.id)
    actors = [*(acting(user) for user in people), service]
    yield {"tenant": tenant, "actors": actors, "groups": [board.id, team.id, depot.id]}


def test_nobody_gains_by_an_act_what_the_actor_lacks(office: dict[str, Any]) -> None:
    machine = type("ActsInAnOffice", (Office,), office)
    run_state_machine_as_test(machine, settings=PROFILE)
