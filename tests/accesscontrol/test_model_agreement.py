"""Random histories: rule, read model, lists, ACL, tokens, introspection and events agree with a naive model.

``HYPOTHESIS_PROFILE=slow`` searches longer; a failure prints the blob that repeats it.
"""

import random
from collections.abc import Iterator
from uuid import UUID

import pytest
from django.test import Client as Browser
from django.utils import timezone
from hypothesis.stateful import invariant, run_state_machine_as_test

from accesscontrol.actions import keys
from applications import readmodel
from applications.models import ServiceAccount
from tests.support.asking_all import AskingAll
from tests.support.asking_tokens import BASE, AskingTokens
from tests.support.foreseeing_amendments import ForeseeingAmendments
from tests.support.happening import (
    APPS,
    BORN,
    PROFILE,
    Clock,
)
from tests.support.own_acts import OwnActs
from tests.support.role_acts import RoleActs
from tests.support.universe import OWNERS, TENANTS, Universe, basic

pytestmark = pytest.mark.slow


class Sharing(ForeseeingAmendments, RoleActs, OwnActs, AskingAll, AskingTokens):
    """Acts at random; after each the facts, rows, lists and events are compared, and a token is introspected.

    What follows from them takes turns: after one act a door is asked over HTTP, after the next ACL, calls and
    users are compared below the doors.
    """

    def __init__(self) -> None:
        super().__init__()
        self.browser = Browser(headers={"Accept": "application/json"})
        self.accounts: dict[tuple[str, str], UUID] = {}

    @invariant()
    def everything_agrees(self) -> None:
        probes = self.probes()
        sharing = self.found_either_way()
        for at in probes:
            for application in APPS:
                for name, tenant in self.u.tenants.items():
                    self.pure_agrees(sharing[application], application, name, str(tenant.id), at)
        assert readmodel.differences() == {"grants": [], "availability": []}
        self.rows_agree(probes)
        self.list_agrees(self.turn, probes)
        self.events_agree()
        self.old_token_agrees()
        self.former_call_agrees(self.turn)
        half = self.turn // 2
        if self.turn % 2:
            self.door_agrees(half)
        else:
            self.acl_agrees(APPS[half % 3], probes[half % 2])
            self.calls_agree(half, probes)
            self.users_agree(TENANTS[half % 4], probes)
            self.questions_agree(half, probes[half % 3])
            if half % 2:
                self.user_acl_agrees(TENANTS[half % 4], APPS[(half // 4) % 3], self.at)
            else:
                self.review_agrees(TENANTS[half % 4], APPS[(half // 4) % 3], probes[:2])
            self.places_agree(half)
            self.offered_agrees(TENANTS[half % 4], probes[half % 3])
        self.accounts_stay()

    def accounts_stay(self) -> None:
        for pk, application, tenant_id in ServiceAccount.objects.values_list(
            "id", "application_id", "tenant_id"
        ):
            assert self.accounts.setdefault((application, str(tenant_id)), pk) == pk

    def door_agrees(self, turn: int) -> None:
        if turn % 4 == 1:
            return self.read_applications_agrees(APPS[turn % 3], APPS[(turn // 4) % 3])
        if turn % 4 == 3:
            return self.read_acl_agrees(APPS[turn % 3])
        dice = random.Random(turn * 7)
        known = [(a.principal, a.application, a.tenant) for a in self.model.assignments.values()]
        known += [
            (a.principal, named[0], a.tenant) for a in self.model.given.values() for named in a.made.held
        ]
        services = [one for one in known if one[0] in APPS and one[0] != one[1]]
        caller, target, name = dice.choice(services) if dice.random() < 0.7 else _any_call(dice)
        if (caller, name) == ("gamma.planner", "gamma"):
            name = "beta"  # where its access contract leads
        return self.token_agrees(caller, target, name)

    def read_applications_agrees(self, caller: str, application: str) -> None:
        """The list over HTTP, with a service token for the portal."""
        name = OWNERS[caller]
        answer = self.ask_token(caller, "iam-portal", name)
        if answer.status_code != 200:
            assert not self.model.available(caller, name, self.at)
            return
        assert self.model.available(caller, name, self.at)
        bearer = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        root = f"/iam/application-management/v1/tenants/{self.u.tenants[name].id}/applications"
        self.compare_list(self.browser.get(root, headers=bearer).json()["items"], name, self.at)
        here = bool(self.model.available(application, name, self.at))
        one = self.browser.get(f"{root}/{application}", headers=bearer)
        assert one.status_code == (200 if here else 404)
        asked = self.browser.get(f"{root}/{application}/availability", headers=bearer).json()
        assert asked["available"] == here
        assert asked["reasons"]

    def read_acl_agrees(self, application: str) -> None:
        answer = self.browser.get(
            f"{BASE}/application/acl", headers=basic(application, self.u.secrets[application])
        )
        if not self.model.available(application, OWNERS[application], self.at):
            assert answer.status_code == 401  # retired, suspended, or its owner is
        else:
            self.compare_acl(answer.json()["resources"], application, self.at)


def _any_call(dice: random.Random) -> tuple[str, str, str]:
    caller, target = dice.sample(APPS, 2)
    return caller, target, dice.choice(TENANTS)


@pytest.fixture
def universe(db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Universe]:
    """Told once; the doors' clock is the machine's."""
    monkeypatch.setattr(timezone, "now", lambda: Clock.at)
    keys.forget()
    yield Universe.create(BORN)
    keys.forget()


def test_every_answer_agrees_with_the_naive_model(universe: Universe) -> None:
    by_short_way: list[int] = []
    machine = type("Sharing", (Sharing,), {"universe": universe, "by_short_way": by_short_way})
    run_state_machine_as_test(machine, settings=PROFILE)
    assert sum(by_short_way) > 2 * len(by_short_way)  # it was asked, and did not just hand on
