"""Impact before action over HTTP: shown first, committed against what was shown, no more told than may be."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from accesscontrol.portal_roles import ROLE_KEYS
from applications.actions import clients, contracts, counting
from applications.models import Contract, Event
from iam_portal.walls import cross_tenant
from tenants.models import HistoryEvent, Partnership, Tenant
from tests.applications.chain import Chain, call, of
from tests.applications.sharing import accepted, register
from tests.support.factories import SYSTEM, make_tenant, make_user
from tests.support.knocking import browser, person


def test_an_end_needs_the_impact_that_was_shown(chain: Chain) -> None:
    address = of(chain.beta, f"contracts/{chain.contract.id}")
    refused = call(chain.consumer, "POST", f"{address}/end")
    assert (refused.status_code, refused.json()["code"]) == (428, "impact_required")
    assert refused["Content-Type"] == "application/problem+json"
    shown = call(chain.consumer, "GET", f"{address}/impact?action=end")
    assert shown.json()["revision"] == refused.json()["impact"]["revision"]
    assert shown["ETag"] == f'"{shown.json()["revision"]}"'
    # Meanwhile somebody gets the role: more is lost than was shown.
    chain.give(chain.beta, user_id=make_user(chain.beta, "new", at=datetime.now(UTC)).id)
    stale = call(chain.consumer, "POST", f"{address}/end", revision=shown.json()["revision"])
    assert (stale.status_code, stale.json()["code"]) == (412, "impact_changed")
    chain.contract.refresh_from_db()
    assert chain.contract.ends_at is None
    fresh = stale.json()["impact"]
    assert fresh["users"]["count"] == shown.json()["users"]["count"] + 1
    done = call(chain.consumer, "POST", f"{address}/end", revision=fresh["revision"])
    assert (done.status_code, done.json()["state"]) == (200, "ended")
    again = call(chain.consumer, "POST", f"{address}/end", revision=fresh["revision"])
    assert again.status_code == 409


def test_a_change_of_the_contract_itself_is_another_world(chain: Chain) -> None:
    """Even one that takes nothing from anybody."""
    address = of(chain.acme, f"contracts/{chain.contract.id}")
    until = "2130-01-01T00:00:00Z"
    shown = call(chain.provider, "GET", f"{address}/impact?action=pause&until={until}").json()
    body = {"at": "2136-01-01T00:00:00Z", "until": "2137-01-01T00:00:00Z"}
    assert call(chain.provider, "POST", f"{address}/pause", body).status_code == 200
    body = {"until": until}
    assert call(chain.provider, "POST", f"{address}/pause", body, shown["revision"]).status_code == 412
    assert call(chain.provider, "POST", f"{address}/pause", body, "i-nonsense").status_code == 400
    assert (
        call(chain.provider, "POST", f"{address}/pause", body).status_code == 200
    )  # it takes one, needs none


def test_what_is_no_moment_is_refused_whatever_the_act(chain: Chain) -> None:
    """Also where the act does not ask for it: else a misspelt one would be weighed without it."""
    address = of(chain.acme, f"contracts/{chain.contract.id}/impact?action=")
    for wrong in ("end&until=x", "end&endsAt=", "pause&endsAt=x", "narrow&until=2030", "end&at="):
        assert call(chain.provider, "GET", address + wrong).status_code == 400, wrong


def test_the_last_use_of_a_named_call_is_told_in_whichever_tenant_it_is(chain: Chain) -> None:
    """Acme's own application calls in Beta: what was counted there stands behind Beta's wall."""
    probe, at = register(chain.acme, "probe", datetime.now(UTC)), datetime.now(UTC)
    accepted(chain.acme, chain.beta, probe.id, at=at)
    chain.give(chain.beta, principal_application_id=probe.id)
    for caller in (probe, chain.reader):
        line = [str(chain.contract.id), str(chain.beta.id), caller.id, chain.meter.id, at.date().isoformat()]
        counting.count(rows=[[*line, 1, at.isoformat()]], batch=uuid4(), at=at)
    found = call(chain.provider, "GET", of(chain.acme, f"contracts/{chain.contract.id}/impact?action=end"))
    services = found.json()["services"]
    assert services["count"] == 2
    [item] = services["items"]
    assert (item["applicationId"], item["tenantId"]) == (probe.id, str(chain.beta.id))
    assert datetime.fromisoformat(item["lastUsedAt"]) == at


def test_each_side_is_told_what_it_may_know(chain: Chain) -> None:
    """All are counted; people are named to their own tenant only, and so is who they are."""
    mine = call(chain.consumer, "GET", of(chain.beta, f"contracts/{chain.contract.id}/impact?action=end"))
    found = mine.json()
    assert found["users"]["count"] == 3  # ann, bob and gamma's eve
    assert [item["name"] for item in found["users"]["items"]] == ["Ann", "Bob"]
    urn = f"urn:iam:application-role:{chain.beta.id}:{chain.meter.id}:viewer"
    assert all(item["roles"] == [urn] for item in found["users"]["items"])
    services = found["services"]
    assert services["count"] == 1
    item = services["items"][0]
    assert (item["applicationId"], item["calls"], item["tenantId"]) == (
        chain.reader.id,
        chain.meter.id,
        str(chain.beta.id),
    )
    assert {item["contractId"]: item["effect"] for item in found["contracts"]["items"]} == {
        str(chain.contract.id): "ends",
        str(chain.further.id): "falls",
    }
    assert {pair["tenantName"]: pair["becomes"] for pair in found["pairs"]} == {
        "Beta": "unavailable",
        "Gamma": "unavailable",
    }
    assert found["sessions"]["count"] == 0
    theirs = call(chain.provider, "GET", of(chain.acme, f"contracts/{chain.contract.id}/impact?action=end"))
    assert theirs.json()["users"] == {"count": 3, "items": []}
    assert theirs.json()["services"] == {"count": 1, "items": []}
    for secret in ("Ann", "Bob", "ann", chain.reader.id, "Reader"):
        assert secret not in theirs.content.decode()


def test_to_foresee_changes_nothing(chain: Chain) -> None:
    def state() -> tuple[Any, ...]:
        with cross_tenant():
            counts = (HistoryEvent.objects.count(), Event.objects.count())
        return (*counts, Contract.objects.values_list("revision", "ends_at").get(id=chain.contract.id))

    before = state()
    for act in ("pause", "end"):
        reply = call(
            chain.provider, "GET", of(chain.acme, f"contracts/{chain.contract.id}/impact?action={act}")
        )
        assert reply.status_code == 200
    assert call(
        chain.provider, "GET", of(chain.acme, f"partnerships/{chain.partnership.id}/impact?action=end")
    )
    assert state() == before


def test_an_outsider_learns_nothing(chain: Chain) -> None:
    stranger = make_tenant("zeta", at=datetime.now(UTC))
    visitor = browser(stranger, person(stranger, "joe", *ROLE_KEYS)[1])
    for path in (
        f"contracts/{chain.contract.id}/impact?action=end",
        f"applications/{chain.meter.id}/impact?action=retire",
        f"partnerships/{chain.partnership.id}/impact?action=end",
        f"organizations/{chain.acme.id}/impact?action=suspend",
    ):
        assert call(visitor, "GET", of(stranger, path)).status_code == 404, path
    # A consumer is no owner, and the pause is not its act.
    assert (
        call(chain.consumer, "GET", of(chain.beta, f"applications/{chain.meter.id}/impact?action=retire"))
    ).status_code == 404
    refused = call(
        chain.consumer, "GET", of(chain.beta, f"contracts/{chain.contract.id}/impact?action=pause")
    )
    assert (refused.status_code, refused.json()["code"]) == (409, "contract_other_side")


def test_retiring_and_suspending_an_application(chain: Chain) -> None:
    address = of(chain.acme, f"applications/{chain.meter.id}")
    shown = call(chain.provider, "GET", f"{address}/impact?action=suspend").json()
    assert {pair["tenantName"] for pair in shown["pairs"]} == {"Acme", "Beta", "Gamma"}
    done = call(chain.provider, "POST", f"{address}/suspend", {"reason": "leak"}, revision=shown["revision"])
    assert (done.status_code, done.json()["state"]) == (200, "suspended")
    assert call(chain.provider, "POST", f"{address}/resume").json()["state"] == "in_operation"
    assert call(chain.provider, "DELETE", address).status_code == 428
    shown = call(chain.provider, "GET", f"{address}/impact?action=retire").json()
    assert {item["effect"] for item in shown["contracts"]["items"]} == {"falls"}
    clients.add_secret(tenant=chain.acme, client_id=chain.meter.id, by=SYSTEM, at=datetime.now(UTC))
    assert call(chain.provider, "DELETE", address, revision=shown["revision"]).status_code == 204
    assert call(chain.provider, "GET", address).status_code == 404


def test_a_declaration_that_takes_something_needs_its_impact(chain: Chain) -> None:
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

    address = of(chain.acme, f"applications/{chain.meter.id}/manifest")
    wider = call(chain.provider, "PUT", address, manifest("read", "modify", extra=True))
    assert (wider.status_code, wider.json()["diff"]["added"]) == (200, ["roles/admin"])
    nobody_has_it = call(chain.provider, "PUT", address, manifest("read", "modify"))
    assert (nobody_has_it.status_code, nobody_has_it.json()["diff"]["removed"]) == (200, ["roles/admin"])
    narrower = call(chain.provider, "PUT", address, manifest("read"))
    assert (narrower.status_code, narrower.json()["code"]) == (428, "impact_required")
    dry = call(chain.provider, "PUT", f"{address}?dry_run=true", manifest("read")).json()
    assert dry["diff"]["changed"] == ["roles/viewer"]
    assert dry["impact"]["users"]["count"] >= 2
    done = call(chain.provider, "PUT", address, manifest("read"), revision=dry["impact"]["revision"])
    assert done.status_code == 200
    again = call(chain.provider, "PUT", address, manifest("read"))
    assert again.json() == {"diff": {"added": [], "changed": [], "removed": [], "superseded": []}}


def test_ending_a_partnership_names_the_contracts_that_fall(chain: Chain) -> None:
    offer = contracts.Contract.objects.get(id=chain.contract.id)
    address = of(chain.beta, f"partnerships/{chain.partnership.id}")
    assert call(chain.consumer, "POST", f"{address}/end").status_code == 428
    shown = call(chain.consumer, "GET", f"{address}/impact?action=end").json()
    assert {item["contractId"]: item["effect"] for item in shown["contracts"]["items"]} == {
        str(offer.id): "ends",
        str(chain.further.id): "falls",
    }
    done = call(chain.consumer, "POST", f"{address}/end", revision=shown["revision"])
    assert done.json()["state"] == "ended"
    assert Partnership.objects.get(id=chain.partnership.id).state == "ended"
    assert call(chain.consumer, "GET", f"{address}/impact?action=end").status_code == 409


def test_the_platform_suspends_an_organization(chain: Chain) -> None:
    platform = Tenant.objects.get(is_platform=True)
    operator = browser(platform, person(platform, "root", "organization-manager")[1])
    listed = call(operator, "GET", of(platform, "organizations")).json()["items"]
    assert {"acme", "beta", "gamma", "platform"} <= {item["slug"] for item in listed}
    address = of(platform, f"organizations/{chain.acme.id}")
    shown = call(operator, "GET", f"{address}/impact?action=suspend").json()
    assert (shown["pairs"], shown["pairCount"]) == ([], 3)
    assert shown["users"] == {"count": 4, "items": []}  # ann, bob, eve, and acme's joe, who loses the portal
    assert shown["contracts"] == {"count": 2, "items": []}
    done = call(operator, "POST", f"{address}/suspend", {"reason": "unpaid"}, revision=shown["revision"])
    assert (done.status_code, done.json()["suspended"]) == (200, True)
    assert call(operator, "POST", f"{address}/resume").json()["suspended"] is False
    itself = of(platform, f"organizations/{platform.id}/suspend")
    assert call(operator, "POST", itself).status_code == 409
