"""Amending through the console: first what it causes, then the act, once; and the other side's answer."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from applications.actions import contracts
from applications.models import Amendment, Contract
from tests.applications.story import Party, person, register, share

READER, PLANNER = "acme.fleet-planner/reader", "acme.fleet-planner/planner"


@pytest.fixture
def contract(acme: Party, beta: Party) -> Contract:
    return share(acme, beta, acme.applications["planner"])


NOW = timezone.now()


def local(days: float) -> str:
    """From one moment on: what is sent twice stays the same where a minute ends in between."""
    return timezone.localtime(NOW + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M")


def amend(who: Party, contract: Contract, **data: Any):
    """As a person does: fill the form in, look at what it causes, confirm."""
    path = f"contracts/{contract.id}/amend"
    revision = who.get(path).context["revision"]
    seen = who.post(path, go="review", revision=revision, **data)
    if seen.status_code != 200 or "review" not in seen.context:
        return seen
    form, shown = seen.context["form"], seen.context["review"]["shown"]
    carried: dict[str, list[str]] = {}
    for name, value in form.carried():
        carried.setdefault(name, []).append(value)
    return who.post(path, go="save", revision=revision, shown=shown, **carried)


def text(response) -> str:
    return re.sub(r"\s+", " ", response.content.decode())


def values(response, name: str) -> list[str]:
    form = response.context["form"]
    return [value for value, _ in form.fields[name].choices] if name in form.fields else []


def test_narrowing_is_shown_first_and_done_once(beta: Party, contract: Contract) -> None:
    path = f"contracts/{contract.id}/amend"
    seen = beta.post(path, go="review", revision=contract.revision, remove=[PLANNER], note="Unused")
    review = seen.context["review"]
    assert review["at_once"] is True
    assert [change["text"] for change in review["changes"]] == ["Fleet Planner: Planner"]
    assert not Amendment.objects.exists()
    data = {"go": "save", "revision": contract.revision, "shown": review["shown"], "remove": [PLANNER]}
    for _click in range(2):
        assert beta.post(path, **data).status_code == 302
    assert Amendment.objects.get().state == "accepted"
    shown = beta.get(f"contracts/{contract.id}")
    assert "amended the contract" in text(shown)
    (item,) = shown.context["applications"]
    assert [row["role"].key for row in item["roles"]] == ["reader"]
    back = beta.post(path, **{**data, "go": "back", "revision": contract.revision + 1})
    assert "review" not in back.context


def test_widening_is_proposed_and_accepted(acme: Party, beta: Party, contract: Contract) -> None:
    register(acme, "Depot")
    response = amend(acme, contract, add=["acme.depot/reader"], ends_at=local(30), note="For the depots")
    assert response.status_code == 302
    made = Amendment.objects.get()
    path = f"contracts/{contract.id}/amendments/{made.id}"
    mine, theirs = acme.get(f"contracts/{contract.id}"), beta.get(f"contracts/{contract.id}")
    assert [act["label"] for act in mine.context["amendments"][0]["acts"]] == ["Withdraw amendment"]
    assert [act["label"] for act in theirs.context["amendments"][0]["acts"]] == [
        "Accept amendment",
        "Decline amendment",
    ]
    assert "<ins>Reader</ins>" in text(theirs).split("Depot</th>")[1]
    tasks = [[task.action["label"] for task in side.get("").context["tasks"]] for side in (acme, beta)]
    assert tasks == [[], ["Answer"]]
    assert acme.get(f"{path}/accept").status_code == 404
    assert beta.get(f"{path}/withdraw").status_code == 404
    assert beta.confirm(f"{path}/accept", note="Welcome").status_code == 302
    shown = beta.get(f"contracts/{contract.id}")
    assert [item["id"] for item in shown.context["applications"]] == ["acme.depot", "acme.fleet-planner"]
    assert "“Welcome”" in text(shown)
    late = beta.client.get(beta.url(f"{path}/decline"), follow=True)
    assert "Nothing was changed by you" in text(late)


@pytest.mark.parametrize(("act", "side"), [("decline", "beta"), ("withdraw", "acme")])
def test_refusing(act: str, side: str, acme: Party, beta: Party, contract: Contract) -> None:
    amend(acme, contract, ends_at=local(30))
    amend(acme, contract, open_end="on")
    made = Amendment.objects.get(state="proposed")
    who = {"acme": acme, "beta": beta}[side]
    assert who.confirm(f"contracts/{contract.id}/amendments/{made.id}/{act}", note="No").status_code == 302
    made.refresh_from_db()
    assert made.state == {"decline": "declined", "withdraw": "withdrawn"}[act]
    assert "“No”" in text(acme.get(f"contracts/{contract.id}"))


def test_what_is_wrong_stands_at_its_field_and_input_is_kept(acme: Party, contract: Contract) -> None:
    response = amend(acme, contract, remove=[READER], ends_at=local(-1), when=local(-2), note="Audit")
    assert response.status_code == 200
    assert set(response.context["form"].errors) == {"ends_at", "when"}
    assert "Audit" in text(response)
    nothing = amend(acme, contract)
    assert "no other end" in str(nothing.context["form"].non_field_errors())
    both = amend(acme, contract, remove=[READER, PLANNER])
    assert "Nothing would be left" in str(both.context["form"].errors["remove"])
    assert not Amendment.objects.exists()


def test_the_consumer_is_offered_nothing_else_of_the_provider(
    acme: Party, beta: Party, contract: Contract
) -> None:
    register(acme, "Depot")
    amend(beta, contract, remove=[PLANNER])
    path = f"contracts/{contract.id}/amend"
    assert values(beta.get(path), "add") == [PLANNER]
    assert set(values(acme.get(path), "add")) == {PLANNER, "acme.depot/planner", "acme.depot/reader"}
    forged = amend(beta, contract, add=["acme.depot/reader"])
    assert "add" in forged.context["form"].errors
    assert "Depot" not in text(forged)


def test_changed_meanwhile(acme: Party, beta: Party, contract: Contract) -> None:
    path = f"contracts/{contract.id}/amend"
    amend(acme, contract, remove=[PLANNER])
    response = beta.post(path, go="review", revision=contract.revision, remove=[READER])
    assert response.status_code == 412
    assert [row["action"] for row in response.context["changes"]] == ["contract.amended"]
    contracts.end(tenant=acme.tenant, contract_id=contract.id, by=acme.actor, at=timezone.now())
    late = beta.client.get(beta.url(path), follow=True)
    assert "present state" in text(late)
    assert "Amend contract" not in text(late)


def test_who_may(acme: Party, beta: Party, gamma: Party, contract: Contract) -> None:
    amend(acme, contract, ends_at=local(30))
    amend(acme, contract, open_end="on")
    made = Amendment.objects.get(state="proposed")
    answer = f"contracts/{contract.id}/amendments/{made.id}/accept"
    for path in (f"contracts/{contract.id}/amend", answer):
        assert gamma.get(path).status_code == gamma.post(path).status_code == 404
        reader = person(beta, f"kim{len(path)}", "access-contract-manager")
        assert reader.get(beta.url(path)).status_code == 403
    draft = share(acme, beta, acme.applications["planner"], until="draft")
    assert acme.get(f"contracts/{draft.id}/amend").status_code == 404
