"""Groups kept by a directory, and who is in them."""

from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from accesscontrol.actions import assignments
from accesscontrol.actions.assignments import Wanted
from applications.models.applications import PORTAL_ID
from iam_portal.walls import tenant_scope
from tenants.models import HistoryEvent
from tests.accesscontrol.scim.conftest import Directory, token_of
from tests.support import factories


@pytest.fixture
def people(acme: Directory) -> list[str]:
    return [acme.make(name)["id"] for name in ("ann", "bob", "cy")]


def members(acme: Directory, path: str) -> list[str]:
    told = acme.get(f"{path}?attributes=members.display").json()
    return [each["display"] for each in told.get("members", ())]


def test_a_group_is_told_with_who_is_in_it(acme: Directory, people: list[str]) -> None:
    made = acme.make_group("Night", *people[:2], externalId="g1")
    assert acme.get(f"Groups/{made['id']}").json() == made
    assert [each["value"] for each in made["members"]] == people[:2]
    assert members(acme, f"Groups/{made['id']}") == ["ann@example.org", "bob@example.org"]
    assert (made["externalId"], made["meta"]["resourceType"]) == ("g1", "Group")
    person = acme.get(f"Users/{people[0]}").json()
    assert [(each["value"], each["display"]) for each in person["groups"]] == [(made["id"], "Night")]
    for body, status in (({"displayName": "NIGHT"}, 409), ({"displayName": "x", "externalId": "g1"}, 409)):
        reply = acme.send("POST", "Groups", body)
        assert (reply.status_code, reply.json()["scimType"]) == (status, "uniqueness")
    assert acme.found("Groups", 'displayName eq "x"') == []


# What is sent, and who of the first two (in the group) and the third is in it then. As directories send it.
SENT: list[tuple[list[dict[str, Any]], str]] = [
    ([{"op": "Add", "path": "members", "value": [{"value": "{cy}"}]}], "ann bob cy"),
    ([{"op": "add", "path": "members", "value": [{"$ref": None, "value": "{ann}"}]}], "ann bob"),
    ([{"op": "Remove", "path": "members", "value": [{"value": "{bob}"}]}], "ann"),
    ([{"op": "remove", "path": 'members[value eq "{bob}"]'}], "ann"),
    ([{"op": "remove", "path": 'members[value eq "{bob}" or value eq "{ann}"]'}], ""),
    ([{"op": "remove", "path": "members"}], ""),
    ([{"op": "replace", "path": "members", "value": [{"value": "{cy}", "type": "User"}]}], "cy"),
    ([{"op": "replace", "value": {"id": "x", "displayName": "Day", "members": [{"value": "{cy}"}]}}], "cy"),
    (
        [
            {"op": "remove", "path": "members"},
            {"op": "add", "path": "members", "value": "{bob}"},
            {"op": "add", "path": "members", "value": [{"value": "{cy}"}]},
            {"op": "remove", "path": 'members[value eq "{bob}"]'},
        ],
        "cy",
    ),
    (
        [
            {"op": "add", "path": "members", "value": [{"value": "{cy}"}]},
            {"op": "remove", "path": 'members[value eq "{cy}"]'},
        ],
        "ann bob",
    ),
]


@pytest.mark.parametrize(("operations", "expected"), SENT)
def test_members_are_changed_as_directories_send_it(
    acme: Directory, people: list[str], operations: list[dict[str, Any]], expected: str
) -> None:
    made = acme.make_group("Night", *people[:2])
    ids = dict(zip(("ann", "bob", "cy"), people, strict=True))
    reply = acme.patch(f"Groups/{made['id']}", *filled(operations, ids))
    assert reply.status_code == 200, reply.content
    assert members(acme, f"Groups/{made['id']}") == [f"{name}@example.org" for name in expected.split()]


def filled(value: Any, ids: dict[str, str]) -> Any:
    if isinstance(value, str):
        for name, found in ids.items():
            value = value.replace("{" + name + "}", found)
        return value
    if isinstance(value, dict):
        return {name: filled(each, ids) for name, each in value.items()}
    return [filled(each, ids) for each in value] if isinstance(value, list) else value


BAD: list[tuple[dict[str, Any], str]] = [
    ({"op": "add", "path": "members", "value": [{"value": str(uuid4())}]}, "invalidValue"),
    ({"op": "add", "path": "members", "value": [{"value": "nobody"}]}, "invalidValue"),
    ({"op": "add", "path": "members", "value": [{"display": "ann"}]}, "invalidValue"),
    ({"op": "add", "path": "members", "value": [{"value": str(uuid4()), "type": "Group"}]}, "invalidValue"),
    ({"op": "add", "path": "members", "value": [str(uuid4()) for _ in range(1001)]}, "tooMany"),
    ({"op": "remove", "path": 'members[display co "a"]'}, "invalidFilter"),
    ({"op": "remove", "path": "members[value eq 7]"}, "invalidValue"),
    ({"op": "replace", "path": 'members[value eq "x"].display', "value": "x"}, "mutability"),
    ({"op": "add", "path": 'members[value eq "x"]', "value": "x"}, "invalidPath"),
    ({"op": "remove", "path": "displayName"}, "mutability"),
    ({"op": "replace", "path": "meta", "value": {}}, "mutability"),
    ({"op": "replace", "path": "owner", "value": "x"}, "invalidPath"),
]


@pytest.mark.parametrize(("operation", "kind"), BAD)
def test_what_means_nothing_changes_nothing(
    acme: Directory, people: list[str], operation: dict[str, Any], kind: str
) -> None:
    made = acme.make_group("Night", *people[:2])
    reply = acme.patch(
        f"Groups/{made['id']}", {"op": "replace", "path": "displayName", "value": "Day"}, operation
    )
    assert (reply.status_code, reply.json()["scimType"]) == (400, kind), reply.content
    assert acme.get(f"Groups/{made['id']}").json() == made


def test_a_member_of_another_organization_is_nobody(acme: Directory, neighbour: Directory) -> None:
    """As somebody who was never made: the answers are alike."""
    stranger = neighbour.make("sue")["id"]
    made = acme.make_group("Night")
    answers = []
    for each in (stranger, str(uuid4())):
        reply = acme.patch(
            f"Groups/{made['id']}", {"op": "add", "path": "members", "value": [{"value": each}]}
        )
        answers.append((reply.status_code, reply.json()))
    assert answers[0] == answers[1] and answers[0][0] == 400


def test_a_whole_group_replaces_it_and_without_members_only_its_name(
    acme: Directory, people: list[str]
) -> None:
    made = acme.make_group("Night", *people[:2], externalId="g1")
    path = f"Groups/{made['id']}"
    assert acme.send("PUT", path, {"displayName": "Day"}).json().get("externalId") is None
    assert len(members(acme, path)) == 2
    body = {"displayName": "Day", "externalId": "g2", "members": [{"value": people[2]}]}
    assert acme.send("PUT", path, body).json()["externalId"] == "g2"
    assert members(acme, path) == ["cy@example.org"]
    assert acme.send("PUT", path, {"displayName": "Day", "members": []}).status_code == 200
    assert members(acme, path) == []


def test_a_version_knows_who_is_in_it(acme: Directory, people: list[str]) -> None:
    made = acme.make_group("Night")
    path, version = f"Groups/{made['id']}", made["meta"]["version"]
    add = {"op": "add", "path": "members", "value": [{"value": people[0]}]}
    first = acme.patch(path, add, **{"If-Match": version})
    assert first.status_code == 200 and first["ETag"] != version
    assert acme.patch(path, {"op": "remove", "path": "members"}, **{"If-Match": version}).status_code == 412
    assert acme.send("DELETE", path, **{"If-Match": first["ETag"]}).status_code == 204
    assert acme.get(path).status_code == 404


def test_its_name_in_the_directory_is_free_when_it_is_gone(acme: Directory) -> None:
    made = acme.make_group("Night", externalId="g1")
    assert acme.send("DELETE", f"Groups/{made['id']}").status_code == 204
    assert acme.make_group("Night", externalId="g1")["id"] != made["id"]


def test_what_stands_above_others_stays(acme: Directory) -> None:
    top = acme.group("Depots")
    factories.make_group(acme.tenant, "Hull", parent=top, at=acme.tenant.created_at)
    reply = acme.send("DELETE", f"Groups/{top.id}")
    assert (reply.status_code, reply["Content-Type"]) == (409, "application/scim+json")


def test_nobody_gives_a_permission_of_the_portal_by_a_token(acme: Directory, people: list[str]) -> None:
    """The group holds a role of the portal: not even who holds it himself gives it without the console."""
    at = acme.tenant.created_at
    maker = factories.make_user(acme.tenant, "maker", at=at)
    audit = acme.make_group("Audit", people[0])
    give(acme, "activity-log-reader", group_id=audit["id"])
    give(acme, "access-manager", user_id=maker.id)
    directory = Directory(acme.party, token_of(acme.tenant, factories.acting(maker)))
    plain = directory.make_group("Plain", people[1])
    path = f"Groups/{audit['id']}"
    let_in = {"op": "add", "path": "members", "value": [{"value": people[1]}]}
    out = {"op": "remove", "path": f'members[value eq "{people[0]}"]'}
    for operation in (let_in, out):
        refused = directory.patch(path, operation)
        assert (refused.status_code, refused["Content-Type"]) == (403, "application/scim+json")
    assert directory.send("DELETE", path).status_code == 403
    mailbox = {"op": "replace", "path": "emails.value", "value": "taken@example.org"}
    assert directory.patch(f"Users/{people[0]}", mailbox).status_code == 403, "he could act as him"
    assert directory.send("DELETE", f"Users/{people[0]}").status_code == 403
    assert members(acme, path) == ["ann@example.org"]
    with tenant_scope(acme.tenant.id):
        tried = HistoryEvent.objects.filter(action="grant.refused", actor_kind="scim")
        assert tried.count() == 5
    give(acme, "activity-log-reader", user_id=maker.id)
    assert directory.patch(path, let_in).status_code == 403, "now he holds it: the console asks for a proof"
    assert directory.patch(f"Users/{maker.id}", mailbox).status_code == 403, "its maker's own"
    assert directory.patch(f"Groups/{plain['id']}", {"op": "remove", "path": "members"}).status_code == 200


def give(acme: Directory, role: str, **principal: Any) -> None:
    wanted = Wanted(role=role, application_id=PORTAL_ID, **principal)
    with tenant_scope(acme.tenant.id):
        assignments.assign(tenant=acme.tenant, wanted=wanted, by=factories.SYSTEM, at=timezone.now())


def test_many_move_in_as_many_queries_as_one(acme: Directory, django_assert_max_num_queries) -> None:
    ids = [acme.make(f"p{number}")["id"] for number in range(8)]
    made = acme.make_group("Night")
    for count in (1, 7):
        chosen = [{"value": each} for each in ids[:count]]
        for verb in ("add", "remove"):
            with django_assert_max_num_queries(MOVED):
                reply = acme.patch(f"Groups/{made['id']}", {"op": verb, "path": "members", "value": chosen})
            assert reply.status_code == 200


MOVED = 70


def test_who_is_inactive_comes_in_and_holds_nothing_until_he_is_back(acme: Directory) -> None:
    """A directory sends members whether or not they work at the moment; who lets one back is asked."""
    gone = acme.make("kim", active=False)
    audit = acme.make_group("Audit", gone["id"])
    assert members(acme, f"Groups/{audit['id']}") == ["kim@example.org"]
    give(acme, "activity-log-reader", group_id=audit["id"])
    maker = factories.make_user(acme.tenant, "maker", at=acme.tenant.created_at)
    give(acme, "access-manager", user_id=maker.id)
    directory = Directory(acme.party, token_of(acme.tenant, factories.acting(maker)))
    back = {"op": "replace", "value": {"active": True}}
    assert directory.patch(f"Users/{gone['id']}", back).status_code == 403
    assert acme.patch(f"Users/{gone['id']}", back).status_code == 403, (
        "what is of the portal is the console's"
    )
