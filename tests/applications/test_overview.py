"""The first page: what waits for whom, in which order; what a new organization and a plain user see."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone

from accesscontrol.actions import assignments
from applications import manifest as manifests
from applications.actions import applications, clients, contracts, pauses
from applications.actions.manifests import declare
from applications.models import ClientSecret, Webhook
from iam_portal.walls import tenant_scope
from tenants.actions import partnerships, users
from tenants.models.spanned import since
from tests.applications.story import Party, manifest, party, person, register, share
from tests.applications.test_pages import told
from tests.support.factories import SYSTEM, make_partners, make_tenant

DAY = timedelta(days=1)


def waiting(reply: Any) -> list[tuple[str, str]]:
    return [(task.text, task.note) for task in reply.context["tasks"]]


def test_answers_stand_before_what_ends(acme: Party, beta: Party) -> None:
    now = timezone.now()
    share(acme, beta, acme.applications["planner"], ends_at=now + 9 * DAY)
    share(acme, beta, register(acme, "Crane"), ends_at=now + 5 * DAY)
    share(acme, beta, register(acme, "Later"), ends_at=now + 50 * DAY)
    share(beta, acme, beta.applications["planner"], until="proposed")
    texts = [text for text, _note in waiting(acme.get())]
    assert texts == ["Fleet Planner from Beta", "Crane for Beta", "Fleet Planner for Beta"]


def test_links_of_an_organization_that_is_called_like_what_stands_for_an_id(acme: Party) -> None:
    """Addresses of many are made of one, in which the id is put in its place."""
    planner, other = acme.applications["planner"], party(str(UUID(int=0)))
    make_partners(acme.tenant, other.tenant, at=timezone.now())
    contract = share(acme, other, planner)
    share(acme, other, register(acme, "Crane"), until="proposed")
    [task] = other.get().context["tasks"]
    assert other.get(task.action["url"].removeprefix(other.url())).status_code == 200
    wanted = assignments.Wanted(role="reader", application_id=planner.pk, user_id=other.user.pk)
    assignments.assign(tenant=other.tenant, wanted=wanted, by=SYSTEM, at=timezone.now())
    foreseen = other.get(f"contracts/{contract.pk}/end").content.decode()
    assert f'href="{other.url(f"users/{other.user.pk}")}"' in foreseen


def test_credentials_that_end_soon(acme: Party) -> None:
    now, planner = timezone.now(), acme.applications["planner"]
    who: dict[str, Any] = {"tenant": acme.tenant, "client_id": planner.id, "by": acme.actor, "at": now}
    for note, days in (("gateway", 10), ("spare", 40)):
        clients.add_secret(**who, note=note, expires_at=now + days * DAY)
    [(text, note)] = waiting(acme.get())
    assert text == "Fleet Planner · gateway"
    assert note.startswith("Secret …") and note.endswith(" ends")
    ClientSecret.objects.filter(note="gateway").update(during=since(now - 9 * DAY, now - DAY))
    assert waiting(acme.get()) == [], "what is over is no task any more"
    reader = person(acme, "kim", "user", "provision-contract-manager")
    assert waiting(reader.get(acme.url())) == []


def test_credentials_of_what_is_retired_or_a_neighbours_are_nobodys_task(acme: Party, beta: Party) -> None:
    now, crane = timezone.now(), register(acme, "Crane")
    who: dict[str, Any] = {"tenant": acme.tenant, "by": acme.actor, "at": now}
    clients.add_secret(**who, client_id=crane.id, expires_at=now + 10 * DAY)
    assert len(waiting(acme.get())) == 1
    assert waiting(beta.get()) == []
    applications.retire(**who, application_id=crane.id)
    assert waiting(acme.get()) == []


def test_a_webhook_that_nobody_receives(acme: Party, beta: Party) -> None:
    made = told(acme)["webhook_id"]
    assert waiting(acme.get()) == []
    with tenant_scope(acme.tenant.id):
        Webhook.objects.filter(id=made).update(failing_since=timezone.now())
    assert waiting(acme.get()) == [("https://receiver.example/hook", "Webhook not received since")]
    with tenant_scope(acme.tenant.id):
        Webhook.objects.filter(id=made).update(state="paused", paused_because="gone")
    [(_text, note)] = waiting(acme.get())
    assert "wants no more" in note
    assert waiting(beta.get()) == []
    assert waiting(person(acme, "kim", "user", "module-manager").get(acme.url())) == []


def test_partners_that_wait(acme: Party, beta: Party) -> None:
    now = timezone.now()
    other = make_tenant("delta", at=now)
    _, token = partnerships.invite(inviter=acme.tenant, by=acme.actor, at=now)
    assert waiting(acme.get()) == [], "fresh: there is time"
    partnerships.redeem(token=token, tenant=other, by=SYSTEM, at=now)
    assert waiting(acme.get()) == [("Delta", "Accepted your invitation")]
    old = now - 12 * DAY
    partnerships.invite(inviter=acme.tenant, by=acme.actor, at=old, expected="echo")
    partnerships.invite(inviter=acme.tenant, by=acme.actor, at=now - 20 * DAY, expected="foxtrot")
    assert waiting(acme.get())[1:] == [
        ("Invitation for foxtrot", "Not taken up; the link ended"),
        ("Invitation for echo", "Not taken up; the link ends"),
    ]


def test_people_who_did_not_come(acme: Party) -> None:
    now = timezone.now()
    person_of: dict[str, Any] = {"tenant": acme.tenant, "by": acme.actor}
    with tenant_scope(acme.tenant.id):
        for name, days in (("Kim", 60), ("Lee", 0)):
            users.invite(
                **person_of,
                at=now - days * DAY,
                username=name.lower(),
                email=f"{name}@example.org",
                display_name=name,
            )
    [(text, note)] = waiting(acme.get())
    assert (text, note) == ("1 invited person", "Not taken up; the link ended: Kim")
    assert waiting(person(acme, "max", "user", "module-manager").get(acme.url())) == []


def test_roles_that_grew_wait_for_the_providers_word(acme: Party, beta: Party) -> None:
    planner = acme.applications["planner"]
    share(acme, beta, planner, type="access")
    wider = manifest()
    permissions = [
        {"resourceType": "urn:fleet:tour", "resourceId": "tours", "privileges": ["read", "modify"]}
    ]
    document = {
        "resources": [
            {"type": "urn:fleet:tour", "id": "tours", "name": "Tours", "privileges": ["read", "modify"]}
        ],
        "roles": [{"key": key, "name": key, "permissions": permissions} for key in ("reader", "planner")],
    }
    wider = manifests.parse(document)
    declare(application=planner, manifest=wider, by=acme.actor, at=timezone.now())
    assert waiting(acme.get()) == [("Fleet Planner for Beta", "2 roles hold more than you confirmed")]
    assert waiting(beta.get()) == []


def test_a_required_role_that_nobody_gave(acme: Party, beta: Party) -> None:
    planner = acme.applications["planner"]
    share(acme, beta, planner)
    needs = manifests.parse({"requiredRoles": [{"applicationId": planner.id, "role": "reader"}]})
    declare(application=beta.applications["planner"], manifest=needs, by=beta.actor, at=timezone.now())
    assert waiting(beta.get()) == [("Fleet Planner", "Lacks 1 role of another application that it needs")]
    wanted = assignments.Wanted(
        role="reader", application_id=planner.id, principal_application_id="beta.fleet-planner"
    )
    assignments.assign(tenant=beta.tenant, wanted=wanted, by=beta.actor, at=timezone.now())
    assert waiting(beta.get()) == []


def test_more_tasks_than_fit_are_counted_and_shown_when_asked_for(acme: Party, beta: Party) -> None:
    for number in range(11):
        share(acme, beta, register(acme, f"Tool {number}"), until="draft")
    page = acme.get()
    assert len(page.context["tasks"]) == 8
    assert "3 more" in page.content.decode()
    assert len(acme.get(tasks="all").context["tasks"]) == 11


def test_what_is_not_available_stands_there_with_its_reason(acme: Party, beta: Party) -> None:
    contract = share(acme, beta, acme.applications["planner"])
    who: dict[str, Any] = {"tenant": acme.tenant, "contract_id": contract.id, "by": acme.actor}
    pauses.pause(**who, at=timezone.now())
    [row] = beta.get().context["unavailable"]
    assert (row["name"], row["state"]) == ("Fleet Planner", "paused")
    assert "was paused by Jane" in row["why"]
    assert [(each["state"], each["count"]) for each in beta.get().context["states"]] == [
        ("in_force", 0),
        ("paused", 1),
    ]
    contracts.end(**who, at=timezone.now())
    assert beta.get().context["unavailable"][0]["state"] == "ended"


def test_a_new_organization_is_told_what_to_do_first(acme: Party, beta: Party) -> None:
    fresh = party("fresh")
    steps = fresh.get().context["steps"]
    assert [step["done"] for step in steps] == [False, True, False, False]
    assert steps[0]["url"] == "/t/fresh/users/invite"
    assert [step["done"] for step in acme.get().context["steps"]] == [False, True, True, False]
    share(acme, beta, acme.applications["planner"], until="draft")
    assert acme.get().context["steps"] == []
    assert person(fresh, "kim", "user").get(fresh.url()).context["steps"] == []


def test_a_plain_user_sees_his_own_things_only(acme: Party, beta: Party) -> None:
    planner = acme.applications["planner"]
    who: dict[str, Any] = {"tenant": acme.tenant, "by": acme.actor, "at": timezone.now()}
    applications.change(
        **who,
        application_id=planner.id,
        details=applications.Details(
            name="fleet-planner", display_name="Fleet Planner", home_url="https://fleet.example/"
        ),
    )
    share(acme, beta, planner, until="draft")
    kim = person(acme, "kim", "user")
    page = kim.get(acme.url())
    assert page.context["tasks"] == page.context["tiles"] == page.context["unavailable"] == []
    titles = [panel["title"] for panel in page.context["panels"]]
    assert titles == ["Your applications", "Where you have access", "Applications that you are signed in to"]
    assert page.context["panels"][0]["rows"] == []
    with tenant_scope(acme.tenant.id):
        user = acme.tenant.users.get(username="kim")
    wanted = assignments.Wanted(role="reader", application_id=planner.id, user_id=user.id)
    assignments.assign(**who, wanted=wanted)
    page = kim.get(acme.url())
    assert page.context["panels"][0]["rows"] == [
        {"name": "Fleet Planner", "url": "https://fleet.example/", "roles": "Reader"}
    ]
    assert "for Beta" not in page.content.decode()


def test_the_overview_asks_as_much_of_a_large_organization(
    acme: Party, beta: Party, django_assert_max_num_queries: Any
) -> None:
    def count() -> int:
        with django_assert_max_num_queries(90) as asked:
            assert acme.get().status_code == 200
        return len(asked)

    def grow(number: int) -> None:
        now, made = timezone.now(), register(acme, f"More {number}")
        share(acme, beta, made, ends_at=now + 9 * DAY)
        share(acme, beta, made, type="access")
        paused = share(beta, acme, register(beta, f"Theirs {number}"))
        pauses.pause(tenant=beta.tenant, contract_id=paused.id, by=beta.actor, at=timezone.now())
        clients.add_secret(
            tenant=acme.tenant, client_id=made.id, by=acme.actor, at=now, expires_at=now + 10 * DAY
        )
        partnerships.invite(inviter=acme.tenant, by=acme.actor, at=now - 12 * DAY)

    grow(0)
    acme.get()
    before = count()
    for number in range(1, 5):
        grow(number)
    assert count() <= before


@pytest.mark.parametrize("value", ["all", "none", "\0", "9" * 50])
def test_any_address_of_it_opens(acme: Party, value: str) -> None:
    assert acme.get(tasks=value).status_code == 200
