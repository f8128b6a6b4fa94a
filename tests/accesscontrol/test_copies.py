"""The copy of what is kept about a person, as he takes it himself and as an administrator does for him."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db.models import F
from pytest_django import DjangoDbBlocker

from iam_portal.gate import Actor
from iam_portal.walls import tenant_scope
from tenants.actions import exporting, users
from tenants.models import HistoryEvent, Tenant, User, UserSession
from tests.support.authenticating import with_app
from tests.support.factories import SYSTEM, make_group, make_tenant
from tests.support.knocking import NOBODY, Knocker, browser, person, service
from tests.support.once import made_once, savepoint

PLANS = "Secret plans"


@dataclass
class House:
    """Acme, and a neighbour with the same names in it."""

    acme: Tenant
    jane: User
    session: str
    other: User
    visitors: dict[str, Knocker]

    def rest(self, who: str, user_id: Any) -> Any:
        path = f"/iam/access-management/v1/tenants/{self.acme.id}/users/{user_id}/export"
        return self.visitors[who].knock("POST", path)

    def page(self, who: str, user_id: Any, method: str = "POST") -> Any:
        return self.visitors[who].knock(method, f"/t/acme/users/{user_id}/copy", "", "text/plain")

    def own(self, method: str = "POST") -> Any:
        return browser(self.acme, self.session).knock(method, "/t/acme/account/copy", "", "text/plain")


@pytest.fixture(scope="module")
def told(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[House]:
    with made_once(django_db_blocker):
        at = datetime.now(UTC)
        acme, neighbour = make_tenant("acme", at=at), make_tenant("neighbour", at=at)
        jane, session = person(acme, "jane", "user-reader")
        other, _ = person(neighbour, "jane", "access-manager")
        for tenant, user, name in ((acme, jane, "Dispatch"), (neighbour, other, PLANS)):
            make_group(tenant, name, members=(user,), at=datetime.now(UTC))
            with_app(user, at=datetime.now(UTC))
        visitors = {
            "manager": browser(acme, person(acme, "mia", "access-manager")[1]),
            "auditor": browser(acme, person(acme, "ada", "access-manager", "activity-log-reader")[1]),
            "reader": browser(acme, person(acme, "rob", "user-reader", "activity-log-reader")[1]),
            "robot": service(acme, "robot", "access-manager"),
            "outsider": service(neighbour, "robot", "access-manager", "activity-log-reader"),
            "nobody": Knocker(),
        }
        yield House(acme, jane, session, other, visitors)


@pytest.fixture
def house(told: House, django_db_blocker: DjangoDbBlocker) -> Iterator[House]:
    with savepoint(django_db_blocker):
        yield told


def digests(house: House) -> set[str]:
    with tenant_scope(house.acme.id):
        return {
            house.jane.password,
            house.session,
            *UserSession.objects.values_list("digest", flat=True),
            *house.jane.apps.values_list("secret_sealed", flat=True),
            *house.jane.recovery_codes.values_list("digest", flat=True),
        }


def test_everybody_takes_his_own(house: House) -> None:
    assert house.own("GET").status_code == 200
    reply = house.own()
    copy = json.loads(reply.content)
    assert (copy["userId"], [group["name"] for group in copy["groups"]]) == (str(house.jane.id), ["Dispatch"])
    assert copy["historyComplete"]
    assert {"user.created", "role.assigned"} <= {row["action"] for row in copy["history"]}
    assert reply.headers["Content-Type"] == "application/json"
    assert reply.headers["Content-Disposition"] == f'attachment; filename="person-{house.jane.id}.json"'
    assert "no-store" in reply.headers["Cache-Control"]


def test_for_a_person_who_asks_an_administrator_does(house: House) -> None:
    """What she did is the record's: only for who may read that."""
    for take in (house.rest, house.page):
        with_record = json.loads(take("auditor", house.jane.id).content)
        without = json.loads(take("manager", house.jane.id).content)
        assert (with_record["historyComplete"], without["historyComplete"]) == (True, False)
        assert (bool(with_record["history"]), without["history"]) == (True, [])
        assert without["sessions"]
    assert json.loads(house.rest("robot", house.jane.id).content)["username"] == "jane"


def test_nothing_of_others_and_no_secret(house: House) -> None:
    for reply in (house.own(), house.rest("auditor", house.jane.id), house.page("auditor", house.jane.id)):
        assert reply.status_code == 200
        told = reply.content.decode()
        assert [text for text in (PLANS, str(house.other.id), *digests(house)) if text in told] == []


def test_nobody_else_takes_it(house: House) -> None:
    """Of somebody elsewhere there is nobody here; reading of people is not enough."""
    statuses = {who: house.rest(who, house.jane.id).status_code for who in ("reader", "outsider", "nobody")}
    assert statuses == {"reader": 403, "outsider": 404, "nobody": 401}
    assert house.page("reader", house.jane.id).status_code == 403
    for unknown in (house.other.id, NOBODY, house.acme.id):
        assert house.rest("auditor", unknown).status_code == 404
        assert house.page("auditor", unknown).status_code == 404


def test_the_record_has_who_took_it(house: House) -> None:
    """Before the copy leaves: in it stands the one before."""
    for name in ("Ada", "Zoe"):
        given = {"tenant": house.acme, "user_id": house.jane.id, "by": Actor.system(name)}
        copy = exporting.export(**given, at=datetime.now(UTC))
    with tenant_scope(house.acme.id):
        assert HistoryEvent.objects.filter(action="user.exported", subject_id=house.jane.id).count() == 2
    last = copy["history"][-1]
    assert (last["action"], last["by"]) == ("user.exported", "Ada")


def test_who_proved_himself_long_ago_proves_it_again(house: House) -> None:
    """A cookie from an open browser takes nothing away."""
    with tenant_scope(house.acme.id):
        UserSession.objects.update(created_at=F("created_at") - timedelta(hours=9))
        users_before = HistoryEvent.objects.count()
    for reply in (house.own("GET"), house.own(), house.page("auditor", house.jane.id)):
        assert reply.status_code == 302
        assert "/account/confirm" in reply.headers["Location"]
    assert house.rest("auditor", house.jane.id).status_code == 403
    assert house.rest("robot", house.jane.id).status_code == 200, "a service shows a fresh token"
    with tenant_scope(house.acme.id):
        assert HistoryEvent.objects.count() == users_before


def test_the_newest_of_a_long_life(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    at = datetime.now(UTC)
    given = {"tenant": house.acme, "user_id": house.jane.id, "by": SYSTEM, "at": at}
    with tenant_scope(house.acme.id):
        for number in range(3):
            users.change(**given, display_name=f"Jane {number}")
    monkeypatch.setattr(exporting.Record.NEWEST, "_value_", 2)
    copy = json.loads(house.own().content)
    assert not copy["historyComplete"]
    assert [row["after"]["revision"] for row in copy["history"]] == ["r-3", "r-4"]
