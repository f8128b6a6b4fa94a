"""Who is let in at the SCIM doors, and how far."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from accesscontrol.actions import scim_tokens
from iam_portal.errors import Forbidden, Invalid
from iam_portal.gate import Actor
from iam_portal.launchers.doors import doors
from iam_portal.walls import tenant_scope
from tenants.actions import deletion, factors, tenants, users
from tenants.models import since
from tests.accesscontrol.scim.conftest import Directory, token_of
from tests.accesscontrol.scim.test_groups import give
from tests.applications.story import person
from tests.support import factories
from tests.support.authenticating import with_app
from tests.support.knocking import address_of, service

DOORS = [door for door in doors() if door.kind == "scim"]
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"


def maker_of(acme: Directory, *roles: str) -> tuple[Any, Directory]:
    """Another administrator, and a directory with his token."""
    user = factories.make_user(acme.tenant, "maker", at=acme.tenant.created_at)
    for role in roles:
        give(acme, role, user_id=user.id)
    return user, Directory(acme.party, token_of(acme.tenant, factories.acting(user)))


def refused(directory: Directory, **sent: Any) -> None:
    reply = directory.send("GET", "Users", **sent)
    assert (reply.status_code, reply["Content-Type"]) == (401, "application/scim+json")
    assert reply["WWW-Authenticate"].startswith("Bearer ")
    assert reply.json()["schemas"] == [ERROR]


def test_there_are_doors() -> None:
    assert len(DOORS) >= 25


def test_a_token_opens_its_own_organization_and_nothing_else(acme: Directory, neighbour: Directory) -> None:
    """A foreign token, a made-up one and an organization that is not there answer alike."""
    assert acme.get("Users").status_code == 200
    answers = []
    for tenant_id, token in (
        (neighbour.tenant.id, acme.token),
        (acme.tenant.id, neighbour.token),
        (uuid4(), acme.token),
        (acme.tenant.id, f"{scim_tokens.PREFIX}{'x' * 43}"),
        (acme.tenant.id, scim_tokens.PREFIX),
        (acme.tenant.id, scim_tokens.PREFIX + "x" * 5000),
        (acme.tenant.id, acme.token.removeprefix(scim_tokens.PREFIX)),
    ):
        refused(acme, tenant_id=tenant_id, token=token)
        answers.append(acme.send("GET", "Users", tenant_id=tenant_id, token=token).content)
    assert len(set(answers)) == 1


def test_at_other_doors_it_is_no_token(acme: Directory) -> None:
    for address in ("users", "groups", "configuration", "scim-tokens"):
        reply = acme.browser.get(
            f"/iam/access-management/v1/tenants/{acme.tenant.id}/{address}",
            headers={"Authorization": f"Bearer {acme.token}"},
        )
        assert reply.status_code in (401, 404), address


def test_a_session_is_none_here(acme: Directory) -> None:
    """No page of somebody else can make a browser knock."""
    assert acme.party.client.get(acme.address("Users")).status_code == 401


def test_nobody_knocks_without_a_token(acme: Directory) -> None:
    for door in DOORS:
        address = address_of(door, acme.tenant)
        for headers in ({}, {"Authorization": "Bearer x"}, {"Authorization": f"Basic {acme.token}"}):
            reply = acme.browser.generic(door.method, address, "{}", "application/scim+json", headers=headers)
            assert (reply.status_code, reply["Content-Type"]) == (401, "application/scim+json"), door


def test_a_token_is_good_for_its_time(acme: Directory) -> None:
    at = timezone.now()
    made = {"tenant": acme.tenant, "note": "n", "welcome": "none", "by": acme.party.actor, "at": at}
    with tenant_scope(acme.tenant.id):
        former, old = scim_tokens.make(**made, expires_at=at + timedelta(days=1))
        acme.tenant.scim_tokens.filter(id=former.id).update(during=since(at - timedelta(days=2), at))
        row, value = scim_tokens.make(**made, expires_at=at + timedelta(days=1))
    refused(acme, token=old)
    assert acme.send("GET", "Users", token=value).status_code == 200
    with tenant_scope(acme.tenant.id):
        scim_tokens.revoke(tenant=acme.tenant, token_id=row.id, by=acme.party.actor, at=timezone.now())
    refused(acme, token=value)
    assert acme.get("Users").status_code == 200, "several at once"


@pytest.mark.parametrize("act", [users.deactivate, deletion.delete])
def test_what_yesterdays_administrator_took_along_opens_nothing(acme: Directory, act: Any) -> None:
    maker, directory = maker_of(acme, "access-manager")
    assert directory.get("Users").status_code == 200
    with tenant_scope(acme.tenant.id):
        act(tenant=acme.tenant, user_id=maker.id, by=acme.party.actor, at=timezone.now())
    refused(directory)


def test_a_token_does_not_come_back_with_its_maker(acme: Directory) -> None:
    maker, directory = maker_of(acme, "access-manager")
    who: Any = {"tenant": acme.tenant, "user_id": maker.id, "by": acme.party.actor}
    with tenant_scope(acme.tenant.id):
        users.deactivate(at=timezone.now(), **who)
        users.reactivate(at=timezone.now(), **who)
    refused(directory)
    assert ("scim_token.revoked", "user") in acme.history()
    assert acme.get("Users").status_code == 200, "made by somebody else"


def test_a_token_ends_with_the_factors_of_its_maker(acme: Directory) -> None:
    maker, directory = maker_of(acme, "access-manager")
    with tenant_scope(acme.tenant.id):
        with_app(maker, at=timezone.now())
        who: Any = {"tenant": acme.tenant, "user_id": maker.id, "by": acme.party.actor}
        factors.reset(at=timezone.now(), **who)
    refused(directory)


def test_a_token_may_what_its_maker_may_at_the_moment(acme: Directory) -> None:
    maker, directory = maker_of(acme, "access-manager")
    with tenant_scope(acme.tenant.id):
        for row in maker.assignments.all():
            row.during = since(acme.tenant.created_at, timezone.now())
            row.save()
    reply = directory.get("Users")
    assert (reply.status_code, reply["Content-Type"]) == (403, "application/scim+json")


def test_a_suspended_organization_has_no_directory(acme: Directory) -> None:
    tenants.suspend(tenant=acme.tenant, reason="late", by=factories.SYSTEM, at=timezone.now())
    refused(acme)


def test_who_may_not_do_it_makes_no_token_for_it(acme: Directory) -> None:
    reader = factories.make_user(acme.tenant, "reader", at=timezone.now())
    give(acme, "user-reader", user_id=reader.id)
    at = timezone.now()
    asked = {"tenant": acme.tenant, "note": "n", "welcome": "none", "at": at}
    with tenant_scope(acme.tenant.id):
        with pytest.raises(Forbidden) as raised:
            scim_tokens.make(**asked, by=factories.acting(reader), expires_at=at + timedelta(days=1))
        assert len(raised.value.reasons) == 6, "read on both is his"
        with pytest.raises(scim_tokens.PersonNeeded):
            by = Actor("service", "acme.planner", "Planner", acme.tenant.id)
            scim_tokens.make(**asked, by=by, expires_at=at + timedelta(days=1))
        for end in (at, at + timedelta(days=2000)):
            with pytest.raises(Invalid):
                scim_tokens.make(**asked, by=acme.party.actor, expires_at=end)
        for _ in range(scim_tokens.MOST - 1):
            scim_tokens.make(**asked, by=acme.party.actor, expires_at=at + timedelta(days=1))
        with pytest.raises(scim_tokens.TooManyTokens):
            scim_tokens.make(**asked, by=acme.party.actor, expires_at=at + timedelta(days=1))


def test_a_service_comes_with_a_token_of_its_own(acme: Directory) -> None:
    """As far as its roles go: each door asks for what it declares."""
    person(acme.party, "anybody")
    manager = service(acme.tenant, "sync", "access-manager")
    reader = service(acme.tenant, "look", "user-reader")
    other = service(acme.tenant, "idle", "activity-log-reader")
    for door in DOORS:
        asked = {part.partition(":")[2] for part in door.permission.split("|")}
        address, sent = address_of(door, acme.tenant), ("{}", "application/scim+json")
        found = {
            name: knocker.knock(door.method, address, *sent).status_code
            for name, knocker in (("manager", manager), ("reader", reader), ("other", other))
        }
        assert found["manager"] in (200, 400, 404), (door, found)
        assert (found["reader"] == 403) == (asked != {"read"}), (door, found)
        assert found["other"] == 403, (door, found)


def test_what_is_nowhere_is_said_in_words_of_scim(acme: Directory) -> None:
    for path in ("Nowhere", "Users/7", "Users/.search/x", f"Users/{uuid4()}", "Me", "Schemas/x"):
        reply = acme.get(path)
        assert (reply.status_code, reply["Content-Type"]) == (404, "application/scim+json"), path
        assert reply.json()["status"] == "404"
    reply = acme.send("DELETE", "Users")
    assert (reply.status_code, reply.json()["status"]) == (405, "405")
    for body, status in (("{", 400), ("[" * 100_000, 400), ('{"userName": "\\ud800"}', 400)):
        reply = acme.send("POST", "Users", body)
        assert (reply.status_code, reply["Content-Type"]) == (status, "application/scim+json")
