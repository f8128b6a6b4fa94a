"""What each side reads of a contract's use, and which contracts nobody uses."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from applications.actions import contracts, counting, pauses
from applications.models import Application, Contract, Watermark
from tests.applications.story import Party, person, register, share
from tests.support.factories import SYSTEM

REST = "/iam/application-management/v1/tenants"
DAY = timedelta(days=1)


def use(row: Contract, caller: Application, target: Application, *, at: datetime, tokens: int = 1) -> None:
    tenant = row.consumer if row.type == "provision" else row.provider
    line = [str(row.id), str(tenant.id), caller.id, target.id, at.date().isoformat(), tokens, at.isoformat()]
    counting.count(rows=[line], batch=uuid4(), at=at)


def get(party: Party, path: str, client: Any = None, **query: Any) -> Any:
    return (client or party.client).get(f"{REST}/{party.tenant.id}/{path}", query)


def unused(party: Party, **query: Any) -> list[str]:
    answer = get(party, "contracts:unused", **query)
    assert answer.status_code == 200, answer.content
    return [item["contractId"] for item in answer.json()["items"]]


@pytest.fixture
def provision(acme: Party, beta: Party) -> Contract:
    return share(acme, beta, acme.applications["planner"], onward=True)


def test_both_sides_read_the_use_of_a_provision(
    acme: Party, beta: Party, gamma: Party, provision: Contract
) -> None:
    """The provider owns the target, whose tokens carry the caller's id: it reads that, too, and no name."""
    now = timezone.now()
    caller, target = beta.applications["planner"], acme.applications["planner"]
    use(provision, caller, target, at=now, tokens=3)
    use(provision, caller, target, at=now - 20 * DAY, tokens=4)
    use(provision, caller, target, at=now - 40 * DAY, tokens=5)
    other = share(beta, gamma, beta.applications["planner"])
    use(other, gamma.applications["planner"], beta.applications["planner"], at=now)
    for party, name in ((acme, None), (beta, "Fleet Planner")):
        body = get(party, f"contracts/{provision.id}/usage").json()
        assert (body["tokens"], body["days"]) == (7, 30)
        assert [day["tokens"] for day in body["byDay"]] == [4, 3]
        [entry] = body["callers"]
        assert (entry["applicationId"], entry["name"], entry["tokens"]) == (caller.id, name, 7)
        assert entry["calls"] == target.id
        assert datetime.fromisoformat(body["lastUsedAt"]) == now
        assert get(party, f"contracts/{provision.id}/usage", days=60).json()["tokens"] == 12
    assert get(gamma, f"contracts/{provision.id}/usage").status_code == 404


def test_a_provider_that_does_not_own_the_target_reads_counts_only(
    acme: Party, beta: Party, gamma: Party, provision: Contract
) -> None:
    """Beta opens Acme's application to Gamma: Gamma's callers are none of Beta's business."""
    access = share(beta, gamma, acme.applications["planner"], type="access")
    callers = [gamma.applications["planner"], register(gamma, "Dispatch")]
    for caller in callers:
        use(access, caller, acme.applications["planner"], at=timezone.now(), tokens=2)
    seen = get(beta, f"contracts/{access.id}/usage")
    assert [(e["applicationId"], e["name"], e["tokens"]) for e in seen.json()["callers"]] == [(None, None, 4)]
    assert b"gamma." not in seen.content
    named = get(gamma, f"contracts/{access.id}/usage").json()["callers"]
    assert {(e["applicationId"], e["name"]) for e in named} == {(c.id, c.display_name) for c in callers}
    assert get(acme, f"contracts/{access.id}/usage").status_code == 404


def test_contracts_in_force_without_a_token_are_unused(
    acme: Party, beta: Party, gamma: Party, provision: Contract
) -> None:
    now = timezone.now()
    target, caller = acme.applications["planner"], beta.applications["planner"]
    rows = [provision, *(share(acme, beta, target) for _ in range(4))]
    used, paused, ended, young = rows[1:]
    others = share(beta, gamma, caller)
    old = now - 100 * DAY
    Contract.objects.exclude(id=young.id).update(starts_at=old)
    use(used, caller, target, at=now - 2 * DAY)
    use(provision, caller, target, at=now - 95 * DAY)
    pauses.pause(tenant=acme.tenant, contract_id=paused.id, by=SYSTEM, at=now)
    Contract.objects.filter(id=ended.id).update(ends_at=now)
    assert unused(acme) == [], "counting began today"
    Watermark.objects.filter(name="usage").update(at=old)
    assert unused(acme) == [str(provision.id)]
    assert set(unused(beta, days=90)) == {str(provision.id), str(others.id)}
    assert unused(acme, days=98) == []
    assert set(unused(acme, days=1)) == {str(row.id) for row in (provision, used)}
    first = get(acme, "contracts:unused", days=1, limit=1).json()
    second = acme.client.get(first["next"]).json()
    assert len(first["items"]) == len(second["items"]) == 1
    assert (first["items"] != second["items"], second["next"]) == (True, None)
    assert b"Unused for 90 days" in acme.get(f"contracts/{provision.id}").content
    page = beta.get(f"contracts/{used.id}").content
    assert b"Tokens in 30 days" in page
    assert b"Unused for 90 days" not in page


def test_a_name_is_read_while_the_caller_is_available(acme: Party, beta: Party, gamma: Party) -> None:
    """Gamma's application works in Beta; what it is called after that is none of Beta's business."""
    caller, target = gamma.applications["planner"], acme.applications["planner"]
    provision = share(acme, beta, target)
    source = share(gamma, beta, caller)
    use(provision, caller, target, at=timezone.now())
    read = f"contracts/{provision.id}/usage"
    assert [entry["name"] for entry in get(beta, read).json()["callers"]] == ["Fleet Planner"]
    contracts.end(tenant=beta.tenant, contract_id=source.id, by=SYSTEM, at=timezone.now())
    [entry] = get(beta, read).json()["callers"]
    assert (entry["applicationId"], entry["name"]) == (caller.id, None)


@pytest.mark.parametrize("days", ["0", "-1", "366", "9" * 400, "x", "٣", "\0", "1.5"])
def test_malformed_days_are_refused(acme: Party, days: str) -> None:
    assert get(acme, "contracts:unused", days=days).status_code == 400


def test_who_may_read_one_type_reads_the_use_of_that_type(
    acme: Party, beta: Party, provision: Contract
) -> None:
    Watermark.objects.filter(name="usage").update(at=timezone.now() - 9 * DAY)
    Contract.objects.update(starts_at=timezone.now() - 9 * DAY)
    access = person(acme, "abe", "access-contract-manager")
    assert get(acme, f"contracts/{provision.id}/usage", client=access).status_code == 404
    assert get(acme, "contracts:unused", client=access, days=5).json()["items"] == []
    nobody = person(acme, "zoe", "user-reader")
    assert get(acme, f"contracts/{provision.id}/usage", client=nobody).status_code == 403
