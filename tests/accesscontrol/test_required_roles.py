"""Roles that applications require of others: ticked on acceptance by who may give them, else left open."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from applications.actions import contracts, pauses
from applications.actions.manifests import declare
from applications.manifest import parse
from applications.models import Application, Contract
from iam_portal.walls import tenant_scope
from tenants.actions.partners import accept_automatically
from tenants.models import HistoryEvent
from tests.accesscontrol.required_story import (
    ASKED,
    METER,
    NOBODYS,
    PLANNER,
    STRANGERS,
    Story,
    propose,
    require,
)
from tests.applications.story import Party, party, person, register
from tests.support import factories
from tests.support.once import made_once, savepoint


@pytest.fixture(scope="module")
def told(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Story]:
    with made_once(django_db_blocker):
        acme, beta, gamma = party("acme"), party("beta"), party("gamma")
        factories.make_partners(acme.tenant, beta.tenant, at=timezone.now())
        register(acme, "Meter")
        require(acme, *ASKED)
        yield Story(acme, beta, gamma, propose(acme, beta, METER))


@pytest.fixture
def story(told: Story, django_db_blocker: DjangoDbBlocker) -> Iterator[Story]:
    with savepoint(django_db_blocker):
        yield told.fork()


def test_what_is_ticked_is_given_and_the_rest_stays_open(story: Story) -> None:
    asked = {"contractId": str(story.contract.id)}
    assert story.states(**asked)[METER, "reader"] == "open", "the contract itself would bring it"
    assert story.states() == {}, "nothing is available yet"

    assert story.accept((METER, "reader")).status_code == 200

    assert story.given() == {(PLANNER, METER, "reader")}
    found = story.states()
    assert found.pop((METER, "reader")) == "held"
    assert found == dict.fromkeys(
        [(METER, "planner"), (METER, "nothing"), (STRANGERS, "reader"), (NOBODYS, "reader")], "not_available"
    )
    # A later manifest only adds to the drift.
    require(story.acme, *ASKED, (PLANNER, "reader"), ("iam-portal", "user-reader"))
    assert story.states(state="open") == {(PLANNER, "reader"): "open", ("iam-portal", "user-reader"): "open"}
    assert story.given() == {(PLANNER, METER, "reader")}


def test_without_ticks_nothing_is_given(story: Story) -> None:
    assert story.accept().status_code == 200
    assert story.given() == set()
    assert story.states()[METER, "reader"] == "open"


def test_automatic_acceptance_gives_nothing(story: Story) -> None:
    accept_automatically(
        tenant=story.beta.tenant,
        partnership_id=story.beta.tenant.partnerships_joined.get().id,
        contract_types=["provision"],
        by=story.beta.actor,
        at=timezone.now(),
    )
    made = propose(story.acme, story.beta, METER)
    assert made.state == "accepted"
    assert story.given() == set()


def test_a_strangers_application_answers_like_none(story: Story) -> None:
    story.accept()
    rows = {row["requires"]["applicationId"]: row for row in story.report().json()["items"]}
    there, nowhere = rows[STRANGERS], rows[NOBODYS]
    told = [
        str({key: value for key, value in row.items() if key != "since"}).replace(pk, "…")
        for row, pk in ((there, STRANGERS), (nowhere, NOBODYS))
    ]
    assert told[0] == told[1]
    assert "Gamma" not in str(there) and "Fleet Planner" not in str(there["requires"])


@pytest.mark.parametrize("asked", [(METER, "planner"), (STRANGERS, "reader"), (NOBODYS, "reader")])
def test_what_cannot_be_had_takes_the_acceptance_back(story: Story, asked: tuple[str, str]) -> None:
    answer = story.accept((METER, "reader"), asked)
    assert (answer.status_code, answer.json()["code"]) == (409, "required_role_refused")
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/requiredRoles/1"]
    assert answer.json()["reasons"][0]["code"] in ("role_not_granted", "no_contract")
    assert "Gamma" not in answer.content.decode()
    assert (story.state, story.given()) == ("proposed", set())


def test_only_what_is_required_can_be_ticked(story: Story) -> None:
    for asked, of in (((METER, "owner"), PLANNER), ((METER, "reader"), METER), ((METER, "reader"), NOBODYS)):
        answer = story.accept(asked, of=of)
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["pointer"] == "/requiredRoles/0"
    path = f"contracts/{story.contract.id}/decline"
    declined = story.beta.client.post(
        f"/iam/application-management/v1/tenants/{story.beta.tenant.id}/{path}",
        {
            "requiredRoles": [
                {"applicationId": PLANNER, "requires": {"applicationId": METER, "role": "reader"}}
            ]
        },
        content_type="application/json",
    )
    assert declined.status_code == 400
    assert story.state == "proposed"


def test_who_may_not_give_roles_gives_none_by_accepting(story: Story) -> None:
    """A contract manager agrees to contracts; roles are the Access Manager's."""
    manager = person(story.beta, "manager", "provision-contract-manager")
    refused = story.accept((METER, "reader"), client=manager)
    assert refused.status_code == 403
    assert refused.json()["reasons"][0]["code"] == "not_access_manager"
    assert (story.state, story.given()) == ("proposed", set())
    assert story.report(manager).status_code == 403, "the report is for who reads roles"
    assert story.accept(client=manager).status_code == 200


def test_a_tick_needs_the_permission_of_the_door_that_gives_roles(story: Story) -> None:
    """Who holds a portal role himself could hand it out, were he let in at assignments. He is not."""
    wanted = ("iam-portal", "provision-contract-manager")
    require(story.acme, wanted, (METER, "reader"))
    small = person(story.beta, "small", wanted[1], "user-reader")
    box = f'value="{PLANNER}|iam-portal|{wanted[1]}"'
    page = small.get(story.beta.url(f"contracts/{story.contract.id}/accept")).content.decode()
    assert f"{box} disabled>" in page and "This needs Roles:modify, which you do not hold." in page
    [_, line] = story.report(small, contractId=str(story.contract.id)).json()["items"]
    refused = story.accept(wanted, (METER, "reader"), client=small)
    said = refused.json()
    assert [error["pointer"] for error in said["errors"]] == ["/requiredRoles/0", "/requiredRoles/1"]
    assert [reason["code"] for reason in said["reasons"]] == ["permission_not_held", "not_access_manager"]
    assert line["mayGrant"] == {"allowed": False, "reasons": said["reasons"][:1]}
    assert (refused.status_code, story.state, story.given()) == (403, "proposed", set())
    with tenant_scope(story.beta.tenant.id):
        assert HistoryEvent.objects.filter(action="grant.refused", tenant=story.beta.tenant).exists()

    both = person(story.beta, "both", wanted[1], "access-manager")
    assert f"{box}>" in both.get(story.beta.url(f"contracts/{story.contract.id}/accept")).content.decode()
    assert story.accept(wanted, client=both).status_code == 200
    assert story.given() == {(PLANNER, *wanted)}


def test_who_reads_roles_but_no_contracts_sees_no_proposal(story: Story) -> None:
    reader = person(story.beta, "reader", "user-reader")
    assert story.report(reader, contractId=str(story.contract.id)).status_code == 403
    assert story.report(reader).json()["items"] == []
    story.accept()
    line = story.report(reader).json()["items"][0]
    assert line["mayGrant"]["allowed"] is False
    assert line["mayGrant"]["reasons"][0]["code"] == "not_access_manager"


def test_a_foreign_contract_is_none(story: Story) -> None:
    for side in (story.acme, story.gamma):
        path = f"/iam/access-management/v1/tenants/{side.tenant.id}/required-roles"
        answer = side.client.get(path, {"contractId": str(story.contract.id)})
        assert answer.status_code == 404
    assert story.report(story.gamma.client).status_code in (401, 404)


def test_what_is_assigned_already_is_fine_and_ticked_twice_is_once(story: Story) -> None:
    assert story.accept((METER, "reader"), (METER, "reader")).status_code == 200
    contracts.end(
        tenant=story.beta.tenant, contract_id=story.contract.id, by=story.beta.actor, at=timezone.now()
    )
    assert story.states() == {}
    story.contract = propose(story.acme, story.beta, METER)
    assert story.accept((METER, "reader")).status_code == 200
    assert story.states()[METER, "reader"] == "held"
    assert len(story.given()) == 1


def test_the_report_pages_in_order_and_follows_a_pause(story: Story) -> None:
    story.accept((METER, "reader"))
    first = story.report(limit="2").json()
    rest = story.beta.client.get(first["next"]).json()
    keys = [
        (row["requires"]["applicationId"], row["requires"]["role"]) for row in first["items"] + rest["items"]
    ]
    assert keys == sorted(keys)[: len(keys)] and len(keys) == 4
    assert story.report(state="somehow").status_code == 400
    assert story.report(applicationId=METER).json()["items"] == []

    pauses.pause(
        tenant=story.acme.tenant, contract_id=story.contract.id, by=story.acme.actor, at=timezone.now()
    )
    assert story.states() == {}, "the planner itself is not available"


def test_a_proposal_that_begins_later_is_judged_from_its_beginning(story: Story) -> None:
    later = timezone.now() + timedelta(days=3)
    Contract.objects.filter(id=story.contract.id).update(starts_at=later)
    assert story.states(contractId=str(story.contract.id))[METER, "reader"] == "open"
    assert story.accept((METER, "reader")).status_code == 200
    assert story.given() == {(PLANNER, METER, "reader")}
    assert story.states(contractId=str(story.contract.id))[METER, "reader"] == "held"


# --- pages ------------------------------------------------------------------------------------------------


def test_the_page_offers_boxes_and_gives_what_is_ticked(story: Story) -> None:
    path = f"contracts/{story.contract.id}/accept"
    page = story.beta.get(path).content.decode()
    assert f'value="{PLANNER}|{METER}|reader">' in page
    assert f'value="{PLANNER}|{METER}|planner" disabled>' in page

    done = story.beta.confirm(path, required=[f"{PLANNER}|{METER}|reader"])

    assert done.status_code == 302
    assert story.given() == {(PLANNER, METER, "reader")}
    card = story.beta.get(f"applications/{PLANNER}").content.decode()
    assert "Required roles" in card
    modules = person(story.beta, "modules", "module-manager")
    assert "Required roles" not in modules.get(story.beta.url(f"applications/{PLANNER}")).content.decode()


def test_a_refused_box_leaves_the_page_as_it_was_sent(story: Story) -> None:
    path = f"contracts/{story.contract.id}/accept"
    sent = [f"{PLANNER}|{METER}|reader", f"{PLANNER}|{STRANGERS}|reader", "nonsense"]
    again = story.beta.confirm(path, required=sent)
    assert again.status_code == 200
    assert f'value="{PLANNER}|{METER}|reader" checked>' in again.content.decode()
    assert (story.state, story.given()) == ("proposed", set())
    manager = person(story.beta, "manager", "provision-contract-manager")
    page = manager.get(story.beta.url(path)).content.decode()
    assert f'value="{PLANNER}|{METER}|reader" disabled>' in page
    assert "handed out by an Access Manager" in page


def rename(owner: Party, application_id: str, former: str, key: str) -> None:
    """The application gives its role a new key."""
    document = {
        "resources": [
            {"type": "urn:fleet:tour", "id": "tours", "name": "Tours", "privileges": ["read", "modify"]}
        ],
        "roles": [{"key": key, "supersedes": former}, {"key": "planner"}],
    }
    application = Application.objects.get(id=application_id)
    declare(application=application, manifest=parse(document), by=owner.actor, at=timezone.now())


def test_a_role_with_a_new_key_is_the_one_that_is_required(story: Story) -> None:
    """Whoever requires it need not declare anew; of a stranger's nothing is told."""
    rename(story.acme, METER, "reader", "observer")
    rename(story.acme, METER, "observer", "watcher")
    rename(story.gamma, STRANGERS, "reader", "watcher")
    asked = {"contractId": str(story.contract.id)}
    before = story.states(**asked)
    assert before[METER, "watcher"] == "open"
    assert (METER, "reader") not in before
    assert (STRANGERS, "reader") in before
    assert story.accept((STRANGERS, "watcher")).status_code == 400, "like one that nobody requires"

    assert story.accept((METER, "watcher")).status_code == 200

    assert story.given() == {(PLANNER, METER, "watcher")}
    assert story.states()[METER, "watcher"] == "held"
    rename(story.acme, METER, "watcher", "reader")
    assert story.states()[METER, "reader"] == "held", "what was given went on"
