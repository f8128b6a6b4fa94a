"""Impact before action over HTTP: shown first, committed against what was shown, no more told than may be."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from django.http import HttpResponse

from accesscontrol.actions import assignments
from accesscontrol.actions.assignments import Wanted
from accesscontrol.portal_roles import ROLE_KEYS
from applications.actions import clients, contracts, counting
from applications.models import Contract, Event
from iam_portal.walls import cross_tenant
from tenants.models import HistoryEvent, Partnership, Tenant
from tests.applications.sharing import accepted, register
from tests.support.factories import SYSTEM, make_group, make_partners, make_tenant, make_user
from tests.support.knocking import Knocker, _browser, browser, person

ROOT = "/iam/application-management/v1/tenants"


class World:
    """acme → beta (onward) → gamma; people and services of beta hold the role."""

    def __init__(self) -> None:
        at = datetime.now(UTC)
        self.acme, self.beta, self.gamma = (make_tenant(slug, at=at) for slug in ("acme", "beta", "gamma"))
        self.partnership = make_partners(self.acme, self.beta, at=at)
        make_partners(self.beta, self.gamma, at=at)
        self.meter = register(self.acme, "meter", at)
        self.reader = register(self.beta, "reader", at)
        at = datetime.now(UTC)
        self.contract = accepted(self.acme, self.beta, self.meter.id, at=at)
        self.further = accepted(self.beta, self.gamma, self.meter.id, at=at, type="access")
        staff = [make_user(self.beta, name, at=at) for name in ("ann", "bob")]
        team = make_group(self.beta, "Team", members=tuple(staff), at=at)
        self.give(self.beta, group_id=team.id)
        self.give(self.beta, user_id=staff[0].id)
        self.give(self.beta, principal_application_id=self.reader.id)
        self.give(self.gamma, user_id=make_user(self.gamma, "eve", at=at).id, contract_id=self.further.id)
        self.provider, self.consumer = (
            browser(tenant, person(tenant, "joe", *ROLE_KEYS)[1]) for tenant in (self.acme, self.beta)
        )

    def give(self, tenant: Tenant, **whom: Any) -> None:
        wanted = Wanted(role="viewer", application_id=self.meter.id, **whom)
        assignments.assign(tenant=tenant, wanted=wanted, by=SYSTEM, at=datetime.now(UTC))


@pytest.fixture
def world(db: None) -> World:
    return World()


def call(who: Knocker, method: str, address: str, body: Any = None, revision: str = "") -> HttpResponse:
    """Really done: nothing is taken back."""
    http = _browser(False)
    http.cookies.clear()
    for name, value in who.cookies.items():
        http.cookies[name] = value
    headers = {**who.headers, **({"If-Match": f'"{revision}"'} if revision else {})}
    path, _, query = address.partition("?")
    sent = b"" if method == "GET" else json.dumps(body or {})
    return http.generic(method, path, sent, "application/json", headers=headers, QUERY_STRING=query)


def of(tenant: Tenant, rest: str) -> str:
    return f"{ROOT}/{tenant.id}/{rest}"


def test_an_end_needs_the_impact_that_was_shown(world: World) -> None:
    address = of(world.beta, f"contracts/{world.contract.id}")
    refused = call(world.consumer, "POST", f"{address}/end")
    assert (refused.status_code, refused.json()["code"]) == (428, "impact_required")
    assert refused["Content-Type"] == "application/problem+json"
    shown = call(world.consumer, "GET", f"{address}/impact?action=end")
    assert shown.json()["revision"] == refused.json()["impact"]["revision"]
    assert shown["ETag"] == f'"{shown.json()["revision"]}"'
    # Meanwhile somebody gets the role: more is lost than was shown.
    world.give(world.beta, user_id=make_user(world.beta, "new", at=datetime.now(UTC)).id)
    stale = call(world.consumer, "POST", f"{address}/end", revision=shown.json()["revision"])
    assert (stale.status_code, stale.json()["code"]) == (412, "impact_changed")
    world.contract.refresh_from_db()
    assert world.contract.ends_at is None
    fresh = stale.json()["impact"]
    assert fresh["users"]["count"] == shown.json()["users"]["count"] + 1
    done = call(world.consumer, "POST", f"{address}/end", revision=fresh["revision"])
    assert (done.status_code, done.json()["state"]) == (200, "ended")
    again = call(world.consumer, "POST", f"{address}/end", revision=fresh["revision"])
    assert again.status_code == 409


def test_a_change_of_the_contract_itself_is_another_world(world: World) -> None:
    """Even one that takes nothing from anybody."""
    address = of(world.acme, f"contracts/{world.contract.id}")
    until = "2030-01-01T00:00:00Z"
    shown = call(world.provider, "GET", f"{address}/impact?action=pause&until={until}").json()
    later = datetime.now(UTC).replace(year=2036)
    body = {"at": later.isoformat(), "until": later.replace(year=2037).isoformat()}
    assert call(world.provider, "POST", f"{address}/pause", body).status_code == 200
    body = {"until": until}
    assert call(world.provider, "POST", f"{address}/pause", body, shown["revision"]).status_code == 412
    assert call(world.provider, "POST", f"{address}/pause", body, "i-nonsense").status_code == 400
    assert (
        call(world.provider, "POST", f"{address}/pause", body).status_code == 200
    )  # it takes one, needs none


def test_the_last_use_of_a_named_call_is_told_in_whichever_tenant_it_is(world: World) -> None:
    """Acme's own application calls in Beta: what was counted there stands behind Beta's wall."""
    probe, at = register(world.acme, "probe", datetime.now(UTC)), datetime.now(UTC)
    accepted(world.acme, world.beta, probe.id, at=at)
    world.give(world.beta, principal_application_id=probe.id)
    for caller in (probe, world.reader):
        line = [str(world.contract.id), str(world.beta.id), caller.id, world.meter.id, at.date().isoformat()]
        counting.count(rows=[[*line, 1, at.isoformat()]])
    found = call(world.provider, "GET", of(world.acme, f"contracts/{world.contract.id}/impact?action=end"))
    services = found.json()["services"]
    assert services["count"] == 2
    [item] = services["items"]
    assert (item["applicationId"], item["tenantId"]) == (probe.id, str(world.beta.id))
    assert datetime.fromisoformat(item["lastUsedAt"]) == at


def test_each_side_is_told_what_it_may_know(world: World) -> None:
    """All are counted; people are named to their own tenant only, and so is who they are."""
    mine = call(world.consumer, "GET", of(world.beta, f"contracts/{world.contract.id}/impact?action=end"))
    found = mine.json()
    assert found["users"]["count"] == 3  # ann, bob and gamma's eve
    assert [item["name"] for item in found["users"]["items"]] == ["Ann", "Bob"]
    urn = f"urn:iam:application-role:{world.beta.id}:{world.meter.id}:viewer"
    assert all(item["roles"] == [urn] for item in found["users"]["items"])
    services = found["services"]
    assert services["count"] == 1
    item = services["items"][0]
    assert (item["applicationId"], item["calls"], item["tenantId"]) == (
        world.reader.id,
        world.meter.id,
        str(world.beta.id),
    )
    assert {item["contractId"]: item["effect"] for item in found["contracts"]["items"]} == {
        str(world.contract.id): "ends",
        str(world.further.id): "falls",
    }
    assert {pair["tenantName"]: pair["becomes"] for pair in found["pairs"]} == {
        "Beta": "unavailable",
        "Gamma": "unavailable",
    }
    assert found["sessions"]["count"] == 0
    theirs = call(world.provider, "GET", of(world.acme, f"contracts/{world.contract.id}/impact?action=end"))
    assert theirs.json()["users"] == {"count": 3, "items": []}
    assert theirs.json()["services"] == {"count": 1, "items": []}
    for secret in ("Ann", "Bob", "ann", world.reader.id, "Reader"):
        assert secret not in theirs.content.decode()


def test_to_foresee_changes_nothing(world: World) -> None:
    def state() -> tuple[Any, ...]:
        with cross_tenant():
            counts = (HistoryEvent.objects.count(), Event.objects.count())
        return (*counts, Contract.objects.values_list("revision", "ends_at").get(id=world.contract.id))

    before = state()
    for act in ("pause", "end"):
        reply = call(
            world.provider, "GET", of(world.acme, f"contracts/{world.contract.id}/impact?action={act}")
        )
        assert reply.status_code == 200
    assert call(
        world.provider, "GET", of(world.acme, f"partnerships/{world.partnership.id}/impact?action=end")
    )
    assert state() == before


def test_an_outsider_learns_nothing(world: World) -> None:
    stranger = make_tenant("zeta", at=datetime.now(UTC))
    visitor = browser(stranger, person(stranger, "joe", *ROLE_KEYS)[1])
    for path in (
        f"contracts/{world.contract.id}/impact?action=end",
        f"applications/{world.meter.id}/impact?action=retire",
        f"partnerships/{world.partnership.id}/impact?action=end",
        f"organizations/{world.acme.id}/impact?action=suspend",
    ):
        assert call(visitor, "GET", of(stranger, path)).status_code == 404, path
    # A consumer is no owner, and the pause is not its act.
    assert (
        call(world.consumer, "GET", of(world.beta, f"applications/{world.meter.id}/impact?action=retire"))
    ).status_code == 404
    refused = call(
        world.consumer, "GET", of(world.beta, f"contracts/{world.contract.id}/impact?action=pause")
    )
    assert (refused.status_code, refused.json()["code"]) == (409, "contract_other_side")


def test_retiring_and_suspending_an_application(world: World) -> None:
    address = of(world.acme, f"applications/{world.meter.id}")
    shown = call(world.provider, "GET", f"{address}/impact?action=suspend").json()
    assert {pair["tenantName"] for pair in shown["pairs"]} == {"Acme", "Beta", "Gamma"}
    done = call(world.provider, "POST", f"{address}/suspend", {"reason": "leak"}, revision=shown["revision"])
    assert (done.status_code, done.json()["state"]) == (200, "suspended")
    assert call(world.provider, "POST", f"{address}/resume").json()["state"] == "in_operation"
    assert call(world.provider, "DELETE", address).status_code == 428
    shown = call(world.provider, "GET", f"{address}/impact?action=retire").json()
    assert {item["effect"] for item in shown["contracts"]["items"]} == {"falls"}
    clients.add_secret(tenant=world.acme, client_id=world.meter.id, by=SYSTEM, at=datetime.now(UTC))
    assert call(world.provider, "DELETE", address, revision=shown["revision"]).status_code == 204
    assert call(world.provider, "GET", address).status_code == 404


def test_a_declaration_that_takes_something_needs_its_impact(world: World) -> None:
    def manifest(*privileges: str, extra: bool = False) -> dict[str, Any]:
        roles = {
            "viewer": list(privileges),
            "editor": ["read", "modify"],
            **({"admin": ["read"]} if extra else {}),
        }
        permission = {"resourceType": "urn:test", "resourceId": "machines"}
        return {
            "resources": [{"type": "urn:test", "id": "machines", "privileges": ["read", "modify"]}],
            "roles": [
                {"key": key, "permissions": [{**permission, "privileges": held}] if held else []}
                for key, held in roles.items()
            ],
        }

    address = of(world.acme, f"applications/{world.meter.id}/manifest")
    wider = call(world.provider, "PUT", address, manifest("read", "modify", extra=True))
    assert (wider.status_code, wider.json()["diff"]["added"]) == (200, ["roles/admin"])
    nobody_has_it = call(world.provider, "PUT", address, manifest("read", "modify"))
    assert (nobody_has_it.status_code, nobody_has_it.json()["diff"]["removed"]) == (200, ["roles/admin"])
    narrower = call(world.provider, "PUT", address, manifest("read"))
    assert (narrower.status_code, narrower.json()["code"]) == (428, "impact_required")
    dry = call(world.provider, "PUT", f"{address}?dry_run=true", manifest("read")).json()
    assert dry["diff"]["changed"] == ["roles/viewer"]
    assert dry["impact"]["users"]["count"] >= 2
    done = call(world.provider, "PUT", address, manifest("read"), revision=dry["impact"]["revision"])
    assert done.status_code == 200
    again = call(world.provider, "PUT", address, manifest("read"))
    assert again.json() == {"diff": {"added": [], "changed": [], "removed": []}}


def test_ending_a_partnership_names_the_contracts_that_fall(world: World) -> None:
    offer = contracts.Contract.objects.get(id=world.contract.id)
    address = of(world.beta, f"partnerships/{world.partnership.id}")
    assert call(world.consumer, "POST", f"{address}/end").status_code == 428
    shown = call(world.consumer, "GET", f"{address}/impact?action=end").json()
    assert {item["contractId"]: item["effect"] for item in shown["contracts"]["items"]} == {
        str(offer.id): "ends",
        str(world.further.id): "falls",
    }
    done = call(world.consumer, "POST", f"{address}/end", revision=shown["revision"])
    assert done.json()["state"] == "ended"
    assert Partnership.objects.get(id=world.partnership.id).state == "ended"
    assert call(world.consumer, "GET", f"{address}/impact?action=end").status_code == 409


def test_the_platform_suspends_an_organization(world: World) -> None:
    platform = Tenant.objects.get(is_platform=True)
    operator = browser(platform, person(platform, "root", "organization-manager")[1])
    listed = call(operator, "GET", of(platform, "organizations")).json()["items"]
    assert {"acme", "beta", "gamma", "platform"} <= {item["slug"] for item in listed}
    address = of(platform, f"organizations/{world.acme.id}")
    shown = call(operator, "GET", f"{address}/impact?action=suspend").json()
    assert (shown["pairs"], shown["pairCount"]) == ([], 3)
    assert shown["users"] == {"count": 4, "items": []}  # ann, bob, eve, and acme's joe, who loses the portal
    assert shown["contracts"] == {"count": 2, "items": []}
    done = call(operator, "POST", f"{address}/suspend", {"reason": "unpaid"}, revision=shown["revision"])
    assert (done.status_code, done.json()["suspended"]) == (200, True)
    assert call(operator, "POST", f"{address}/resume").json()["suspended"] is False
    itself = of(platform, f"organizations/{platform.id}/suspend")
    assert call(operator, "POST", itself).status_code == 409
