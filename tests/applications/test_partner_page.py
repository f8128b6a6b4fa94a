"""What a partner's page says of contracts and applications, to whom, and the search among many partners."""

from typing import Any

from django.utils import timezone

from applications.actions import pauses
from tenants.actions import partnerships
from tenants.models import Partnership, Tenant
from tests.applications.story import Party, person, register, share


def page_of(party: Party, partner: Party, client: Any = None) -> Any:
    row = partnerships.of(party.tenant).get(
        state="confirmed",
        inviter__in=(party.tenant, partner.tenant),
        invitee__in=(party.tenant, partner.tenant),
    )
    return (client or party.client).get(party.url(f"partners/{row.pk}"))


def panels(reply: Any) -> dict[str, Any]:
    assert reply.status_code == 200
    return {panel["title"]: panel for panel in reply.context["panels"]}


def test_contracts_and_applications_of_both_ways(acme: Party, beta: Party, gamma: Party) -> None:
    contract = share(acme, beta, acme.applications["planner"])
    share(beta, acme, register(beta, "Crane"), type="access", until="proposed")
    share(beta, gamma, beta.applications["planner"])
    pauses.pause(tenant=acme.tenant, contract_id=contract.id, by=acme.actor, at=timezone.now())
    found = panels(page_of(acme, beta))
    assert [row["cells"][0]["text"] for row in found["Contracts"]["table"]["rows"]] == [
        "Crane from Beta",
        "Fleet Planner for Beta",
    ]
    assert found["Contracts"]["all_text"] == "2 contracts"
    assert acme.client.get(found["Contracts"]["all_url"]).status_code == 200
    told = {
        way["label"]: [(row["name"], row["state"]) for row in way["rows"]]
        for way in found["Applications shared"]["ways"]
    }
    assert told == {"To Beta": [("Fleet Planner", "paused")], "From Beta": [("Crane", "proposed")]}
    assert acme.client.get(found["Applications shared"]["network_url"]).status_code == 200
    assert "Gamma" not in page_of(acme, beta).content.decode()


def test_a_new_contract_begins_with_the_partner(acme: Party, beta: Party) -> None:
    url = panels(page_of(acme, beta))["Contracts"]["new_url"]
    assert "New contract" in page_of(acme, beta).content.decode()
    form = acme.client.get(url).context["form"]
    assert form["consumer"].value() == str(beta.tenant.id)
    row = Partnership.objects.get(inviter=acme.tenant, invitee=beta.tenant)
    who: dict[str, Any] = {"tenant": acme.tenant, "partnership_id": row.pk, "by": acme.actor}
    partnerships.end(**who, at=timezone.now())
    ended = acme.get(f"partners/{row.pk}")
    assert "New contract" not in ended.content.decode(), "a contract needs a partnership"


def test_who_reads_partners_only_sees_no_contract(acme: Party, beta: Party) -> None:
    share(acme, beta, acme.applications["planner"])
    reader = person(acme, "kim", "organization-reader")
    assert panels(page_of(acme, beta, reader)) == {}
    other = person(acme, "lee", "access-contract-manager")
    found = panels(page_of(acme, beta, other))
    assert found["Contracts"]["table"]["rows"] == []
    assert "Applications shared" not in found


def test_partners_are_found_by_name_and_by_the_address_that_was_invited(acme: Party, beta: Party) -> None:
    partnerships.invite(inviter=acme.tenant, by=acme.actor, at=timezone.now(), expected="zebra")
    for words, titles in (("bet", ["Beta"]), ("zebr", ["Invitation for zebra"]), ("gamma", [])):
        rows = acme.get("partners", q=words).context["table"]["rows"]
        assert [row["cells"][0]["text"] for row in rows] == titles


def many(acme: Party, count: int) -> list[Tenant]:
    at = timezone.now()
    made = Tenant.objects.bulk_create(
        Tenant(slug=f"p{number}", name=f"Partner {number:04}", created_at=at) for number in range(count)
    )
    Partnership.objects.bulk_create(
        Partnership(
            inviter=acme.tenant,
            invitee=tenant,
            state="confirmed",
            token_digest=f"{number:064}",
            invited_at=at,
            invited_by="x",
            expires_at=at,
            redeemed_at=at,
            confirmed_at=at,
        )
        for number, tenant in enumerate(made)
    )
    return made


def test_among_two_thousand_partners_one_is_found(
    acme: Party, beta: Party, django_assert_max_num_queries: Any
) -> None:
    few = acme.get("contracts/new")
    assert "find" not in few.context["form"].fields
    made = many(acme, 2000)
    first = acme.get("contracts/new")
    assert len(first.content) < 60_000
    asked = {"step": "partner", "go": "to-partner", "find": "partner 17", "type": "provision"}
    found = acme.post("contracts/new", **asked)
    assert found.status_code == 200
    shown = [label for _value, label in found.context["form"].fields["consumer"].widget.choices]
    assert shown[1:] == [f"Partner {number:04}" for number in range(1700, 1800)]
    chosen = {**asked, "go": "next", "consumer": str(made[1999].id)}
    assert acme.post("contracts/new", **chosen).context["step"] == "roles", "also one that is not in the list"
    again = acme.post("contracts/new", **{**chosen, "go": "to-partner"})
    assert again.context["form"]["consumer"].value() == str(made[1999].id)
    assert "Partner 1999" in again.content.decode()
    assert "the first 100 that match" in first.content.decode()
    for wrong in ("nobody", str(acme.tenant.id), "\0"):
        refused = acme.post("contracts/new", **{**chosen, "consumer": wrong, "find": "a\0b"})
        assert (refused.status_code, refused.context["step"]) == (200, "partner"), wrong
    for path in ("partners", "network", "contracts", ""):
        with django_assert_max_num_queries(70):
            page = acme.get(path)
        assert len(page.content) < 100_000, path
