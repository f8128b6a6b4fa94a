"""Documents that no application should send: each is refused in words, and nothing is changed."""

from typing import Any

import pytest

from accesscontrol.actions import assignments
from accesscontrol.actions.assignments import Wanted
from applications.manifest import parse
from applications.serializers import manifest as shapes
from iam_portal.errors import Invalid
from iam_portal.walls import tenant_scope
from tests.applications.chain import Chain, call, of
from tests.applications.test_manifest_doors import OWN, counted, document, itself, now
from tests.support.factories import SYSTEM
from tests.support.knocking import Knocker, service

THERE = {"type": "urn:test", "id": "machines"}
ROUND = [
    [{"key": "a", "supersedes": "a"}],
    [{"key": "a", "supersedes": "b"}, {"key": "b", "supersedes": "a"}],
    [{"key": "a"}, {"key": "b", "supersedes": "a"}, {"key": "c", "supersedes": "b"}],
    [{"key": "a", "supersedes": "viewer"}, {"key": "b", "supersedes": "viewer"}],
]


@pytest.fixture
def meter(chain: Chain) -> Knocker:
    return itself(chain.acme, chain.meter)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("resources", [{"type": "urn:x", "id": "a\x00b", "privileges": ["read"]}]),
        ("resources", [{"type": "urn:x", "id": "a", "privileges": ["own"]}]),
        ("resources", [{"type": "urn:x", "id": "a", "privileges": ["read"], "owner": "me"}]),
        ("resources", [{"type": "urn:x", "id": "a", "privileges": ["read"], "supersedes": "b"}]),
        ("resources", [{"type": "x", "id": "a", "privileges": ["read"]}]),
        ("resources", {"type": "urn:x"}),
        ("roles", [{"key": "a" * 65}]),
        ("roles", [{"key": "A role"}]),
        ("roles", [{"key": "a", "supersedes": ["b"]}]),
        ("roles", [{"key": str(number)} for number in range(shapes.MOST_ROLES + 1)]),
        ("requiredRoles", [{"applicationId": 7, "role": None}]),
    ],
)
def test_hostile_documents_are_refused_in_words(chain: Chain, meter: Knocker, place: str, value: Any) -> None:
    told = counted()
    refused = call(meter, "PUT", OWN, document() | {place: value})
    assert refused.status_code == 400, refused.content
    assert refused["Content-Type"] == "application/problem+json"
    assert refused.json()["errors"] or refused.json()["detail"]
    assert counted() == told


def test_what_roles_hold_together_has_an_end(chain: Chain, meter: Knocker) -> None:
    """Each list is within its bounds, and the product of them is not."""
    resources = [
        {"type": "urn:x", "id": str(number), "privileges": ["read", "modify"]} for number in range(400)
    ]
    held = [
        {"resourceType": "urn:x", "resourceId": row["id"], "privileges": ["read", "modify"]}
        for row in resources
    ]
    roles = [{"key": f"r{number}", "permissions": held} for number in range(26)]
    refused = call(meter, "PUT", OWN, {"resources": resources, "roles": roles})
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["pointer"] == "/roles"


@pytest.mark.parametrize("roles", ROUND, ids=["itself", "circle", "chain", "twice"])
def test_a_document_that_goes_round_contradicts_itself(roles: list[dict[str, Any]]) -> None:
    for wrong in ({"resources": [], "roles": roles}, as_resources(roles)):
        with pytest.raises(Invalid) as refused:
            parse(wrong)
        assert any(error["pointer"].endswith("/supersedes") for error in refused.value.errors)


def as_resources(roles: list[dict[str, Any]]) -> dict[str, Any]:
    """The same round of resources."""

    def named(key: str) -> dict[str, str]:
        return {"type": "urn:x", "id": key}

    rows = [
        {
            **named(role["key"]),
            "privileges": ["read"],
            **({"supersedes": named(role["supersedes"])} if "supersedes" in role else {}),
        }
        for role in roles
    ]
    return {"resources": rows, "roles": []}


@pytest.mark.parametrize(
    ("part", "heir", "code"),
    [
        ("resources", {"supersedes": {**THERE, "id": "nothing"}}, "superseded_not_there"),
        ("roles", {"key": "reader", "supersedes": "nothing"}, "superseded_not_there"),
        ("roles", {"key": "editor", "supersedes": "viewer"}, "both_live"),
        ("roles", {"key": "reader", "supersedes": "access-manager"}, "superseded_not_there"),
    ],
)
def test_what_cannot_be_superseded_has_its_place_and_code(
    chain: Chain, meter: Knocker, part: str, heir: dict[str, Any], code: str
) -> None:
    row = {"type": "urn:test", "id": "robots", "privileges": ["read"], "key": "", **heir}
    wanted = {
        "resources": [{**THERE, "privileges": ["read", "modify"]}],
        "roles": [{"key": "other"}],
    }
    known = ("type", "id", "privileges", "supersedes") if part == "resources" else ("key", "supersedes")
    wanted[part] += [{name: row[name] for name in known}]
    told = counted()
    refused = call(meter, "PUT", OWN, wanted)
    assert (refused.status_code, refused.json()["code"]) == (409, "cannot_supersede")
    assert [(error["pointer"], error["code"]) for error in refused.json()["errors"]] == [
        (f"/{part}/1/supersedes", code)
    ]
    assert counted() == told


def test_a_manifest_opens_no_door_of_the_portal(chain: Chain, meter: Knocker) -> None:
    """An application may call its own roles and resources like the portal's: they are its own."""
    address = {"resourceType": "urn:iam:portal", "resourceId": "Roles"}
    mine = {
        "resources": [{"type": "urn:iam:portal", "id": "Roles", "privileges": ["read", "modify"]}],
        "roles": [{"key": "access-manager", "permissions": [{**address, "privileges": ["read", "modify"]}]}],
    }
    manager = service(chain.acme, "robot", "module-manager")
    door = of(chain.acme, f"applications/{chain.meter.id}/manifest")
    shown = call(manager, "PUT", f"{door}?dry_run=true", mine).json()["impact"]
    assert call(manager, "PUT", door, mine, revision=shown["revision"]).status_code == 200
    with tenant_scope(chain.acme.id):
        assignments.assign(
            tenant=chain.acme,
            wanted=Wanted(
                role="access-manager", application_id=chain.meter.id, principal_application_id="acme.robot"
            ),
            by=SYSTEM,
            at=now(),
        )
    roles = f"/iam/access-management/v1/tenants/{chain.acme.id}/roles"
    refused = call(manager, "GET", roles)
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert call(meter, "GET", roles).status_code == 401
