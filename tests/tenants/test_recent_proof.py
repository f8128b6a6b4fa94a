"""Acts that give power or cannot be undone: who gave his password long ago is asked again, and goes on."""

import itertools
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from iam_portal.launchers import doors
from iam_portal.walls import tenant_scope
from tenants.http import cookie_name
from tenants.models import ProofFailure, User, UserSession
from tests.applications.story import Party, party
from tests.support import factories
from tests.support.authenticating import Device
from tests.support.factories import PASSWORD
from tests.support.once import made_once, savepoint
from tests.support.proven import PAGES, REST_ALONE
from tests.tenants.second_factors import Visit


@pytest.fixture(scope="module")
def shared(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[tuple[Party, User]]:
    with made_once(django_db_blocker):
        acme = party("acme")
        yield acme, factories.make_user(acme.tenant, "sam", at=timezone.now())


@pytest.fixture
def acme(shared: tuple[Party, User], django_db_blocker: DjangoDbBlocker) -> Iterator[Party]:
    with savepoint(django_db_blocker):
        yield shared[0].fork()


@pytest.fixture
def sam(shared: tuple[Party, User]) -> User:
    return shared[1]


def later(acme: Party, **delta: float) -> None:
    """The last proof was that long ago."""
    with tenant_scope(acme.tenant.id):
        UserSession.objects.update(created_at=F("created_at") - timedelta(**delta))


def session_of(acme: Party) -> str:
    return acme.client.cookies[cookie_name(acme.tenant.id)].value


def confirm(acme: Party, address: str, **sent: str) -> Any:
    return acme.client.post(address, sent or {"password": PASSWORD})


def asking() -> tuple[set[str], dict[str, str]]:
    """The pages that ask again, and the acts of REST that do, with the address of their door."""
    pages, rest = set(), {}
    for door in doors.doors():
        view = door.pattern.callback
        cls = getattr(view, "view_class", getattr(view, "cls", None))
        given = getattr(view, "view_initkwargs", None) or getattr(view, "initkwargs", {})
        recent = given.get("recent", getattr(cls, "recent", False))
        if door.kind == "page" and recent is True:
            pages.add(str(door.pattern.pattern))
        elif door.kind == "rest" and recent:
            acts = getattr(cls, "recent_acts", ()) or ("{act}",)
            for method, act in itertools.product(recent, acts):
                address = door.address.replace("{act}", act)
                rest[f"{method} {address.split('{tenant_id}/')[1]}"] = address
    return pages, rest


def test_which_doors_ask_again() -> None:
    pages, rest = asking()
    assert pages == set(PAGES)
    same = {act for _, act in PAGES.values() if act}
    assert set(rest) == same | REST_ALONE, "a page and the door of REST that does the same ask alike"


# What stands for the parts of an address; the proof is asked for before anybody looks whether it is there.
PARTS = {
    "application_id": "acme.fleet-planner",
    "client_id": "acme.fleet-planner",
    "key": "reader",
    "kid": "one",
}
SOME_ID = "8a1b1a52-5b0c-4b8f-9a38-3c1f0b7c2d11"


def filled(address: str, **known: str) -> str:
    return re.sub(
        r"<(?:\w+:)?(\w+)>|{(\w+)}",
        lambda part: {**PARTS, **known}.get(part[1] or part[2], SOME_ID),
        address,
    )


def test_no_page_takes_a_form_from_who_proved_himself_long_ago(acme: Party) -> None:
    later(acme, minutes=16)
    for pattern in PAGES:
        if not pattern.startswith("platform/"):  # not there for this organization
            path = acme.url(filled(pattern))
            assert acme.client.post(path)["Location"].startswith("/t/acme/account/confirm?next="), pattern


def test_no_door_of_rest_takes_a_body_from_him(acme: Party) -> None:
    later(acme, minutes=16)
    for act, address in asking()[1].items():
        path = filled(address, tenant_id=str(acme.tenant.id))
        if "/organizations" not in path:  # not there for this organization
            reply = acme.client.generic(act.split()[0], path, "{}", content_type="application/json")
            assert (reply.status_code, reply.json()["code"]) == (403, "proof_needed"), act


def test_who_found_a_browser_open_gives_no_client_his_own_key(acme: Party) -> None:
    path = f"applications/acme.fleet-planner/clients/{PARTS['client_id']}"
    base = f"/iam/application-management/v1/tenants/{acme.tenant.id}/"
    before = acme.client.get(base + path)
    later(acme, minutes=16)
    wanted = {"authenticationMethod": "private_key_jwt", "jwksUri": "https://evil.example/jwks"}
    sent = acme.client.patch(base + path, json.dumps(wanted), content_type="application/json")
    assert sent.json()["code"] == "proof_needed"
    form = {"authentication_method": "private_key_jwt", "jwks_uri": wanted["jwksUri"], "algorithm": "ES256"}
    assert acme.post(path, **form, revision=1)["Location"].startswith("/t/acme/account/confirm")
    assert acme.client.get(base + path).json() == before.json()
    confirm(acme, acme.url("account/confirm"))
    assert wanted["jwksUri"] in acme.get(path).content.decode(), "what was typed came back, to look at"
    sent = acme.client.patch(base + path, json.dumps(wanted), content_type="application/json")
    assert sent.status_code == 200, "and whoever proves himself goes on"


def test_a_fresh_one_is_not_asked(acme: Party, sam: User) -> None:
    later(acme, minutes=14)
    assert acme.get(f"users/{sam.id}/delete").status_code == 200


def test_asked_before_the_form_and_back_to_it(acme: Party, sam: User) -> None:
    later(acme, minutes=16)
    asked = acme.get(f"users/{sam.id}/change")
    assert asked["Location"] == f"/t/acme/account/confirm?next=%2Ft%2Facme%2Fusers%2F{sam.id}%2Fchange"
    page = acme.client.get(asked["Location"])
    assert b'name="password"' in page.content and b"data-passkey" not in page.content

    former = session_of(acme)
    back = confirm(acme, asked["Location"])
    assert back["Location"] == f"/t/acme/users/{sam.id}/change"
    assert session_of(acme) != former, "the session has another value from now on"
    assert acme.client.get(back["Location"]).status_code == 200
    thief = acme.fork()
    thief.client.cookies[cookie_name(acme.tenant.id)] = former
    assert thief.get("account").status_code == 302, "whoever knew the former one is out"


def test_what_was_typed_when_it_was_too_late_comes_back(acme: Party, sam: User) -> None:
    page = acme.get(f"users/{sam.id}/change")
    given = {name: page.context["form"][name].value() for name in ("username", "email", "revision")}
    later(acme, minutes=16)
    asked = acme.post(f"users/{sam.id}/change", **given, display_name="Samuel <b>")
    assert asked["Location"].startswith("/t/acme/account/confirm?next="), "and nothing is done"
    assert "Samuel" not in asked["Location"]
    with tenant_scope(acme.tenant.id):
        assert User.objects.get(pk=sam.pk).display_name == "Sam"
    back = confirm(acme, asked["Location"])
    shown = acme.client.get(back["Location"]).content.decode()
    assert 'value="Samuel &lt;b&gt;"' in shown and "Nothing was done yet" in shown
    assert acme.post(f"users/{sam.id}/change", **given, display_name="Samuel").status_code == 302
    with tenant_scope(acme.tenant.id):
        assert User.objects.get(pk=sam.pk).display_name == "Samuel"


def test_a_part_of_a_page_is_led_as_a_whole(acme: Party, sam: User) -> None:
    later(acme, minutes=16)
    path = acme.url(f"users/{sam.id}/delete")
    reply = acme.client.get(path, headers={"HX-Request": "true"})
    assert reply.status_code == 200 and reply["HX-Redirect"].startswith("/t/acme/account/confirm?next=")


def test_ten_wrong_passwords_and_one_waits(acme: Party) -> None:
    later(acme, minutes=16)
    address = acme.url("account/confirm")
    for _ in range(10):
        wrong = confirm(acme, address, password="not my password")
        assert wrong.status_code == 200 and "not your password" in wrong.content.decode()
    right = confirm(acme, address)
    assert (right.status_code, right["Retry-After"]) == (429, "300")
    with tenant_scope(acme.tenant.id):
        assert ProofFailure.objects.count() == 10


@pytest.mark.parametrize("sent", [{}, {"password": ""}, {"password": "\0"}, {"password": "x" * 1001}])
def test_what_is_no_password(acme: Party, sent: dict[str, str]) -> None:
    assert acme.client.post(acme.url("account/confirm"), sent).status_code == 200


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_it_leads_nowhere_else(acme: Party, elsewhere: str) -> None:
    assert confirm(acme, f"{acme.url('account/confirm')}?next={elsewhere}")["Location"] == "/t/acme/"


def test_with_a_passkey(acme: Party, sam: User) -> None:
    jane, device = Visit(acme.tenant, acme.user, acme.client), Device()
    assert jane.make_passkey(device).status_code == 200
    later(acme, minutes=16)
    asked = acme.get(f"users/{sam.id}/delete")
    path = asked["Location"].removeprefix("/t/acme/")
    former = session_of(acme)
    assert jane.prove_with(device, path)["Location"] == f"/t/acme/users/{sam.id}/delete"
    assert session_of(acme) != former
    assert acme.get(f"users/{sam.id}/delete").status_code == 200


def test_it_is_no_sign_in_for_applications(acme: Party) -> None:
    """An application that wants somebody signed in lately is not told of a confirmation."""
    with tenant_scope(acme.tenant.id):
        before = UserSession.objects.get(user=acme.user)
    confirm(acme, acme.url("account/confirm"))
    with tenant_scope(acme.tenant.id):
        after = UserSession.objects.get(user=acme.user)
    assert after.authenticated_at == before.authenticated_at and after.methods == before.methods
    assert after.proven_at > before.proven_at


def test_the_choice_of_the_organization_counts(acme: Party, sam: User) -> None:
    acme.tenant.proof_seconds = 3600
    acme.tenant.save()
    later(acme, minutes=50)
    assert acme.get(f"users/{sam.id}/delete").status_code == 200
    later(acme, minutes=11)
    assert acme.get(f"users/{sam.id}/delete").status_code == 302


def test_rest_by_the_browsers_session_asks_too(acme: Party, sam: User) -> None:
    base = f"/iam/access-management/v1/tenants/{acme.tenant.id}"
    later(acme, minutes=16)
    refused = acme.client.patch(
        f"{base}/users/{sam.id}", json.dumps({"displayName": "X"}), content_type="application/json"
    )
    assert (refused.status_code, refused.json()["code"]) == (403, "proof_needed")
    act = acme.client.post(f"{base}/users/{sam.id}/deactivate", "{}", content_type="application/json")
    assert act.status_code == 200, "this one can be undone"
    back = acme.client.post(f"{base}/users/{sam.id}/reactivate", "{}", content_type="application/json")
    assert back.status_code == 403
    assert acme.client.get(f"{base}/users").status_code == 200, "reading never asks"
    confirm(acme, acme.url("account/confirm"))
    back = acme.client.post(f"{base}/users/{sam.id}/reactivate", "{}", content_type="application/json")
    assert back.status_code == 200
