"""Roles that ask for a second factor: whom they meet, and that nothing is to be had before one is set up."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from accesscontrol.actions import second_factors
from applications.models.applications import PORTAL_ID
from iam_portal.walls import tenant_scope
from tenants.models import Tenant, UserSession
from tests.applications.story import Party, party, person
from tests.support import factories
from tests.support.authenticating import Device, with_app
from tests.support.knocking import give
from tests.support.once import made_once, savepoint
from tests.tenants.second_factors import Visit, now_code, options

MANAGER = f"{PORTAL_ID}/access-manager"


@pytest.fixture(scope="module")
def shared(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Party]:
    with made_once(django_db_blocker):
        yield party("acme")


@pytest.fixture
def acme(shared: Party, django_db_blocker: DjangoDbBlocker) -> Iterator[Party]:
    with savepoint(django_db_blocker):
        yield shared.fork()


def asks(acme: Party, *roles: str) -> None:
    Tenant.objects.filter(pk=acme.tenant.pk).update(second_factor_roles=list(roles))
    acme.tenant.refresh_from_db()


def somebody(acme: Party, username: str, *roles: str) -> Visit:
    user = factories.make_user(acme.tenant, username, at=timezone.now())
    for role in roles:
        give(acme.tenant, role, user_id=user.id)
    return Visit(acme.tenant, user)


def door(acme: Party) -> str:
    return f"/iam/access-management/v1/tenants/{acme.tenant.id}/second-factors"


def put(acme: Party, body: Any, **headers: str) -> Any:
    return acme.client.put(door(acme), json.dumps(body), content_type="application/json", headers=headers)


def test_who_holds_the_role_sets_a_factor_up_before_anything_else(acme: Party) -> None:
    asks(acme, MANAGER)
    kim, lee = somebody(acme, "kim", "access-manager"), somebody(acme, "lee", "user-reader")
    assert lee.password()["Location"] == "/t/acme/", "others sign in as ever"

    assert kim.password(next="/t/acme/users")["Location"].startswith("/t/acme/sign-in/second?next=")
    for path in ("", "users", "account", "account/factors/app", "contracts"):
        assert kim.get(path)["Location"].startswith("/t/acme/sign-in?"), path
    assert kim.client.get(f"/iam/access-management/v1/tenants/{acme.tenant.id}/users").status_code == 401
    with tenant_scope(acme.tenant.id):
        assert not UserSession.objects.filter(user=kim.user).exists()

    led = kim.get("sign-in/second?next=%2Ft%2Facme%2Fusers")["Location"]
    page = kim.client.get(led)
    assert "Access Manager" in page.content.decode()
    secret = page.context["secret"].replace(" ", "")
    sent = {"name": "phone", "code": now_code(secret), "set_up": page.context["set_up"]}
    done = kim.client.post(led, sent)
    assert len(done.context["codes"]) == 10 and done.context["done_url"] == "/t/acme/users"
    assert kim.is_in
    with tenant_scope(acme.tenant.id):
        assert UserSession.objects.get(user=kim.user).methods == ["mfa", "otp", "pwd"]


def test_an_application_gets_no_code_before(acme: Party) -> None:
    """The authorization endpoint knows sessions alone: it sends him to sign in, and silently says so."""
    asks(acme, MANAGER)
    kim = somebody(acme, "kim", "access-manager")
    kim.password()
    asked = {"client_id": "acme.fleet-planner", "response_type": "code", "scope": "openid"}
    address = f"/iam/auth/realms/{acme.tenant.id}/protocol/openid-connect/auth"
    reply = kim.client.get(address, asked)
    assert "code=" not in reply.get("Location", "")
    assert reply.status_code in (302, 400)


def test_or_makes_a_passkey(acme: Party) -> None:
    asks(acme, "*")
    kim, device = somebody(acme, "kim"), Device()
    kim.password()
    page = kim.get("sign-in/set-up")
    answer = device.make(options(page.context["asked"]))
    sent = {"name": "key", "credential": answer, "challenge": page.context["asked"]["challenge"]}
    assert len(kim.post("sign-in/set-up", **sent).context["codes"]) == 10 and kim.is_in

    again = kim.again()
    again.password()
    assert again.post("sign-in/set-up", **sent)["Location"].startswith("/t/acme/sign-in?"), "sent twice"


def test_a_mistyped_first_code_keeps_the_picture(acme: Party) -> None:
    asks(acme, "*")
    kim = somebody(acme, "kim")
    kim.password()
    page = kim.get("sign-in/set-up")
    wrong = {"name": "phone", "code": "000000", "set_up": page.context["set_up"]}
    again = kim.post("sign-in/set-up", **wrong)
    assert again.status_code == 200 and again.context["secret"] == page.context["secret"]
    assert 'value="phone"' in again.content.decode() and not kim.is_in


def test_it_reaches_through_groups_and_roles_of_ones_own(acme: Party) -> None:
    kim, lee = somebody(acme, "kim"), somebody(acme, "lee")
    top = factories.make_group(acme.tenant, "Top", at=timezone.now())
    factories.make_group(acme.tenant, "Below", parent=top, members=(kim.user,), at=timezone.now())
    give(acme.tenant, "access-manager", group_id=top.id)
    asks(acme, MANAGER)
    assert "sign-in/second" in kim.password()["Location"]
    assert lee.password()["Location"] == "/t/acme/"


def own_role(acme: Party, key: str, *allowed: str) -> None:
    pairs = [each.split(":") for each in allowed]
    wanted = [
        {
            "applicationId": PORTAL_ID,
            "resourceType": "urn:iam:portal",
            "resourceId": name,
            "privileges": [privilege],
        }
        for name, privilege in pairs
    ]
    body = {"key": key, "name": key.capitalize(), "permissions": wanted}
    reply = acme.client.post(door(acme).replace("second-factors", "roles"), body, "application/json")
    assert reply.status_code == 201, reply.content


COPIES = [
    (("access-manager",), ("Roles:modify", "Users:read"), True),
    (("access-manager",), ("Users:modify",), True),
    (("access-manager",), ("Users:read", "Groups:read", "Roles:read"), False),
    (("access-manager",), ("Webhooks:modify",), False),
    (("activity-log-reader",), ("ActivityLog:read", "Users:read"), True),
    (("activity-log-reader",), ("Users:read",), False),
    ((), ("Roles:modify",), False),
]


@pytest.mark.parametrize(("chosen", "allowed", "asked"), COPIES)
def test_a_copy_of_an_asking_role_asks_under_its_own_key(
    acme: Party, chosen: tuple[str, ...], allowed: tuple[str, ...], asked: bool
) -> None:
    own_role(acme, "night", *allowed)
    kim = somebody(acme, "kim")
    asks(acme, *(f"{PORTAL_ID}/{role}" for role in chosen))
    given = {"principal": {"userId": str(kim.user.id)}, "role": {"key": "night"}}
    reply = acme.client.post(door(acme).replace("second-factors", "assignments"), given, "application/json")
    assert reply.status_code == 201, reply.content
    assert ("sign-in/second" in kim.password()["Location"]) is asked
    told = {each["name"] for each in acme.client.get(door(acme)).json()["asked"]["items"]}
    assert ("Kim" in told) is asked, "and the administrator sees whom it meets"


def test_nor_does_a_neighbours_role_count_here(acme: Party) -> None:
    neighbour = party("neighbour")
    own_role(neighbour, "night", "Roles:modify")
    own_role(acme, "night", "Webhooks:modify")
    asks(acme, MANAGER)
    reached = second_factors.reaching(tenant=acme.tenant, roles=[MANAGER], at=timezone.now())
    assert reached == [MANAGER]


def test_the_last_factor_stays_while_a_role_asks(acme: Party) -> None:
    kim = somebody(acme, "kim", "access-manager")
    secret, _codes = with_app(kim.user, at=timezone.now())
    kim.password()
    kim.code(now_code(secret))
    asks(acme, MANAGER)
    listed = kim.get("account/factors").content.decode()
    assert "this is the only one" in listed
    factor = re.search(r"account/factors/([0-9a-f-]{36})/remove", listed)
    assert factor is None
    with tenant_scope(acme.tenant.id):
        only = kim.user.apps.get()
    refused = kim.post(f"account/factors/{only.pk}/remove")
    assert refused.status_code == 302
    assert "this is the only one" in kim.get("account/factors").content.decode()
    assert kim.make_passkey(Device()).status_code == 302
    assert kim.post(f"account/factors/{only.pk}/remove").status_code == 302
    with tenant_scope(acme.tenant.id):
        assert (kim.user.apps.count(), kim.user.passkeys.count()) == (0, 1)


def test_choosing_by_page_shows_whom_it_meets(acme: Party) -> None:
    kim = somebody(acme, "kim", "access-manager")
    with_app(kim.user, at=timezone.now())
    page = acme.get("settings/second-factors")
    labels = dict(page.context["form"].fields["roles"].choices)
    assert labels[MANAGER] == "Access Manager · 2 people, 1 without one"
    assert labels["*"] == "Everybody · 2 people, 1 without one"

    sent = {"revision": page.context["form"]["revision"].value(), "roles": [MANAGER]}
    assert acme.post("settings/second-factors", **sent).status_code == 302
    shown = acme.get("settings/second-factors")
    assert [each["name"] for each in shown.context["asked"]] == ["Jane"]
    assert acme.post("settings/second-factors", **sent).status_code == 200, "somebody was faster"
    assert acme.client.get(acme.url("account")).status_code == 200, "nobody is signed out by it"


def test_choosing_by_rest(acme: Party) -> None:
    body = {"roles": [{"applicationId": PORTAL_ID, "key": "access-manager"}]}
    revision = acme.client.get(door(acme))["ETag"]
    reply = put(acme, body, **{"If-Match": revision})
    assert reply.status_code == 200
    told = reply.json()
    assert told["roles"] == body["roles"] and told["everybody"] is False
    assert told["asked"] == {"count": 1, "items": [{"userId": str(acme.user.id), "name": "Jane"}]}
    assert put(acme, body, **{"If-Match": revision}).status_code == 412
    assert put(acme, {"everybody": True, "roles": []}).json()["everybody"] is True


WRONG = [
    {},
    {"roles": "x"},
    {"roles": [{"key": "nothing"}]},
    {"roles": [{"applicationId": PORTAL_ID, "key": "nothing"}]},
    {"roles": [{"applicationId": "acme.fleet-planner", "key": "reader"}]},
    {"roles": [], "everybody": "maybe"},
    {"roles": [{"key": "*"}], "surprise": 1},
    {"roles": [{"key": "\x00"}]},
    [],
]


@pytest.mark.parametrize("body", WRONG, ids=range(len(WRONG)))
def test_what_cannot_be_chosen(acme: Party, body: Any) -> None:
    assert put(acme, body).status_code == 400
    acme.tenant.refresh_from_db()
    assert acme.tenant.second_factor_roles == []


def test_a_neighbours_rule_meets_nobody_here(acme: Party) -> None:
    neighbour = party("neighbour")
    Tenant.objects.filter(pk=neighbour.tenant.pk).update(second_factor_roles=["*"])
    kim = somebody(acme, "kim")
    assert kim.password()["Location"] == "/t/acme/"
    assert neighbour.client.get(door(acme)).status_code in (401, 404)


def test_an_administrator_resets_and_the_person_begins_anew(acme: Party) -> None:
    kim = somebody(acme, "kim", "user-reader")
    secret, _ = with_app(kim.user, at=timezone.now())
    kim.password()
    kim.code(now_code(secret))
    assert kim.is_in
    assert acme.post(f"users/{kim.user.id}/reset-factors").status_code == 302
    assert not kim.is_in, "signed out everywhere"
    assert kim.password()["Location"] == "/t/acme/"
    assert acme.post(f"users/{kim.user.id}/reset-factors").status_code == 302
    page = acme.get(f"users/{kim.user.id}")
    assert "has no second factor" in page.content.decode()


def test_a_reader_resets_nobody(acme: Party) -> None:
    kim = somebody(acme, "kim")
    reader = person(acme, "lee", "user-reader")
    assert reader.post(f"/t/acme/users/{kim.user.id}/reset-factors").status_code == 403


def test_resetting_by_rest(acme: Party) -> None:
    kim = somebody(acme, "kim")
    with_app(kim.user, at=timezone.now())
    address = f"/iam/access-management/v1/tenants/{acme.tenant.id}/users/{kim.user.id}/reset-factors"
    assert acme.client.post(address, "{}", content_type="application/json").status_code == 204
    again = acme.client.post(address, "{}", content_type="application/json")
    assert (again.status_code, again.json()["code"]) == (409, "no_factor")
    nobody = address.replace(str(kim.user.id), str(acme.tenant.id))
    assert acme.client.post(nobody, "{}", content_type="application/json").status_code == 404
