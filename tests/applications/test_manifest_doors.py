"""The manifest at its two doors: the administrator's and the application's own."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accesscontrol.models import Assignment
from applications.actions import applications, clients
from applications.models import Application, ApplicationRole, ClientSecret, Event, RequiredRole
from iam_portal.walls import cross_tenant, tenant_scope
from tenants.actions import tenants as organizations
from tenants.models import HistoryEvent, Tenant
from tests.applications.chain import Chain, call, of
from tests.support.factories import SYSTEM, make_user
from tests.support.knocking import Knocker, basic, service

OWN = "/iam/application-management/v1/application/manifest"
MACHINES = {"resourceType": "urn:test", "resourceId": "machines"}


def now() -> datetime:
    return datetime.now(UTC)


def document(**roles: list[str]) -> dict[str, Any]:
    """What the meter declares; a role that holds nothing is one, too."""
    held = roles or {"viewer": ["read"], "editor": ["read", "modify"]}
    return {
        "resources": [{"type": "urn:test", "id": "machines", "privileges": ["read", "modify"]}],
        "roles": [
            {"key": key, "permissions": [{**MACHINES, "privileges": privileges}] if privileges else []}
            for key, privileges in held.items()
        ],
    }


ROBOTS = {
    "resources": [
        {
            "type": "urn:test",
            "id": "robots",
            "privileges": ["read", "modify"],
            "supersedes": {"type": "urn:test", "id": "machines"},
        }
    ],
    "roles": [
        {
            "key": key,
            "supersedes": former,
            "permissions": [{"resourceType": "urn:test", "resourceId": "robots", "privileges": held}],
        }
        for key, former, held in (("reader", "viewer", ["read"]), ("writer", "editor", ["read", "modify"]))
    ],
}


@pytest.fixture
def meter(chain: Chain) -> Knocker:
    """The application with its own credentials."""
    return itself(chain.acme, chain.meter)


def itself(owner: Tenant, application: Application) -> Knocker:
    _, secret = clients.add_secret(tenant=owner, client_id=application.id, by=SYSTEM, at=now())
    return Knocker(headers=basic(application.id, secret))


def counted() -> tuple[int, int]:
    with cross_tenant():
        return HistoryEvent.objects.count(), Event.objects.count()


def declared(chain: Chain) -> HistoryEvent:
    with tenant_scope(chain.acme.id):
        rows = HistoryEvent.objects.filter(tenant=chain.acme, action="manifest.declared")
        return rows.latest("id")


def test_an_application_declares_itself(chain: Chain, meter: Knocker) -> None:
    wider = call(meter, "PUT", OWN, document(viewer=["read", "modify"], editor=["read", "modify"]))
    assert (wider.status_code, wider.json()["diff"]["changed"]) == (200, ["roles/viewer"])
    assert (declared(chain).actor_kind, declared(chain).actor_id) == ("service", chain.meter.id)
    told = counted()
    again = call(meter, "PUT", OWN, document(viewer=["read", "modify"], editor=["read", "modify"]))
    assert again.json() == {"diff": {"added": [], "changed": [], "removed": [], "superseded": []}}
    assert again["ETag"] == wider["ETag"]
    assert counted() == told, "no row and no event"


def test_a_token_of_its_own_will_do(chain: Chain) -> None:
    robot = service(chain.acme, "robot", "user-reader")
    reply = call(robot, "PUT", OWN, document(watcher=["read"]))
    assert (reply.status_code, reply.json()["diff"]["added"]) == (
        200,
        ["resources/urn:test/machines", "roles/watcher"],
    )
    assert set(ApplicationRole.objects.filter(application_id="acme.robot").values_list("key", flat=True)) == {
        "watcher"
    }
    assert chain.meter.roles.count() == 2, "another application's are its own"


def test_what_is_read_can_be_sent_back(chain: Chain, meter: Knocker) -> None:
    address = of(chain.acme, f"applications/{chain.meter.id}/manifest")
    written = document()
    written["resources"].append(
        {"type": "urn:test", "id": "press", "name": "Press", "privileges": ["execute", "read"]}
        | {"parent": {"type": "urn:test", "id": "machines"}, "description": "Heavy"}
    )
    written["requiredRoles"] = [{"applicationId": "nobody.nothing", "role": "viewer"}]
    made = call(meter, "PUT", OWN, written)
    told = counted()
    for who, path in ((meter, OWN), (chain.provider, address)):
        shown = call(who, "GET", path)
        assert (shown.status_code, shown["ETag"]) == (200, made["ETag"])
        assert shown["ETag"].startswith('"m-')
        assert shown["Cache-Control"] == "private, no-cache"
        sent = call(who, "PUT", path, shown.json(), revision=shown["ETag"].strip('"'))
        assert sent.json()["diff"] == {"added": [], "changed": [], "removed": [], "superseded": []}
    assert counted() == told
    assert shown.json()["resources"][1]["privileges"] == ["read", "execute"], "in one order"
    known = Knocker(headers={**meter.headers, "If-None-Match": made["ETag"]})
    assert call(known, "GET", OWN).status_code == 304


def test_who_acts_on_an_older_document_is_refused(chain: Chain, meter: Knocker) -> None:
    address = of(chain.acme, f"applications/{chain.meter.id}/manifest")
    before = call(meter, "GET", OWN)["ETag"].strip('"')
    call(meter, "PUT", OWN, document(viewer=["read"], editor=["read", "modify"], new=["read"]))
    after = call(meter, "GET", OWN)["ETag"].strip('"')
    for who, path in ((meter, OWN), (chain.provider, address)):
        for query in ("", "?dry_run=true"):
            late = call(who, "PUT", path + query, document(), revision=before)
            assert (late.status_code, late.json()["code"]) == (412, "manifest_changed")
            assert late.json()["revision"] == after
        odd = call(who, "PUT", path, document(), revision="r-1")
        assert odd.status_code == 400
    assert set(chain.meter.roles.filter(during__endswith=None).values_list("key", flat=True)) == {
        "viewer",
        "editor",
        "new",
    }


def test_a_deployment_is_shown_what_it_takes_and_not_held_up(chain: Chain, meter: Knocker) -> None:
    """Counts, not names: the application's credentials are no administrator."""
    shown = call(meter, "PUT", f"{OWN}?dry_run=true", document(editor=["read", "modify"]))
    impact = shown.json()["impact"]
    assert shown.json()["diff"]["removed"] == ["roles/viewer"]
    assert impact["users"] == {"count": 3, "items": []}
    assert impact["services"] == {"count": 1, "items": []}
    assert impact["contracts"] == {"count": 2, "items": []}
    assert {pair["tenantId"] for pair in impact["pairs"]} >= {str(chain.beta.id), str(chain.gamma.id)}
    chain.give(chain.beta, user_id=make_user(chain.beta, "new", at=now()).id)
    stale = call(meter, "PUT", OWN, document(editor=["read", "modify"]), revision=impact["revision"])
    assert (stale.status_code, stale.json()["code"]) == (412, "impact_changed")
    assert stale.json()["impact"]["users"] == {"count": 4, "items": []}
    for name in ("Ann", "Bob", "eve", chain.reader.id):
        assert name not in shown.content.decode() + stale.content.decode()
    assert call(meter, "PUT", OWN, document(editor=["read", "modify"])).status_code == 200


def test_an_impact_is_that_of_a_change_from_one_document_to_another(chain: Chain) -> None:
    """Somebody adds a role meanwhile that nobody has: the declaration that was shown would take it away."""
    address = of(chain.acme, f"applications/{chain.meter.id}/manifest")
    wish = document(editor=["read", "modify"])
    shown = call(chain.provider, "PUT", f"{address}?dry_run=true", wish).json()["impact"]
    added = document(viewer=["read"], editor=["read", "modify"], new=["read"])
    assert call(chain.provider, "PUT", address, added).status_code == 200
    late = call(chain.provider, "PUT", address, wish, revision=shown["revision"])
    assert (late.status_code, late.json()["code"]) == (412, "impact_changed")


def test_new_ids_take_nothing_from_anybody(chain: Chain, meter: Knocker) -> None:
    """So an administrator needs no impact for them; what is taken besides is told."""
    address = of(chain.acme, f"applications/{chain.meter.id}/manifest")
    shown = call(meter, "PUT", f"{OWN}?dry_run=true", ROBOTS).json()
    assert shown["diff"]["superseded"] == [
        {"from": "resources/urn:test/machines", "to": "resources/urn:test/robots"},
        {"from": "roles/viewer", "to": "roles/reader"},
        {"from": "roles/editor", "to": "roles/writer"},
    ]
    impact = shown["impact"]
    assert (impact["pairs"], impact["users"]["count"], impact["services"]["count"]) == ([], 0, 0)
    narrower = json.loads(json.dumps(ROBOTS))
    narrower["roles"][0]["permissions"] = []
    refused = call(chain.provider, "PUT", address, narrower)
    assert (refused.status_code, refused.json()["code"]) == (428, "impact_required")
    assert refused.json()["impact"]["users"]["count"] == 3
    assert refused.json()["impact"]["services"]["count"] == 1
    done = call(chain.provider, "PUT", address, ROBOTS)
    assert done.status_code == 200, done.content
    assert call(meter, "PUT", OWN, ROBOTS).json()["diff"]["superseded"] == []


@pytest.mark.parametrize("what", ["secret", "application", "owner", "retired"])
def test_who_is_over_declares_nothing(chain: Chain, meter: Knocker, what: str) -> None:
    robot = service(chain.acme, "robot", "user-reader")
    assert call(meter, "GET", OWN).status_code == call(robot, "GET", OWN).status_code == 200
    if what == "secret":
        pk = ClientSecret.objects.get(client__client_id=chain.meter.id).id
        clients.revoke_secret(tenant=chain.acme, client_id=chain.meter.id, secret_id=pk, by=SYSTEM, at=now())
    elif what == "owner":
        organizations.suspend(tenant=chain.acme, reason="unpaid", by=SYSTEM, at=now())
    for key in ("acme.meter", "acme.robot"):
        given = {"tenant": chain.acme, "application_id": key, "by": SYSTEM, "at": now()}
        if what == "application":
            applications.suspend(**given, reason="unsafe")
        elif what == "retired":
            applications.retire(**given)
    for method in ("GET", "PUT"):
        assert call(meter, method, OWN, document()).status_code == 401
        if what != "secret":
            assert call(robot, method, OWN, document()).status_code == 401


def test_a_foreign_application_is_not_there(chain: Chain) -> None:
    """By administrators of a consumer, with the id of one that it has, and of none."""
    replies = [
        call(chain.consumer, method, of(chain.beta, f"applications/{key}/manifest"), document())
        for key in (chain.meter.id, "nobody.nothing")
        for method in ("GET", "PUT")
    ]
    assert {reply.status_code for reply in replies} == {404}
    assert len({reply.json()["detail"] for reply in replies}) == 1


def test_required_roles_only_add_to_the_drift(chain: Chain, meter: Knocker) -> None:
    """Neither the owner's nor the portal's roles come with a wish for them."""
    with cross_tenant():
        before = set(Assignment.objects.values_list("id", flat=True))
    wish = document() | {
        "requiredRoles": [
            {"applicationId": "iam-portal", "role": "access-manager"},
            {"applicationId": chain.reader.id, "role": "viewer"},
        ]
    }
    assert call(meter, "PUT", OWN, wish).status_code == 200
    assert RequiredRole.objects.filter(application=chain.meter).count() == 2
    with cross_tenant():
        assert set(Assignment.objects.values_list("id", flat=True)) == before
    assert call(meter, "GET", of(chain.acme, "applications")).status_code == 401, "and no door opened"


def test_reading_takes_as_many_statements_for_any_size(chain: Chain, meter: Knocker) -> None:
    sizes = []
    for number in (2, 30):
        call(meter, "PUT", OWN, document(**{f"role{place}": ["read"] for place in range(number)}))
        call(meter, "GET", OWN)
        with CaptureQueriesContext(connection) as queries:
            assert len(call(meter, "GET", OWN).json()["roles"]) == number
        sizes.append(len(queries))
    assert sizes[0] == sizes[1]
