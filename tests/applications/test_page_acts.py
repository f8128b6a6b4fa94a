"""Every act through its page: it changes the state, once, and only against what was shown."""

from datetime import timedelta

import pytest
from django.utils import timezone

from applications.actions import contracts
from applications.models import Application, Contract, ContractPause
from applications.shapes import phase
from tests.applications.story import Party, person, register, share


@pytest.fixture
def planner(acme: Party) -> Application:
    return acme.applications["planner"]


def state(contract: Contract) -> str:
    contract.refresh_from_db()
    return phase(Contract.objects.get(id=contract.id), timezone.now())


NOW = timezone.now()


def local(days: float) -> str:
    """From one moment on: what is sent twice stays the same where a minute ends in between."""
    return timezone.localtime(NOW + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M")


def wizard(partner: Party, /, **more: object) -> dict[str, object]:
    """The summary step as a browser sends it."""
    given = {"consumer": str(partner.tenant.id), "type": "provision", "step": "summary"}
    return {**given, "roles": ["acme.fleet-planner/reader"], "note": "Pilot", **more}


@pytest.mark.parametrize(
    ("act", "side", "before", "after"),
    [
        ("propose", "acme", "draft", "proposed"),
        ("withdraw", "acme", "draft", "withdrawn"),
        ("withdraw", "acme", "proposed", "withdrawn"),
        ("accept", "beta", "proposed", "in_force"),
        ("decline", "beta", "proposed", "declined"),
        ("pause", "acme", "accepted", "paused"),
        ("end", "acme", "accepted", "ended"),
        ("end", "beta", "accepted", "ended"),
    ],
)
def test_acts(act: str, side: str, before: str, after: str, acme: Party, beta: Party, planner: Application):
    contract = share(acme, beta, planner, until=before)
    who = {"acme": acme, "beta": beta}[side]
    response = who.confirm(f"contracts/{contract.id}/{act}", note="Because")
    assert response.status_code == 302, response.context["form"].errors
    assert state(contract) == after
    shown = who.get(f"contracts/{contract.id}")
    assert "“Because”" in shown.content.decode()


@pytest.mark.parametrize("act", ["propose", "withdraw", "pause", "resume"])
def test_the_other_sides_acts_are_not_there(act: str, acme: Party, beta: Party, planner: Application):
    contract = share(acme, beta, planner)
    assert beta.get(f"contracts/{contract.id}/{act}").status_code == 404
    assert beta.post(f"contracts/{contract.id}/{act}").status_code == 404
    assert acme.get(f"contracts/{contract.id}/accept").status_code == 404


def test_resume(acme: Party, beta: Party, planner: Application):
    contract = share(acme, beta, planner)
    acme.confirm(f"contracts/{contract.id}/pause")
    acme.confirm(f"contracts/{contract.id}/resume")
    assert state(contract) == "in_force"


def test_acts_need_more_than_reading(acme: Party, beta: Party, planner: Application):
    contract = share(acme, beta, planner, until="proposed")
    reader = person(beta, "kim", "access-contract-manager", "user-reader")
    assert reader.post(beta.url(f"contracts/{contract.id}/accept")).status_code == 403
    assert state(contract) == "proposed"


def test_the_confirmation_shows_who_loses_what(acme: Party, beta: Party, gamma: Party, planner: Application):
    contract = share(acme, beta, planner, onward=True)
    share(beta, gamma, planner, type="access")
    for act in ("pause", "end"):
        names = acme.get(f"contracts/{contract.id}/{act}").context["confirm"]["names"][0]["items"]
        assert [item["text"] for item in names] == ["Fleet Planner in Beta", "Fleet Planner in Gamma"]


def test_what_another_contract_still_gives_is_no_loss(acme: Party, beta: Party, planner: Application):
    contract, _second = share(acme, beta, planner), share(acme, beta, planner)
    confirm = acme.get(f"contracts/{contract.id}/end").context["confirm"]
    assert "names" not in confirm
    assert confirm["nothing"]


def test_a_planned_act_shows_its_own_moment_first(acme: Party, beta: Party, planner: Application):
    contract = share(acme, beta, planner)
    first = acme.confirm(f"contracts/{contract.id}/end", when=local(10))
    assert first.status_code == 200
    assert first.context["differs"]
    assert state(contract) == "in_force"
    page = first.context
    again = acme.post(
        f"contracts/{contract.id}/end",
        when=local(10),
        shown=page["form"]["shown"].value(),
        revision=page["confirm"]["revision"],
    )
    assert again.status_code == 302
    assert state(contract) == "in_force"
    contract.refresh_from_db()
    assert contract.ends_at is not None


def test_a_planned_pause_can_be_cancelled(acme: Party, beta: Party, planner: Application):
    contract = share(acme, beta, planner)
    first = acme.confirm(f"contracts/{contract.id}/pause", when=local(5), until=local(6)).context
    shown, revision = first["form"]["shown"].value(), first["confirm"]["revision"]
    acme.post(f"contracts/{contract.id}/pause", when=local(5), until=local(6), shown=shown, revision=revision)
    pause = ContractPause.objects.get(contract=contract)
    url = f"contracts/{contract.id}/pauses/{pause.id}/cancel"
    assert url in acme.get(f"contracts/{contract.id}").content.decode()
    assert beta.get(url).status_code == 404
    assert acme.get(url).status_code == 200
    assert acme.post(url).status_code == 302
    assert not ContractPause.objects.filter(contract=contract).exists()
    assert acme.post(url).status_code == 404


def test_input_survives_a_refusal(acme: Party, beta: Party, planner: Application):
    contract = share(acme, beta, planner)
    response = acme.confirm(f"contracts/{contract.id}/pause", until=local(-1), note="Audit")
    assert response.status_code == 200
    assert response.context["form"].non_field_errors()
    assert "Audit" in response.content.decode()
    assert state(contract) == "in_force"


def test_another_revision_shows_what_changed(acme: Party, beta: Party, planner: Application):
    contract = share(acme, beta, planner)
    page = acme.get(f"contracts/{contract.id}/end").context
    acme.confirm(f"contracts/{contract.id}/pause", note="Audit")
    data = {"shown": page["form"]["shown"].value(), "revision": page["confirm"]["revision"]}
    response = beta.post(f"contracts/{contract.id}/end", **data)
    assert response.status_code == 412
    assert [row["action"] for row in response.context["changes"]] == ["contract.paused"]
    assert state(contract) == "paused"


def test_the_second_click_is_harmless(acme: Party, beta: Party, planner: Application):
    contract = share(acme, beta, planner)
    page = acme.get(f"contracts/{contract.id}/pause").context
    data = {"shown": page["form"]["shown"].value(), "revision": page["confirm"]["revision"]}
    for _click in range(2):
        response = acme.post(f"contracts/{contract.id}/pause", **data)
        assert response.status_code == 302
    assert ContractPause.objects.filter(contract=contract).count() == 1


def test_wizard_keeps_everything(acme: Party, beta: Party):
    data = wizard(beta, step="partner", go="next", ends_at=local(50), onward_access="on")
    for step in ("roles", "terms", "summary"):
        response = acme.post("contracts/new", **data)
        assert response.context["step"] == step
        hidden = dict(response.context["hidden"])
        assert hidden["consumer"] == str(beta.tenant.id)
        data |= {"step": step}
    back = acme.post("contracts/new", **{**data, "go": "back"})
    assert back.context["step"] == "terms"
    assert back.context["form"]["note"].value() == "Pilot"
    first = acme.post("contracts/new", **{**data, "go": "to-partner"})
    assert first.context["form"]["consumer"].value() == str(beta.tenant.id)
    assert not Contract.objects.exists()


@pytest.mark.parametrize(("go", "expected"), [("save", "draft"), ("propose", "proposed")])
def test_wizard_saves_once(go: str, expected: str, acme: Party, beta: Party):
    for _click in range(2):
        response = acme.post("contracts/new", **wizard(beta, go=go, ends_at=local(50)))
        assert response.status_code == 302
    contract = Contract.objects.get()
    assert contract.state == expected
    assert contract.note == "Pilot"
    assert contract.ends_at is not None
    assert contract.terms.count() == 1


@pytest.mark.parametrize(
    ("wrong", "step"),
    [
        ({"consumer": "7d1f4f6e-0000-4000-8000-000000000000"}, "partner"),
        ({"type": "gift"}, "partner"),
        ({"roles": ["gamma.fleet-planner/reader"]}, "roles"),
        ({"roles": []}, "roles"),
        ({"ends_at": "tomorrow"}, "terms"),
    ],
)
def test_wizard_leads_back_to_what_is_wrong(wrong: dict, step: str, acme: Party, beta: Party, gamma: Party):
    response = acme.post("contracts/new", **wizard(beta, go="save", **wrong))
    assert response.status_code == 200
    assert response.context["step"] == step
    assert response.context["form"].errors
    assert not Contract.objects.exists()


def test_wizard_shows_what_the_action_refuses(acme: Party, beta: Party):
    response = acme.post("contracts/new", **wizard(beta, go="propose", answer_by=local(-3)))
    assert response.context["step"] == "terms"
    assert "must lie in the future" in str(response.context["form"].errors["answer_by"])
    assert not Contract.objects.exists()


def test_edit_a_draft(acme: Party, beta: Party, planner: Application):
    draft = share(acme, beta, planner, until="draft")
    assert beta.get(f"contracts/{draft.id}/edit").status_code == 404
    page = acme.get(f"contracts/{draft.id}/edit")
    assert page.context["step"] == "roles"
    data = wizard(beta, go="save", note="Longer", revision=page.context["revision"])
    assert acme.post(f"contracts/{draft.id}/edit", **data).status_code == 302
    draft.refresh_from_db()
    assert (draft.note, draft.terms.count()) == ("Longer", 1)
    stale = acme.post(f"contracts/{draft.id}/edit", **{**data, "note": "Mine"})
    assert stale.status_code == 412
    assert "changed the draft" in str(stale.context["form"].errors)
    data |= {"note": "Mine", "revision": stale.context["revision"]}
    assert acme.post(f"contracts/{draft.id}/edit", **data).status_code == 302
    draft.refresh_from_db()
    assert draft.note == "Mine"


def test_a_contract_that_was_proposed_is_no_draft(acme: Party, beta: Party, planner: Application):
    contract = share(acme, beta, planner, until="proposed")
    assert acme.get(f"contracts/{contract.id}/edit").status_code == 404
    response = acme.client.get(acme.url(f"contracts/{contract.id}/propose"), follow=True)
    assert "Nothing was changed by you" in response.content.decode()


def test_ended_elsewhere_is_said(acme: Party, beta: Party, planner: Application):
    contract = share(acme, beta, planner)
    page = beta.get(f"contracts/{contract.id}/end").context
    contracts.end(tenant=acme.tenant, contract_id=contract.id, by=acme.actor, at=timezone.now())
    data = {"shown": page["form"]["shown"].value(), "revision": page["confirm"]["revision"]}
    response = beta.client.post(beta.url(f"contracts/{contract.id}/end"), data, follow=True)
    assert "Jane ended the contract" in response.content.decode()


def test_only_what_has_roles_is_offered(acme: Party, beta: Party):
    register(beta, "Bare", with_roles=False)
    page = beta.post("contracts/new", **wizard(acme, type="access", step="partner", go="next"))
    assert [item.application_id for item in page.context["form"].offered] == ["beta.fleet-planner"]
