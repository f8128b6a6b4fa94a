"""A role grows: through an access contract only what its provider confirmed counts, on every door alike."""

from collections.abc import Iterator
from copy import copy
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pytest
from django.test import Client as Browser
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from accesscontrol.actions import assignments, keys
from accesscontrol.actions.assignments import Wanted
from applications import rolechanges
from applications.actions import confirmations, contracts
from applications.actions.drafts import Offer
from applications.models import Contract, Event
from iam_portal.walls import tenant_scope
from tests.support.comparing import looked_up, named_by
from tests.support.factories import SYSTEM
from tests.support.happening import BORN, Clock
from tests.support.naive_own import STATIC
from tests.support.once import made_once, savepoint
from tests.support.universe import PRIVILEGES, Universe, basic

METER = "acme.meter"
ACCESS = "/iam/access-management/v1"
SHARING = "/iam/application-management/v1"
WIDE = {"viewer": ["read", "modify"], "editor": ["read", "modify"]}
BOTH = ("viewer", "editor")


class Story:
    """acme owns the meter, provides it to beta, and beta gives gamma's planner access to its data there."""

    def __init__(self) -> None:
        self.u = Universe.create(BORN)
        self.browser = Browser(headers={"Accept": "application/json"})
        self.contract_id = str(Contract.objects.get(type="access").id)
        Clock.at = BORN + timedelta(hours=1)
        roles = ("access-contract-manager", "provision-contract-manager")
        for slug, service in (("beta", "beta.reader"), ("gamma", "gamma.planner"), ("acme", METER)):
            for role in roles:
                wanted = Wanted(role=role, application_id="iam-portal", principal_application_id=service)
                assignments.assign(tenant=self.u.tenants[slug], wanted=wanted, by=SYSTEM, at=BORN)
        self.services = {"beta": "beta.reader", "gamma": "gamma.planner", "acme": METER}

    def fork(self) -> "Story":
        """For one test."""
        made = copy(self)
        made.u, Clock.at = self.u.fork(), BORN + timedelta(hours=1)
        return made

    def declare(self, held: dict[str, list[str]], at: datetime | None = None) -> None:
        self.u.declare(METER, BOTH, at or Clock.at, held)

    def widen(self) -> None:
        self.declare(WIDE, Clock.at)

    def widen_at(self, at: datetime) -> None:
        self.declare(WIDE, at)

    def later(self) -> None:
        Clock.at += timedelta(minutes=1)

    def token(self, caller: str, slug: str, scope: str) -> str:
        path = f"{ACCESS}/tenants/{self.u.tenants[slug].id}/openid-connect/token"
        answer = self._form(path, caller, grant_type="client_credentials", scope=scope)
        assert answer.status_code == 200, answer.content
        return str(answer.json()["access_token"])

    def roles(self, token: str, slug: str = "beta") -> list[str]:
        """What the meter reads at introspection."""
        path = f"{ACCESS}/tenants/{self.u.tenants[slug].id}/openid-connect/token/introspect"
        return self._form(path, METER, token=token).json()["roles"]

    def acl(self) -> dict[str, Any]:
        return self.browser.get(
            f"{ACCESS}/application/acl", headers=basic(METER, self.u.secrets[METER])
        ).json()

    def allows(self, urn: str) -> frozenset[str]:
        """What the meter lets the bearer of a role do on beta's data."""
        return looked_up(self.acl()["resources"], str(self.u.tenants["beta"].id), urn, STATIC)

    def call(self, method: str, slug: str, path: str, headers: dict[str, str] | None = None) -> Any:
        bearer = self.token(self.services[slug], slug, "aud:iam-portal")
        return self.browser.generic(
            method,
            f"{SHARING}/tenants/{self.u.tenants[slug].id}/{path}",
            b"" if method == "GET" else b"{}",
            "application/json",
            headers={"Authorization": f"Bearer {bearer}", **(headers or {})},
        )

    def one(self, slug: str = "beta") -> dict[str, Any]:
        return self.call("GET", slug, f"contracts/{self.contract_id}").json()

    def changes(self, slug: str = "beta") -> Any:
        return self.call("GET", slug, f"contracts/{self.contract_id}/role-changes")

    def confirm(self, revision: str | None = None, slug: str = "beta") -> Any:
        sent = {} if revision is None else {"If-Match": f'"{revision}"'}
        return self.call("POST", slug, f"contracts/{self.contract_id}/confirm", sent)

    def told(self, slug: str, kind: str) -> list[Any]:
        with tenant_scope(self.u.tenants[slug].id):
            found = Event.objects.filter(tenant=self.u.tenants[slug], type=f"iam.{kind}.v1").order_by("id")
            return [row.data for row in found]

    def _form(self, path: str, caller: str, **form: str) -> Any:
        kind = "application/x-www-form-urlencoded"
        return self.browser.post(
            path, urlencode(form), content_type=kind, headers=basic(caller, self.u.secrets[caller])
        )


@pytest.fixture(scope="module")
def told(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Story]:
    """Once, in a transaction that stays open; every test works in a savepoint of it."""
    with made_once(django_db_blocker):
        yield Story()


@pytest.fixture
def story(
    told: Story, monkeypatch: pytest.MonkeyPatch, django_db_blocker: DjangoDbBlocker
) -> Iterator[Story]:
    monkeypatch.setattr(timezone, "now", lambda: Clock.at)
    with savepoint(django_db_blocker):
        keys.forget()
        yield told.fork()
        keys.forget()


def test_what_a_role_gains_counts_through_access_once_it_is_confirmed(story: Story) -> None:
    token = story.token("gamma.planner", "beta", f"aud:{METER} openid")
    [plain] = story.roles(token)
    assert named_by(plain)[2:] == ("viewer", None)
    assert story.allows(plain) == {"read"}
    before = story.acl()["revision"]

    story.widen()

    [marked] = story.roles(token)  # the very same token, at once
    assert named_by(marked)[2:] == ("viewer", story.contract_id)
    assert (story.allows(marked), story.allows(plain)) == ({"read"}, {"read", "modify"})
    assert story.acl()["revision"] > before
    narrow = f"aud:{METER} {METER}/viewer openid"  # the scope means the role, whatever it amounts to
    assert story.roles(story.token("gamma.planner", "beta", narrow)) == [marked]
    own = story.token("beta.reader", "beta", f"aud:{METER} openid")
    assert story.roles(own) == [plain], "owner and provision consumers have it at once"
    assert story.told("acme", "role.changed")[-1]["changed"] == ["roles/viewer"]
    assert story.told("beta", "role.changed")[-1]["changed"] == ["roles/viewer"]
    [told] = story.told("beta", "contract.role_widened")
    assert told["contractId"] == story.contract_id
    assert not story.told("gamma", "contract.role_widened")
    assert not story.told("acme", "contract.role_widened")

    story.later()
    shown = story.changes().json()
    assert [role["gained"][0]["privilege"] for role in shown["roles"]] == ["modify"]
    assert story.confirm(shown["revision"]).status_code == 200

    assert story.roles(token) == [plain]
    assert story.allows(marked) == {"read", "modify"}, "tokens that carry it meanwhile lose nothing"
    for side in ("beta", "gamma"):
        assert [row["roles"] for row in story.told(side, "contract.confirmed")] == [["acme.meter/viewer"]]


def test_a_contract_says_what_waits_and_shows_no_seam(story: Story) -> None:
    first = story.one()
    assert first["rolesToConfirm"] == 0
    story.widen()
    assert story.one()["rolesToConfirm"] == 1
    assert story.one("gamma")["rolesToConfirm"] is None
    listed = story.call("GET", "beta", "contracts").json()["items"]
    assert sorted(str(row["rolesToConfirm"]) for row in listed) == ["1", "None"]

    story.later()
    assert story.confirm(story.changes().json()["revision"]).status_code == 200

    assert story.one()["rolesToConfirm"] == 0
    assert story.one()["roles"] == first["roles"], "one span, not two"


def test_nobody_confirms_what_he_has_not_seen(story: Story) -> None:
    story.widen()
    shown = story.changes().json()["revision"]
    assert story.confirm().status_code == 428
    story.later()
    story.declare({"viewer": ["modify"], "editor": ["read", "modify"]})
    story.later()
    story.widen()  # reading was taken away and given again: it waits too

    late = story.confirm(shown)
    assert (late.status_code, late.json()["code"]) == (412, "role_changes_changed")
    gained = story.changes().json()["roles"][0]["gained"]
    assert {one["privilege"] for one in gained} == {"read", "modify"}
    assert story.roles(story.token("gamma.planner", "beta", f"aud:{METER} openid"))[0].count(":") == 7
    assert story.confirm(story.changes().json()["revision"]).status_code == 200
    again = story.confirm(shown)
    assert (again.status_code, again.json()["code"]) == (409, "nothing_to_confirm")


def test_only_the_provider_of_an_access_contract_has_a_say(story: Story) -> None:
    story.widen()
    shown = story.changes().json()["revision"]
    assert story.confirm(shown, "gamma").json()["code"] == "contract_other_side"
    assert story.changes("gamma").status_code == 409
    assert story.confirm(shown, "acme").status_code == story.changes("acme").status_code == 404
    story.contract_id = str(Contract.objects.get(type="provision").id)
    assert story.confirm(shown, "acme").json()["code"] == "contract_not_access"


def test_what_is_lost_is_lost_at_once_and_comes_back_only_when_confirmed(story: Story) -> None:
    token = story.token("gamma.planner", "beta", f"aud:{METER} openid")
    [plain] = story.roles(token)
    story.declare({"viewer": ["modify"], "editor": ["read", "modify"]})
    [marked] = story.roles(token)
    assert (story.allows(marked), story.allows(plain)) == (frozenset(), {"modify"})
    story.later()
    story.declare(PRIVILEGES)
    assert story.roles(token) == [marked]
    assert story.allows(marked) == frozenset(), "taken away and given again is not confirmed"


def test_a_role_that_grew_after_the_proposal_was_not_offered(story: Story) -> None:
    beta, delta = story.u.tenants["beta"], story.u.tenants["delta"]
    offer = Offer(type="access", roles=[(METER, "viewer")])
    row = contracts.draft(provider=beta, consumer_id=delta.id, offer=offer, by=SYSTEM, at=Clock.at)
    contracts.propose(tenant=beta, contract_id=row.id, by=SYSTEM, at=Clock.at)
    story.later()
    story.widen()
    story.later()
    contracts.accept(tenant=delta, contract_id=row.id, by=SYSTEM, at=Clock.at)
    assert [gain.privilege for gain in rolechanges.gained([row.id], at=Clock.at)] == ["modify"]


@pytest.mark.parametrize("word", ["confirmed", "proposed"])
def test_a_declaration_sent_slowly_is_not_confirmed_by_who_never_saw_it(story: Story, word: str) -> None:
    story.declare({"viewer": ["modify"], "editor": ["modify"]})
    story.later()
    began = Clock.at
    story.later()
    beta = story.u.tenants["beta"]
    if word == "confirmed":
        gains = rolechanges.gained([UUID(story.contract_id)], at=Clock.at)
        confirmations.confirm(
            tenant=beta,
            contract_id=UUID(story.contract_id),
            by=SYSTEM,
            at=Clock.at,
            expected=confirmations.revision_of(gains),
        )
    else:
        offer = Offer(type="access", roles=[(METER, "viewer")])
        row = contracts.draft(
            provider=beta, consumer_id=story.u.tenants["delta"].id, offer=offer, by=SYSTEM, at=Clock.at
        )
        contracts.propose(tenant=beta, contract_id=row.id, by=SYSTEM, at=Clock.at)
    story.declare({"viewer": ["modify"], "editor": ["read", "modify"]}, began)  # in no access contract
    with pytest.raises(confirmations.Overtaken):
        story.widen_at(began)
