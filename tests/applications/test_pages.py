"""Who may open which page, what it shows, and what a neighbour sees of it."""

import re

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from applications import events
from applications.actions import applications, webhook_requests, webhooks
from applications.models import Contract, Event
from applications.urls import pages
from iam_portal.walls import tenant_scope
from tests.applications.sides import proofs_of
from tests.applications.story import Party, person, register, share

# Page → a role with which it opens, for those that one may merely read.
READABLE = {
    "overview": "user",
    "network": "provision-contract-manager",
    "network-pair": "provision-contract-manager",
    "application-list": "user-reader",
    "application-detail": "user-reader",
    "application-access": "user-reader",
    "application-resources": "user-reader",
    "application-served": "user-reader",
    "application-credentials": "user-reader",
    "contract-list": "provision-contract-manager",
    "contract-detail": "provision-contract-manager",
    "application-register": "module-manager",
    "application-edit": "module-manager",
    "application-suspend": "module-manager",
    "application-retire": "module-manager",
    "secret-add": "module-manager",
    "secret-revoke": "module-manager",
    "key-add": "module-manager",
    "key-revoke": "module-manager",
    "certificate-add": "module-manager",
    "subject-add": "module-manager",
    "certificate-revoke": "module-manager",
    "issuer-add": "module-manager",
    "issuer-revoke": "module-manager",
    "client-add": "module-manager",
    "client-edit": "module-manager",
    "contract-new": "provision-contract-manager",
    "contract-amend": "provision-contract-manager",
    "contract-pause": "provision-contract-manager",
    "contract-end": "provision-contract-manager",
    "event-list": "user-reader",
    "event-detail": "provision-contract-manager",
    "webhook-list": "organization-configuration-manager",
    "webhook-new": "organization-configuration-manager",
    "webhook-detail": "organization-configuration-manager",
    "webhook-edit": "organization-configuration-manager",
    "webhook-pause": "organization-configuration-manager",
    "webhook-resume": "organization-configuration-manager",
    "webhook-test": "organization-configuration-manager",
    "webhook-recover": "organization-configuration-manager",
    "webhook-end": "organization-configuration-manager",
    "webhook-secret-new": "organization-configuration-manager",
    "webhook-secret-revoke": "organization-configuration-manager",
    "webhook-redeliver": "organization-configuration-manager",
}
NETWORK = ("network", "network-pair")
# These need a state of their own; the tests of acts open them.
ELSEWHERE = {
    "application-resume",
    "contract-edit",
    "contract-cancel-pause",
    "contract-confirm",
    "contract-propose",
    "contract-accept",
    "contract-decline",
    "contract-withdraw",
    "contract-resume",
    "amendment-accept",
    "amendment-decline",
    "amendment-withdraw",
}


@pytest.fixture
def contract(acme: Party, beta: Party) -> Contract:
    return share(acme, beta, acme.applications["planner"])


@pytest.fixture
def addresses(acme: Party, contract: Contract) -> dict[str, str]:
    """Every readable page of acme."""
    planner = acme.applications["planner"]
    known = {"application_id": planner.id, "client_id": planner.id, "contract_id": contract.id}
    known |= proofs_of(planner, timezone.now())
    known["event_id"] = latest_event(acme)
    of_webhook = told(acme)
    found = {}
    for pattern in pages.urlpatterns:
        if pattern.name in READABLE:
            known["partner_id"] = contract.consumer_id
            names = pattern.pattern.converters
            values = of_webhook if pattern.name.startswith("webhook-") else known
            given = {name: values[name] for name in names}
            found[pattern.name] = reverse(f"applications:{pattern.name}", kwargs={"slug": "acme", **given})
    return found


def latest_event(acme: Party) -> object:
    events.sequence()
    with tenant_scope(acme.tenant.id):
        rows = Event.objects.filter(tenant=acme.tenant, type__startswith="iam.contract.")
        return rows.latest("id").event_id


def told(acme: Party) -> dict[str, object]:
    """A webhook, its secret, and a delivery of it."""
    wanted = webhooks.Wanted("https://receiver.example/hook", ("iam.contract.*",))
    given = {"tenant": acme.tenant, "by": acme.actor, "at": timezone.now()}
    with tenant_scope(acme.tenant.id):
        made, _value = webhooks.subscribe(wanted=wanted, **given)
        sent = webhook_requests.send_test(webhook_id=made.id, **given)
        return {"webhook_id": made.id, "delivery_id": sent.id, "secret_id": made.secrets.get().id}


def names_in(response) -> str:
    return re.sub(r"\s+", " ", response.content.decode())


def test_every_page_is_named_here():
    assert {pattern.name for pattern in pages.urlpatterns} == set(READABLE) | ELSEWHERE


def test_each_opens_with_its_role(acme: Party, addresses: dict[str, str]):
    people = {role: person(acme, f"kim-{role}", role) for role in set(READABLE.values())}
    answers = {name: people[READABLE[name]].get(address) for name, address in addresses.items()}
    assert {name: answer.status_code for name, answer in answers.items()} == dict.fromkeys(READABLE, 200)
    assert all("<h1>" in names_in(answer) for answer in answers.values())


def test_none_opens_without_a_role(acme: Party, addresses: dict[str, str]):
    nobody = person(acme, "kim")
    answers = {name: nobody.get(address) for name, address in addresses.items()}
    expected = dict.fromkeys(READABLE, 403) | {"overview": 200}  # what concerns only oneself needs no role
    assert {name: answer.status_code for name, answer in answers.items()} == expected
    assert not any("Fleet Planner" in names_in(answer) for answer in answers.values())


def test_anonymous_is_sent_to_sign_in(gamma: Party, addresses: dict[str, str]):
    for address in addresses.values():
        response = Client().get(address)
        assert response.status_code == 302
        assert response["Location"].startswith("/t/acme/sign-in?next=")
        assert gamma.client.get(address).status_code == 302, "a session elsewhere is none here"


def test_foreign_ids_are_not_found(gamma: Party, addresses: dict[str, str]):
    own = {"overview", "application-list", "application-register", "contract-list", "contract-new"}
    own |= {"webhook-list", "webhook-new", "event-list"}
    # Beta is a partner of gamma, too: who is none is asked for in test_network.py.
    for name in set(addresses) - own - set(NETWORK):
        address = addresses[name].replace("/t/acme/", "/t/gamma/")
        assert gamma.client.get(address).status_code == 404, name
        assert gamma.client.post(address).status_code in (404, 405), name


def test_neighbour_sees_nothing_of_it(acme: Party, beta: Party, gamma: Party, contract: Contract):
    for path in ("", "applications", "contracts", "network"):
        shown = names_in(gamma.get(path))
        assert "acme.fleet-planner" not in shown
        assert str(contract.id) not in shown
        assert "Acme" not in shown
    assert len(gamma.get("applications").context["table"]["rows"]) == 1


def test_a_draft_is_the_providers_own_affair(acme: Party, beta: Party):
    draft = share(acme, beta, acme.applications["planner"], until="draft")
    assert acme.get(f"contracts/{draft.id}").status_code == 200
    assert beta.get(f"contracts/{draft.id}").status_code == 404
    assert str(draft.id) not in names_in(beta.get("contracts"))


def test_both_sides_see_it_from_their_side(acme: Party, beta: Party, contract: Contract):
    assert acme.get(f"contracts/{contract.id}").context["page"]["title"] == "Fleet Planner for Beta"
    assert beta.get(f"contracts/{contract.id}").context["page"]["title"] == "Fleet Planner from Acme"
    assert "Pause contract" in names_in(acme.get(f"contracts/{contract.id}"))
    assert "Pause contract" not in names_in(beta.get(f"contracts/{contract.id}"))


def test_the_reader_of_one_type_sees_no_other(acme: Party, contract: Contract):
    reader = person(acme, "kim", "access-contract-manager")
    assert str(contract.id) not in names_in(reader.get(acme.url("contracts")))
    assert reader.get(acme.url(f"contracts/{contract.id}")).status_code == 403


def test_filters_of_contracts(acme: Party, beta: Party, contract: Contract):
    draft = share(acme, beta, register(acme, "Yard Camera"), until="draft")

    def shown(**query: str) -> set[str]:
        page = acme.get("contracts", **query)
        assert page.status_code == 200
        return {str(row.id) for row in (contract, draft) if str(row.id) in names_in(page)}

    assert shown() == {str(contract.id), str(draft.id)}
    assert shown(state="in_force") == {str(contract.id)}
    assert shown(state="draft", side="provided") == {str(draft.id)}
    assert shown(side="received") == set()
    assert shown(q="yard") == {str(draft.id)}
    assert shown(q="beta") == {str(contract.id), str(draft.id)}
    assert shown(q="acme.fleet") == {str(contract.id)}
    assert shown(q=str(contract.id)) == {str(contract.id)}
    assert shown(q="\x00%_'") == set()
    assert shown(state="nonsense", cursor="nonsense", type="x") == {str(contract.id), str(draft.id)}


def test_filters_of_applications(beta: Party, acme: Party, contract: Contract):
    camera = register(acme, "Yard Camera")

    def shown(who: Party, **query: str) -> list[str]:
        rows = who.get("applications", **query).context["table"]["rows"]
        return [row["cells"][0]["note"] for row in rows]

    assert shown(beta) == ["acme.fleet-planner", "beta.fleet-planner"]
    assert shown(beta, relation="owned") == ["beta.fleet-planner"]
    assert shown(beta, relation="shared") == ["acme.fleet-planner"]
    applications.suspend(
        tenant=acme.tenant, application_id=camera.id, reason="", by=acme.actor, at=timezone.now()
    )
    assert shown(acme, state="unavailable") == [camera.id]
    assert shown(acme, q="CAMERA") == [camera.id]
    applications.retire(tenant=acme.tenant, application_id=camera.id, by=acme.actor, at=timezone.now())
    assert camera.id not in shown(acme)
    assert shown(acme, state="retired") == [camera.id]


def test_why_not_available(acme: Party, beta: Party, contract: Contract):
    acme.confirm(f"contracts/{contract.id}/pause", note="Audit")
    shown = beta.get("applications/acme.fleet-planner")
    assert shown.context["decision"]["code"] == "contract_paused"
    assert f"/t/beta/contracts/{contract.id}" in names_in(shown)
    assert "was paused by Jane" in names_in(shown)


def test_what_an_owner_sees_of_those_served(acme: Party, beta: Party, gamma: Party):
    planner = acme.applications["planner"]
    share(acme, beta, planner, onward=True)
    share(beta, gamma, planner, type="access")
    rows = acme.get("applications/acme.fleet-planner/served").context["table"]["rows"]
    assert [row["cells"][0]["text"] for row in rows] == ["Beta", "Gamma"]
    assert beta.get("applications/acme.fleet-planner/served").status_code == 404
    assert "Gamma" not in names_in(gamma.get("applications/acme.fleet-planner/access")).split("<main")[1]
    assert beta.get("applications/acme.fleet-planner/credentials").status_code == 404


def test_the_overview_says_what_waits(acme: Party, beta: Party):
    planner = acme.applications["planner"]
    share(acme, beta, planner, until="proposed")
    share(acme, beta, register(acme, "Yard Camera"), until="draft")
    assert [task.text for task in beta.get().context["tasks"]] == ["Fleet Planner from Acme"]
    assert [task.text for task in acme.get().context["tasks"]] == ["Yard Camera for Beta"]
    assert [tile["value"] for tile in acme.get().context["tiles"]] == [2, 0, 0, 0]


def test_the_overview_shows_what_one_may_see(acme: Party, contract: Contract):
    context = person(acme, "kim", "user").get(acme.url()).context
    assert context["tiles"] == context["tasks"] == []
    assert context["history"] is None
    assert person(acme, "lee", "user", "activity-log-reader").get(acme.url()).context["history"]


@pytest.mark.parametrize("path", ["", "applications", "contracts"])
def test_queries_do_not_grow_with_the_list(
    path: str, acme: Party, beta: Party, contract: Contract, django_assert_max_num_queries
):
    def count() -> int:
        with django_assert_max_num_queries(500) as asked:
            assert acme.get(path).status_code == 200
        return len(asked)

    def grow(number: int) -> None:
        made = register(acme, f"More {number}")
        share(acme, beta, made)
        share(acme, beta, made, type="access", until="draft")

    grow(0)
    acme.get(path)
    before = count()
    for number in range(1, 5):
        grow(number)
    assert count() <= before


def test_a_page_without_a_cursor_ends_and_goes_on(acme: Party):
    for number in range(30):
        register(acme, f"Tool {number:02}", with_roles=False)
    first = acme.get("applications")
    assert len(first.context["table"]["rows"]) == 25
    second = acme.client.get(first.context["table"]["paging"]["next_url"])
    assert len(second.context["table"]["rows"]) == 6
    assert acme.client.get(second.context["table"]["paging"]["previous_url"]).status_code == 200
