"""Assignments in bulk, resources to make roles of, and technical accounts: REST, with a neighbour."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from accesscontrol.models import Assignment
from applications.models import ServiceAccount
from iam_portal.walls import tenant_scope
from tenants.models import HistoryEvent, User, since
from tests.applications.story import Party, party, person, share
from tests.support.factories import make_group, make_partners, make_resource, make_user
from tests.support.once import made_once, savepoint


@pytest.fixture(scope="module")
def parties(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Party]]:
    """Acme provides its planner to beta; the neighbour has the same names and nothing to do with them."""
    settings.STATIC_ROOT = str(tmp_path_factory.mktemp("static"))
    with made_once(django_db_blocker):
        made = {slug: party(slug) for slug in ("acme", "beta", "neighbour")}
        make_partners(made["acme"].tenant, made["beta"].tenant, at=timezone.now())
        share(made["acme"], made["beta"], made["acme"].applications["planner"])
        for each in made.values():
            joe = make_user(each.tenant, "joe", at=timezone.now())
            make_group(each.tenant, "Depots", members=(joe,), at=timezone.now())
        yield made


@pytest.fixture
def beta(parties: dict[str, Party], django_db_blocker: DjangoDbBlocker) -> Iterator[Party]:
    with savepoint(django_db_blocker):
        yield parties["beta"].fork()


def call(party: Party, method: str, path: str, body: Any = None, by: Any = None, **headers: str) -> Any:
    address = f"/iam/access-management/v1/tenants/{party.tenant.id}/{path}"
    sent = "" if body is None else json.dumps(body)
    address, _, query = address.partition("?")
    return (by or party.client).generic(
        method, address, sent, "application/json", headers=headers, QUERY_STRING=query
    )


def user_of(party: Party, name: str) -> User:
    with tenant_scope(party.tenant.id):
        return User.objects.get(tenant=party.tenant, username=name)


def item(user: User, key: str = "reader", application: str = "acme.fleet-planner") -> dict[str, Any]:
    return {"principal": {"userId": str(user.id)}, "role": {"applicationId": application, "key": key}}


def batch(party: Party, items: Any, **more: Any) -> Any:
    return call(party, "POST", "assignments:batch", {"items": items}, **more)


def outcomes(reply: Any) -> list[tuple[int, str | None]]:
    assert reply.status_code == 200, reply.content
    return [
        (row["status"], row["problem"]["code"] if row["problem"] else None) for row in reply.json()["items"]
    ]


def held(party: Party, user: User) -> int:
    with tenant_scope(party.tenant.id):
        return Assignment.objects.filter(tenant=party.tenant, user=user).count()


def history_of(party: Party) -> list[str]:
    with tenant_scope(party.tenant.id):
        rows = HistoryEvent.objects.filter(tenant=party.tenant, action__regex="^(role|grant)")
        return list(rows.order_by("id").values_list("action", flat=True))


# --- assignments in bulk ------------------------------------------------------------------------------


def test_each_is_made_or_refused_for_itself(beta: Party, parties: dict[str, Party]) -> None:
    joe, stranger = user_of(beta, "joe"), user_of(parties["neighbour"], "joe")
    before = len(history_of(beta))
    reply = batch(
        beta,
        [
            item(joe),
            item(joe),
            item(joe, key="nothing"),
            item(stranger),
            item(joe, application="neighbour.fleet-planner"),
            {**item(joe), "colour": "red"},
            {**item(joe), "until": "2020-01-01T00:00:00Z"},
            None,
            "text",
            item(joe, key="planner"),
        ],
    )
    assert outcomes(reply) == [
        (201, None),
        (409, "already_assigned"),
        (404, "not_found"),
        (404, "not_found"),
        (404, "not_found"),
        (400, "invalid"),
        (400, "invalid"),
        (400, "invalid"),
        (400, "invalid"),
        (201, None),
    ]
    rows = reply.json()["items"]
    assert rows[5]["problem"]["errors"][0]["pointer"] == "/colour"
    assert rows[0]["assignment"]["role"] == {"applicationId": "acme.fleet-planner", "key": "reader"}
    assert (held(beta, joe), history_of(beta)[before:]) == (2, ["role.assigned"] * 2)
    found = call(beta, "GET", "assignments?limit=500").json()["items"]
    assert rows[0]["assignment"] in found and rows[9]["assignment"] in found


@pytest.mark.parametrize("items", [[], None, "x", {}, [[]] * 501])
def test_a_batch_that_is_none(beta: Party, items: Any) -> None:
    reply = batch(beta, items)
    assert (reply.status_code, reply.json()["code"]) == (400, "invalid")


def test_what_one_may_not_give_is_refused_and_recorded(beta: Party) -> None:
    """In a batch as alone: the refusal is in the history, though others of the batch were made."""
    lee, joe = person(beta, "lee", "access-manager"), user_of(beta, "joe")
    stronger = item(joe, "organization-manager", "iam-portal")
    before = len(history_of(beta))
    reply = batch(beta, [item(joe), stronger, item(joe, key="planner")], by=lee)
    assert outcomes(reply) == [(201, None), (403, "forbidden"), (201, None)]
    assert history_of(beta)[before:] == ["role.assigned", "grant.refused", "role.assigned"]
    assert held(beta, joe) == 2


def test_a_batch_sent_twice_is_done_once(beta: Party) -> None:
    joe, key = user_of(beta, "joe"), {"Idempotency-Key": "batch-1"}
    first = batch(beta, [item(joe), item(joe)], **key)
    again = batch(beta, [item(joe), item(joe)], **key)
    assert (again.status_code, again.content) == (200, first.content)
    assert outcomes(first) == [(201, None), (409, "already_assigned")]
    assert held(beta, joe) == 1


def test_who_may_not_hand_out_roles_makes_no_batch(beta: Party) -> None:
    reader = person(beta, "kim", "user-reader")
    assert batch(beta, [item(user_of(beta, "joe"))], by=reader).status_code == 403


# --- resources ----------------------------------------------------------------------------------------


def test_resources_that_roles_can_be_made_of(beta: Party, parties: dict[str, Party]) -> None:
    planner = parties["acme"].applications["planner"]
    dynamic = {"kind": "urn:fleet:tour", "privileges": ("read", "delete"), "during": since(timezone.now())}
    for slug, key in (("beta", "tour-1"), ("neighbour", "tour-2")):
        owner = parties[slug].tenant
        with tenant_scope(owner.id):
            make_resource(planner.id, key, owner=owner, **dynamic)
    reply = call(beta, "GET", f"resources?applicationId={planner.id}")
    rows = [(row["resourceId"], row["kind"], row["privileges"]) for row in reply.json()["items"]]
    # Offered is also ``modify``, but no role that is granted here holds it.
    assert rows == [("tour-1", "dynamic", ["read", "delete"]), ("tours", "static", ["read"])]

    found, following = [], "resources?limit=3"
    while following:
        page = call(beta, "GET", following).json()
        found += [(row["applicationId"], row["resourceType"], row["resourceId"]) for row in page["items"]]
        following = page["next"] and "resources?" + page["next"].partition("?")[2]
    assert found == sorted(set(found))
    assert {"iam-portal", "acme.fleet-planner", "beta.fleet-planner"} == {row[0] for row in found}
    assert {"tours", "tour-1"} <= {row[2] for row in found} and "tour-2" not in {row[2] for row in found}
    searched = call(beta, "GET", "resources?search=TOUR-").json()["items"]
    assert [row["resourceId"] for row in searched] == ["tour-1"]
    for query in ("applicationId=neighbour.fleet-planner", "search=%25"):
        assert call(beta, "GET", f"resources?{query}").json() == {"items": [], "next": None}
    assert call(beta, "GET", "resources?applicationId=%00").status_code == 400
    assert call(beta, "GET", "resources?cursor=WyJ4Il0").status_code == 400


# --- technical accounts -------------------------------------------------------------------------------


def test_a_technical_account_is_no_user_and_has_its_own_address(
    beta: Party, parties: dict[str, Party]
) -> None:
    planner = parties["acme"].applications["planner"]
    here = ServiceAccount.objects.create(application=planner, tenant=beta.tenant)
    there = ServiceAccount.objects.create(application=planner, tenant=parties["acme"].tenant)
    found = call(beta, "GET", f"service-accounts/{here.id}")
    assert found.json() == {
        "serviceAccountId": str(here.id),
        "applicationId": planner.id,
        "tenantId": str(beta.tenant.id),
    }
    assert call(beta, "GET", f"users/{here.id}").status_code == 404
    assert str(here.id) not in call(beta, "GET", "users?limit=500").content.decode()
    foreign, unknown = (call(beta, "GET", f"service-accounts/{pk}") for pk in (there.id, uuid4()))
    assert foreign.status_code == unknown.status_code == 404
    assert {**foreign.json(), "instance": ""} == {**unknown.json(), "instance": ""}
