"""What an impact must not do: tell of strangers, or be used for another act."""

from datetime import UTC, datetime

from accesscontrol.portal_roles import ROLE_KEYS
from tenants.models import Tenant
from tests.applications.chain import Chain, call, of
from tests.applications.sharing import accepted
from tests.benchmarks.measuring import counting
from tests.support.factories import make_tenant
from tests.support.knocking import browser, person


def now() -> datetime:
    return datetime.now(UTC)


def test_of_a_contract_between_others_only_ones_own_application_is_told(chain: Chain) -> None:
    """Beta shares acme's application onward together with one of its own, which is not acme's business."""
    mixed = accepted(chain.beta, chain.gamma, chain.meter.id, chain.reader.id, at=now(), type="access")
    shown = call(chain.provider, "GET", of(chain.acme, f"contracts/{chain.contract.id}/impact?action=end"))
    items = {item["contractId"]: item for item in shown.json()["contracts"]["items"]}
    assert items[str(mixed.id)]["applications"] == ["Meter"]
    assert "Reader" not in shown.content.decode()
    mine = call(chain.consumer, "GET", of(chain.beta, f"contracts/{chain.contract.id}/impact?action=end"))
    items = {item["contractId"]: item for item in mine.json()["contracts"]["items"]}
    assert items[str(mixed.id)]["applications"] == ["Meter", "Reader"]


def test_a_contract_that_still_gives_something_narrows(chain: Chain) -> None:
    mixed = accepted(chain.beta, chain.gamma, chain.meter.id, chain.reader.id, at=now(), type="access")
    shown = call(chain.consumer, "GET", of(chain.beta, f"contracts/{chain.contract.id}/impact?action=end"))
    effects = {item["contractId"]: item["effect"] for item in shown.json()["contracts"]["items"]}
    assert effects == {
        str(chain.contract.id): "ends",
        str(chain.further.id): "falls",
        str(mixed.id): "narrows",
    }


def test_a_third_side_is_neither_named_nor_left_out_of_the_count(chain: Chain) -> None:
    """Eve of gamma is counted to acme by number; gamma itself is told of its own."""
    shown = call(chain.consumer, "GET", of(chain.beta, f"contracts/{chain.further.id}/impact?action=end"))
    assert (shown.json()["users"], shown.json()["pairCount"]) == ({"count": 1, "items": []}, 1)
    visitor = browser(chain.gamma, person(chain.gamma, "joe", *ROLE_KEYS)[1])
    mine = call(visitor, "GET", of(chain.gamma, f"contracts/{chain.further.id}/impact?action=end")).json()
    assert [item["name"] for item in mine["users"]["items"]] == ["Eve"]


def test_the_revision_is_for_what_was_asked_and_nothing_else(chain: Chain) -> None:
    address = of(chain.acme, f"contracts/{chain.contract.id}")
    day, year = "2130-01-02T00:00:00Z", "2131-01-01T00:00:00Z"
    for_a_day = call(chain.provider, "GET", f"{address}/impact?action=pause&until={day}").json()["revision"]
    longer = call(chain.provider, "POST", f"{address}/pause", {"until": year}, for_a_day)
    assert (longer.status_code, longer.json()["code"]) == (412, "impact_changed")
    ending = call(chain.provider, "POST", f"{address}/end", {}, for_a_day)
    assert (ending.status_code, ending.json()["code"]) == (412, "impact_changed")
    later = call(chain.provider, "GET", f"{address}/impact?action=end&at={year}").json()["revision"]
    assert call(chain.provider, "POST", f"{address}/end", {}, later).status_code == 412
    assert call(chain.provider, "POST", f"{address}/end", {"at": year}, later).status_code == 200


def test_an_impacts_revision_opens_no_other_door(chain: Chain) -> None:
    """A door that weighs nothing refuses one, and one without a row's revision refuses that."""
    address = of(chain.acme, f"applications/{chain.meter.id}")
    for path, revision in (("resume", "i-" + 32 * "0"), ("resume", "r-1"), ("suspend", "r-1")):
        reply = call(chain.provider, "POST", f"{address}/{path}", {}, revision)
        assert (reply.status_code, reply.json()["code"]) == (400, "invalid"), path
    contract = of(chain.acme, f"contracts/{chain.contract.id}")
    reply = call(chain.provider, "POST", f"{contract}/resume", {}, "i-" + 32 * "0")
    assert reply.status_code == 400


def test_an_earlier_end_by_amendment_is_an_end(chain: Chain) -> None:
    address = of(chain.acme, f"contracts/{chain.contract.id}")
    body = {"endsAt": "2130-01-01T00:00:00Z"}
    refused = call(chain.provider, "POST", f"{address}/amendments", body)
    assert (refused.status_code, refused.json()["code"]) == (428, "impact_required")
    ends = body["endsAt"]
    shown = call(chain.provider, "GET", f"{address}/impact?action=narrow&endsAt={ends}").json()
    assert shown["revision"] == refused.json()["impact"]["revision"]
    assert shown["users"]["count"] == 3
    other = {"endsAt": "2129-01-01T00:00:00Z"}
    assert call(chain.provider, "POST", f"{address}/amendments", other, shown["revision"]).status_code == 412
    assert call(chain.provider, "POST", f"{address}/amendments", body, shown["revision"]).status_code == 201


def test_people_of_the_portal_alone_lose_with_their_organization(chain: Chain) -> None:
    platform = Tenant.objects.get(is_platform=True)
    operator = browser(platform, person(platform, "root", "organization-manager")[1])
    quiet = make_tenant("quiet", at=now())
    address = of(platform, f"organizations/{quiet.id}/impact?action=suspend")
    assert call(operator, "GET", address).json()["users"]["count"] == 0
    person(quiet, "joe", *ROLE_KEYS)
    assert call(operator, "GET", address).json()["users"]["count"] == 1


def test_a_partners_own_choices_do_not_move_an_impact(chain: Chain) -> None:
    """What beta accepts unseen is its own affair, and no way to keep acme from ending what it saw."""
    address = of(chain.acme, f"partnerships/{chain.partnership.id}")
    shown = call(chain.provider, "GET", f"{address}/impact?action=end").json()
    choice = of(chain.beta, f"partnerships/{chain.partnership.id}/auto-accept")
    assert call(chain.consumer, "PUT", choice, {"types": ["provision"]}).status_code == 200
    assert call(chain.provider, "POST", f"{address}/end", {}, shown["revision"]).status_code == 200


def test_what_is_only_looked_at_writes_no_history_and_no_event(chain: Chain) -> None:
    """What follows does, also after a look that was refused."""
    address = of(chain.acme, f"contracts/{chain.contract.id}")

    def written(*asked: str) -> tuple[dict[str, int], str]:
        with counting() as sent:
            reply = call(chain.provider, *asked[:2], *([{}, asked[2]] if len(asked) > 2 else []))
        tables = ("tenants_historyevent", "tenants_historyperson", "applications_event")
        rows = {table: sum(f'INSERT INTO "{table}"' in sql for sql in sent) > 0 for table in tables}
        return rows, reply.json().get("revision", "")

    nothing, revision = written("GET", f"{address}/impact?action=end")
    assert not any(nothing.values())
    refused, _ = written("GET", f"{address}/impact?action=end&at=2020-01-01T00:00:00Z")
    assert not any(refused.values())
    everything, _ = written("POST", f"{address}/end", revision)
    assert all(everything.values())
