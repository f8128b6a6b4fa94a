"""One's own account: the applications one is signed in to, and ending one of these sign-ins."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client as Browser

from accesscontrol.models import Authorization
from iam_portal.decision import rfc3339
from iam_portal.walls import tenant_scope
from tenants.models import HistoryEvent, User
from tests.accesscontrol.oauth.conftest import World
from tests.accesscontrol.oauth.signed_in import SignedIn, give, person, signed_in

METER = "acme.meter"


@pytest.fixture
def world(shared: World, settings: Any) -> World:
    settings.ROOT_URLCONF = "iam_portal.urls"
    return shared


@pytest.fixture
def jane(world: World) -> User:
    user = person(world)
    give(world, user)
    return user


@pytest.fixture
def hers(world: World, jane: User) -> SignedIn:
    return signed_in(world, jane)


def at_console(world: World, cookie: str) -> Browser:
    found = Browser()
    found.cookies[f"iam_session_{world.globex.id.hex}"] = cookie
    return found


def page_of(world: World, signed: SignedIn) -> str:
    reply = at_console(world, signed.cookie).get(f"/t/{world.globex.slug}/account")
    assert reply.status_code == 200
    return str(reply.content.decode())


def ending(world: World, signed: SignedIn) -> str:
    return f"/t/{world.globex.slug}/account/applications/{signed.authorization.id}/end"


def living(world: World, user: User) -> list[Any]:
    with tenant_scope(world.globex.id):
        rows = Authorization.objects.living(tenant=world.globex, at=world.clock.at).filter(user=user)
        return sorted(rows.values_list("pk", flat=True))


def test_each_application_once_for_a_browser_and_once_for_good(
    world: World, jane: User, hers: SignedIn
) -> None:
    signed_in(world, jane, cookie=hers.cookie)
    lasting = signed_in(world, jane, offline=True, cookie=hers.cookie)
    shown = page_of(world, hers)
    assert shown.count("Meter · ") == 2
    assert shown.count("stays signed in") == 1
    assert ending(world, lasting) in shown


def test_without_any_it_says_what_stands_there(world: World, jane: User, hers: SignedIn) -> None:
    world.clock.forward(minutes=59)
    assert "Meter · " in page_of(world, hers)
    with tenant_scope(world.globex.id):
        Authorization.objects.update(used_at=world.clock.at - timedelta(hours=2))
    assert "An application that you open with this account" in page_of(world, hers)


def test_an_end_takes_what_is_shown_as_one_and_leaves_the_rest(
    world: World, jane: User, hers: SignedIn
) -> None:
    signed_in(world, jane, cookie=hers.cookie)
    lasting = signed_in(world, jane, offline=True, cookie=hers.cookie)
    browser, address = at_console(world, hers.cookie), ending(world, hers)
    assert "End the sign-in to Meter?" in browser.get(address).content.decode()
    assert browser.post(address)["Location"] == f"/t/{world.globex.slug}/account"
    assert living(world, jane) == [lasting.authorization.pk]
    assert world.introspect(METER, world.globex, hers.access_token).json() == {"active": False}
    assert browser.post(address).status_code == 404  # a second time there is none
    with tenant_scope(world.globex.id):
        told = list(HistoryEvent.objects.filter(action="authorization.ended"))
    assert [(each.actor_id, each.after["because"]) for each in told] == [(str(jane.id), "withdrawn")] * 2


def test_a_lasting_one_is_ended_from_any_browser(world: World, jane: User, hers: SignedIn) -> None:
    lasting = signed_in(world, jane, offline=True)
    assert at_console(world, hers.cookie).post(ending(world, lasting)).status_code == 302
    assert living(world, jane) == [hers.authorization.pk]


def test_nobody_elses(world: World, jane: User, hers: SignedIn) -> None:
    """A colleague's, a neighbour's of the same name, one that never was: not there, and untouched."""
    paul = signed_in(world, person(world, "paul"))
    other = signed_in(world, person(world, "jane", world.neighbour), "neighbour.meter")
    browser = at_console(world, hers.cookie)
    for signed in (paul, other):
        assert browser.post(ending(world, signed)).status_code == 404
    assert browser.post(f"/t/{world.globex.slug}/account/applications/{uuid4()}/end").status_code == 404
    assert living(world, paul.authorization.user)
    assert page_of(world, hers).count("Meter · ") == 1
    assert Browser().post(ending(world, hers))["Location"].startswith(f"/t/{world.globex.slug}/sign-in")
    assert living(world, jane)


def test_what_a_person_opens_is_not_for_others_to_look_at(world: World, jane: User, hers: SignedIn) -> None:
    boss = person(world, "boss")
    give(world, boss, "access-manager", "iam-portal")
    browser = at_console(world, signed_in(world, boss).cookie)
    shown = browser.get(f"/t/{world.globex.slug}/users/{jane.id}")
    assert shown.status_code == 200
    assert ending(world, hers) not in shown.content.decode()


def test_an_impact_says_when_a_person_last_used_it(world: World, jane: User, hers: SignedIn) -> None:
    world.assign(world.globex, "globex.reader", "iam-portal", "provision-contract-manager")
    paul = person(world, "paul")
    give(world, paul)
    used_at = world.clock.at
    world.clock.forward(minutes=5)
    contract = world.globex.contracts_received.get()
    path = f"/iam/application-management/v1/tenants/{world.globex.id}/contracts/{contract.id}/impact"
    reply = Browser().get(f"{path}?action=end", headers=bearer(world)).json()
    told = {item["name"]: item["lastUsedAt"] for item in reply["users"]["items"]}
    assert told == {"Jane": rfc3339(used_at), "Paul": None}
    assert reply["refreshTokens"] == {"count": 1}
    world.clock.forward(minutes=55)  # the sign-in idles away; that it was used is still known
    again = Browser().get(f"{path}?action=end", headers=bearer(world)).json()
    assert again["refreshTokens"] == {"count": 0}
    assert again["users"]["items"][0]["lastUsedAt"] == rfc3339(used_at)


def bearer(world: World) -> dict[str, str]:
    token = world.token("globex.reader", world.globex, "aud:iam-portal").json()["access_token"]
    return {"Authorization": f"Bearer {token}"}
