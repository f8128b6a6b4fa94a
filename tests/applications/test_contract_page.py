"""What a contract page tells: the offer in words, what is planned, its use; and filters of the list."""

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from applications import manifest as manifests
from applications.actions import amendment_answers, amendments, contracts, pauses
from applications.actions.changes import Change
from applications.actions.manifests import declare
from applications.models import Contract, Watermark
from tests.applications.story import Party, register, share
from tests.applications.test_usage import use

DAY = timedelta(days=1)


def text(reply: Any) -> str:
    return re.sub(r"\s+", " ", reply.content.decode())


def acting(party: Party, contract: Contract) -> dict[str, Any]:
    return {"tenant": party.tenant, "contract_id": contract.id, "by": party.actor, "at": timezone.now()}


@pytest.fixture
def contract(acme: Party, beta: Party) -> Contract:
    return share(acme, beta, acme.applications["planner"])


def undoing(reply: Any) -> list[dict[str, Any]]:
    """What the messages of the page offer to take back."""
    return [json.loads(each.extra_tags) for each in reply.context["messages"] if each.extra_tags]


def planned(party: Party, contract: Contract) -> list[tuple[str, bool]]:
    page = party.get(f"contracts/{contract.id}")
    return [(change.text, bool(change.cancel_url)) for change in page.context["ahead"]]


def test_what_is_planned_stands_in_its_order(acme: Party, beta: Party, contract: Contract) -> None:
    now = timezone.now()
    assert planned(acme, contract) == []
    contracts.end(**acting(acme, contract), when=now + 30 * DAY)
    pauses.pause(**acting(acme, contract), when=now + 10 * DAY, until=now + 12 * DAY)
    change = Change(remove=[("acme.fleet-planner", "reader")], when=now + 5 * DAY)
    amendments.amend(**acting(acme, contract), change=change)
    said = ["A role is taken away", "Pauses", "Goes on after the pause", "Ends"]
    assert planned(acme, contract) == [(words, words == "Pauses") for words in said]
    assert planned(beta, contract) == [(words, False) for words in said], "a pause is the provider's affair"
    assert "Fleet Planner: Reader" in text(beta.get(f"contracts/{contract.id}"))


def test_a_proposal_says_until_when_it_can_be_answered(acme: Party, beta: Party) -> None:
    now = timezone.now()
    row = share(acme, beta, acme.applications["planner"], until="proposed", answer_by=now + 3 * DAY)
    assert planned(beta, row) == [("Lapses, unless it is answered before", False)]


def test_a_pause_can_be_undone_from_what_is_said_of_it(acme: Party, contract: Contract) -> None:
    path = f"contracts/{contract.id}"
    later = timezone.localtime(timezone.now() + 9 * DAY).strftime("%Y-%m-%dT%H:%M")
    again = acme.confirm(f"{path}/pause", when=later)  # another moment is another impact: confirmed once more
    sent = {name: again.context["form"][name].value() for name in ("shown", "when")}
    assert acme.post(f"{path}/pause", **sent, revision=contract.revision).status_code == 302
    [undo] = undoing(acme.get(path))
    assert "/pauses/" in undo["url"]
    assert acme.client.post(undo["url"], dict(undo["fields"])).status_code == 302
    assert planned(acme, contract) == []
    acme.get(path)
    acme.confirm(f"{path}/pause")
    [undo] = undoing(acme.get(path))
    assert undo["url"] == f"/t/acme/{path}/resume"
    assert undoing(acme.get(path)) == [], "said once"
    assert acme.client.post(undo["url"], dict(undo["fields"])).status_code == 302
    assert acme.get(path).context["page"]["state"] == "in_force"
    assert undoing(acme.get(path)) == [], "what gives is not undone by taking"


def test_undoing_a_pause_does_not_undo_what_came_after_it(acme: Party, contract: Contract) -> None:
    path = f"contracts/{contract.id}"
    acme.confirm(f"{path}/pause")
    [undo] = undoing(acme.get(path))
    pauses.resume(**acting(acme, contract))
    pauses.pause(**acting(acme, contract))
    assert acme.client.post(undo["url"], dict(undo["fields"])).status_code == 412
    assert acme.get(path).context["page"]["state"] == "paused"


def test_the_receiver_reads_what_accepting_brings(acme: Party, beta: Party) -> None:
    planner, now = acme.applications["planner"], timezone.now()
    depot = register(acme, "Depot")
    needs = manifests.parse(
        {
            "resources": [{"type": "urn:x", "id": "tours", "name": "Tours", "privileges": ["read"]}],
            "roles": [
                {
                    "key": key,
                    "name": key,
                    "permissions": [{"resourceType": "urn:x", "resourceId": "tours", "privileges": ["read"]}],
                }
                for key in ("reader", "planner")
            ],
            "requiredRoles": [{"applicationId": depot.id, "role": "reader"}],
        }
    )
    declare(application=planner, manifest=needs, by=acme.actor, at=now)
    row = share(acme, beta, planner, until="proposed", ends_at=now + 30 * DAY)
    page = beta.get(f"contracts/{row.id}")
    offer = page.context["offer"]
    assert offer["text"].startswith("Beta runs these applications for itself.")
    [application] = offer["applications"]
    assert [(role["name"], role["opens"]) for role in application["roles"]] == [
        ("planner", ["Tours: read"]),
        ("reader", ["Tours: read"]),
    ]
    assert offer["required"] == [{"name": "Fleet Planner", "roles": [f"reader of {depot.id}"]}]
    assert "What comes along" in text(page)
    assert acme.get(f"contracts/{row.id}").context["offer"] is None, "the provider wrote it"
    contracts.accept(tenant=beta.tenant, contract_id=row.id, by=beta.actor, at=timezone.now())
    assert beta.get(f"contracts/{row.id}").context["offer"] is None


def test_an_access_proposal_says_whose_data_it_opens(acme: Party, beta: Party) -> None:
    row = share(acme, beta, acme.applications["planner"], type="access", until="proposed")
    page = beta.get(f"contracts/{row.id}")
    assert "Beta works on the data of Acme" in text(page)
    assert page.context["offer"]["required"] == []


def test_an_amendment_stands_beside_what_it_changes(acme: Party, beta: Party, contract: Contract) -> None:
    now = timezone.now()
    change = Change(remove=[("acme.fleet-planner", "reader")], moves_end=True, ends_at=now + 40 * DAY)
    amendments.amend(**acting(acme, contract), change=change)
    depot = register(acme, "Depot")
    wider = Change(add=[(depot.id, "reader")], moves_end=True, ends_at=now + 60 * DAY)
    amendments.amend(**acting(acme, contract), change=wider)
    waits, done = beta.get(f"contracts/{contract.id}").context["amendments"]
    assert waits["sides"]["rows"] == [
        {"name": "Depot", "roles": [("Reader", "added")]},
        {"name": "Fleet Planner", "roles": [("Planner", "kept")]},
    ]
    assert waits["sides"]["moved"] == {"before": now + 40 * DAY, "after": now + 60 * DAY}
    assert "sides" not in done


def test_the_use_of_a_contract_by_day_and_by_service(acme: Party, beta: Party, contract: Contract) -> None:
    now, target = timezone.now(), acme.applications["planner"]
    caller = beta.applications["planner"]
    assert beta.get(f"contracts/{contract.id}").context["usage"]["days"] == []
    use(contract, caller, target, at=now, tokens=1200)
    use(contract, caller, target, at=now - 20 * DAY, tokens=4)
    shown = beta.get(f"contracts/{contract.id}").context["usage"]
    assert len(shown["days"]) == 30
    assert [day.height for day in shown["days"] if day.height > 1] == [2, 34]
    assert shown["said"] == f"Used on 2 of the last 30 days, most on {now:%-d %b}: 1,200."
    [told] = shown["callers"]
    assert (told["name"], told["calls"], told["tokens"]) == ("Fleet Planner", target.id, "1,204")
    assert acme.get(f"contracts/{contract.id}").context["usage"]["callers"][0]["name"] == caller.id


def test_filters_of_what_ends_and_what_nobody_uses(acme: Party, beta: Party, gamma: Party) -> None:
    now = timezone.now()
    soon = share(acme, beta, acme.applications["planner"], ends_at=now + 9 * DAY)
    late = share(acme, beta, register(acme, "Depot"), ends_at=now + 90 * DAY)
    old = share(beta, acme, beta.applications["planner"])
    Contract.objects.filter(id=old.id).update(starts_at=now - 200 * DAY, created_at=now - 200 * DAY)
    Watermark.objects.filter(name="usage").update(at=now - 150 * DAY)

    def shown(party: Party, **query: str) -> set[str]:
        page = text(party.get("contracts", **query))
        return {str(row.id) for row in (soon, late, old) if str(row.id) in page}

    assert shown(acme, show="ending") == {str(soon.id)}
    assert shown(acme, show="unused") == {str(old.id)}
    assert shown(acme, show="nonsense") == {str(soon.id), str(late.id), str(old.id)}
    assert shown(acme, partner=str(beta.tenant.id)) == {str(soon.id), str(late.id), str(old.id)}
    assert shown(acme, partner=str(gamma.tenant.id)) == set()
    assert "Gamma" not in text(acme.get("contracts", partner=str(gamma.tenant.id))), "no name of a stranger"
    assert shown(acme, partner="\0 nonsense") == {str(soon.id), str(late.id), str(old.id)}
    chip = acme.get("contracts", partner=str(beta.tenant.id)).context["filters"]["chips"][-1]
    assert chip["value"] == "Beta"


def test_the_page_asks_as_much_of_a_contract_with_a_long_life(
    acme: Party, beta: Party, contract: Contract, django_assert_max_num_queries: Any
) -> None:
    def count() -> int:
        with django_assert_max_num_queries(70) as asked:
            assert beta.get(f"contracts/{contract.id}").status_code == 200
        return len(asked)

    def live(number: int) -> None:
        now = timezone.now()
        made = register(acme, f"Tool {number}")
        wider = Change(add=[(made.id, "reader"), (made.id, "planner")])
        row = amendments.amend(**acting(acme, contract), change=wider)
        open_one = {"contract_id": contract.id, "amendment_id": row.id, "by": beta.actor}
        amendment_answers.accept(tenant=beta.tenant, **open_one, at=timezone.now())
        later = now + (10 + 2 * number) * DAY
        pauses.pause(**acting(acme, contract), when=later, until=later + DAY)
        use(contract, beta.applications["planner"], made, at=now - number * DAY)

    live(1)
    count()
    before = count()
    for number in range(2, 6):
        live(number)
    assert count() == before
