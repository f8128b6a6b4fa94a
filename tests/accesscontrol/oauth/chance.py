"""Acts of a year drawn by lot, for what must hold whatever happened before."""

import random
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from accesscontrol.actions import assignments, tenant_roles
from accesscontrol.actions.assignments import Wanted
from accesscontrol.actions.tenant_roles import Definition
from applications.actions import pauses
from iam_portal.errors import DomainError
from iam_portal.walls import tenant_scope
from tenants.actions import memberships, users
from tests.accesscontrol.oauth.asking import METER, READER
from tests.accesscontrol.oauth.conftest import World
from tests.accesscontrol.oauth.signed_in import person
from tests.support.factories import SYSTEM, make_group

ROLES = ("viewer", "editor", "own", "both")


class Chance:
    """Acts of a year drawn by lot, at Globex."""

    def __init__(self, world: World, seed: int) -> None:
        self.world, self.lot = world, random.Random(seed)
        self.tenant = world.globex
        self.contracts = [world.globex.contracts_received.get()]
        self.contracts.append(world.share(world.acme, world.globex, (METER, "viewer"), type="access"))
        self.people = [person(world, name) for name in ("ann", "bob", "cyd", "dan", "eve")]
        self.groups = [make_group(self.tenant, "Top", at=world.clock.at)]
        self.moments = [world.clock.at]
        for key in ROLES[2:]:
            self.define(key)

    def live(self, acts: int) -> None:
        choices: list[Callable[[], Any]] = [self.assign] * 8 + [self.join] * 3 + [self.found] * 2
        choices += [self.withdraw, self.leave, self.pause, self.rest, self.rename, self.redefine]
        for _ in range(acts):
            self.moments.append(self.world.clock.forward(hours=self.lot.randint(1, 48)))
            with suppress(DomainError), tenant_scope(self.tenant.id), transaction.atomic():
                self.lot.choice(choices)()

    def by(self) -> dict[str, Any]:
        return {"tenant": self.tenant, "by": SYSTEM, "at": self.world.clock.at}

    def soon(self) -> datetime | None:
        return (
            self.world.clock.at + timedelta(days=self.lot.randint(1, 9)) if self.lot.random() < 0.4 else None
        )

    def define(self, key: str) -> None:
        held = self.lot.sample(("read", "modify"), self.lot.randint(0, 2))
        permissions = [(METER, "urn:test", "machines", privilege) for privilege in held]
        definition = Definition(key=key, name=key, description="", permissions=permissions)
        tenant_roles.define(definition=definition, **self.by())

    def redefine(self) -> None:
        self.define(self.lot.choice(ROLES[2:]))

    def found(self) -> None:
        name = f"Group {len(self.groups)}"
        made = make_group(self.tenant, name, parent=self.lot.choice(self.groups), at=self.world.clock.at)
        self.groups.append(made)

    def join(self) -> None:
        group, user = self.lot.choice(self.groups), self.lot.choice(self.people)
        memberships.add(group_id=group.id, user_id=user.id, **self.by())

    def leave(self) -> None:
        group, user = self.lot.choice(self.groups), self.lot.choice(self.people)
        memberships.remove(group_id=group.id, user_id=user.id, **self.by())

    def assign(self) -> None:
        key = self.lot.choice(ROLES)
        who: dict[str, Any] = self.lot.choice(
            (
                {"user_id": self.lot.choice(self.people).id},
                {"group_id": self.lot.choice(self.groups).id},
                {"principal_application_id": READER},
            )
        )
        application = METER if key in ("viewer", "editor") else None
        access = application and self.lot.random() < 0.3
        wanted = Wanted(
            role=key,
            application_id=application,
            contract_id=self.contracts[1].id if access else None,
            starts_at=self.soon(),
            ends_at=self.world.clock.at + timedelta(days=20) if self.lot.random() < 0.3 else None,
            **who,
        )
        assignments.assign(wanted=wanted, **self.by())

    def withdraw(self) -> None:
        rows = self.tenant.assignments.filter(user__in=self.people).order_by("created_at", "pk")
        if rows:
            assignments.withdraw(assignment_id=self.lot.choice(list(rows)).id, **self.by())

    def pause(self) -> None:
        contract = self.lot.choice(self.contracts)
        by = {**self.by(), "tenant": self.world.acme}
        pauses.pause(contract_id=contract.id, until=self.world.clock.at + timedelta(days=2), **by)

    def rest(self) -> None:
        act = self.lot.choice((users.deactivate, users.reactivate))
        act(user_id=self.lot.choice(self.people).id, **self.by())

    def rename(self) -> None:
        name = self.lot.choice(("zoe", "Öttl", "ann", "A", "élan"))
        users.change(user_id=self.lot.choice(self.people).id, display_name=name, **self.by())
