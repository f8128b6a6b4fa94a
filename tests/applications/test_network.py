"""The network at any moment: what its picture and its table say, to whom, and what they leave unsaid."""

from datetime import datetime, timedelta
from typing import Any
from xml.etree import ElementTree

import pytest
from django.utils import timezone

from applications.actions import amendment_answers, amendments, contracts, pauses
from applications.actions.changes import Change
from applications.models import Application, Contract
from iam_portal.walls import cross_tenant
from tenants.models import Tenant
from tests.applications.story import Party, person, register, share

DAY = timedelta(days=1)
SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = ("<script>alert(1)</script> & Co", "\u202eשלום עולם", "🏭 Werk", "x" * 120)


def written(moment: datetime) -> str:
    return timezone.localtime(moment).strftime("%Y-%m-%dT%H:%M")


def rows(reply: Any) -> list[list[str]]:
    """The table: texts, and the state where a cell shows one."""
    found = reply.context["table"]["rows"] if reply.status_code == 200 else None
    assert found is not None, reply.status_code
    return [[str(cell.get("state") or cell.get("text", "")) for cell in row["cells"]] for row in found]


def drawn(reply: Any) -> ElementTree.Element:
    """The picture, as strictly as XML is read."""
    text = reply.content.decode()
    start = text.index('<svg class="net"')
    inside = text[start : _end(text, start)]
    return ElementTree.fromstring(inside.replace("<svg ", f'<svg xmlns="{SVG[1:-1]}" ', 1))


def _end(text: str, start: int) -> int:
    depth, place = 0, start
    while True:
        opening, closing = text.find("<svg", place), text.find("</svg>", place)
        if 0 <= opening < closing:
            depth, place = depth + 1, opening + 4
        else:
            depth, place = depth - 1, closing + 6
            if depth == 0:
                return place


def titles(reply: Any) -> set[str]:
    """What the links of the picture are called."""
    return {link.findtext(f"{SVG}title") or "" for link in drawn(reply).iter(f"{SVG}a")}


@pytest.fixture
def contract(acme: Party, beta: Party) -> Contract:
    return share(acme, beta, acme.applications["planner"])


def test_each_side_sees_the_line_from_its_own_side(acme: Party, beta: Party, contract: Contract) -> None:
    assert titles(acme.get("network")) == {
        "Beta: what you share, by application",
        "Provision for Beta – In force: 1",
    }
    assert rows(acme.get("network")) == [["Beta", "in_force", "Provision: 1", "–", "Partnership"]]
    assert rows(beta.get("network"))[0] == ["Acme", "in_force", "–", "Provision: 1", "Partnership"]
    assert "Provision from Acme – In force: 1" in titles(beta.get("network"))


def test_a_partner_with_whom_nothing_is_agreed_is_there(beta: Party, contract: Contract) -> None:
    assert [row[:2] for row in rows(beta.get("network"))] == [
        ["Acme", "in_force"],
        ["Gamma", "Nothing agreed"],
    ]
    assert [row[0] for row in rows(beta.get("network", state="in_force"))] == ["Acme"]
    assert [row[0] for row in rows(beta.get("network", q="gam"))] == ["Gamma"]


def test_the_past_and_the_planned_future_are_the_same_page(acme: Party, contract: Contract) -> None:
    now = timezone.now()
    who: dict[str, Any] = {"tenant": acme.tenant, "contract_id": contract.id, "by": acme.actor, "at": now}
    pauses.pause(**who, when=now + 10 * DAY, until=now + 20 * DAY)
    contracts.end(**who, when=now + 30 * DAY)

    def state(at: datetime) -> list[str]:
        return [row[1] for row in rows(acme.get("network", at=written(at)))]

    assert rows(acme.get("network"))[0][1] == "in_force"
    assert state(now + DAY) == ["in_force"]
    assert state(now + 15 * DAY) == ["paused"]
    assert state(now + 25 * DAY) == ["in_force"]
    assert state(now + 31 * DAY) == ["Nothing agreed"]
    assert state(now - 5 * DAY) == [], "the partnership is younger"
    assert rows(acme.get("network", at=written(now + 31 * DAY), state="ended"))[0][1] == "ended"


def test_the_slider_moves_the_day_and_the_field_the_moment(acme: Party, contract: Contract) -> None:
    now = timezone.now()
    contracts.end(tenant=acme.tenant, contract_id=contract.id, by=acme.actor, at=now, when=now + 9 * DAY)
    page = acme.get("network")
    day = page.context["slider"].day
    assert page.context["slider"].least <= day < page.context["slider"].most
    moved = acme.get("network", day=day + 12, was=day)
    assert moved.context["moment"].date() == timezone.localtime(now + 12 * DAY).date()
    assert moved.context["form"]["at"].value() == written(moved.context["moment"])
    there = acme.get("network", at=written(now + 5 * DAY), day=day + 5, was=day + 5)
    assert written(there.context["moment"]) == written(now + 5 * DAY)
    assert acme.get("network", day=day, was=day + 5).context["is_now"]
    [ahead] = [url for name, _turn, url in page.context["turns"] if name == "next"]
    assert acme.client.get(ahead).context["table"]["rows"][0]["cells"][1]["text"] == "Nothing agreed"


@pytest.mark.parametrize(
    "at", ["yesterday", "0001-01-01T00:00", "9999-12-31T23:59", "2027-02-30T00:00", "\0", "9" * 300]
)
def test_a_moment_that_is_none_is_said_and_shows_now(acme: Party, contract: Contract, at: str) -> None:
    page = acme.get("network", at=at, day="x", was="-1", application="%00", state="nonsense", type="x")
    assert page.context["is_now"]
    assert page.context["form"].errors["at"]
    assert acme.get("network", day="2500000", was="1").status_code == 200


def test_what_the_partner_only_drafts_is_not_there(acme: Party, beta: Party) -> None:
    draft = share(acme, beta, acme.applications["planner"], until="draft")
    assert rows(acme.get("network"))[0][1] == "draft"
    assert [row[1] for row in rows(beta.get("network"))] == ["Nothing agreed", "Nothing agreed"]
    contracts.propose(tenant=acme.tenant, contract_id=draft.id, by=acme.actor, at=timezone.now() + DAY)
    at = written(timezone.now() + DAY / 2)
    assert [row[1] for row in rows(beta.get("network", at=at))] == ["Nothing agreed", "Nothing agreed"]


def test_a_pair_shows_the_applications_between_the_two(acme: Party, beta: Party, contract: Contract) -> None:
    share(beta, acme, beta.applications["planner"], type="access")
    page = acme.get(f"network/{beta.tenant.id}")
    assert titles(page) == {
        "Fleet Planner",
        "Provision for Fleet Planner, Beta – In force: 1",
        "Access from Fleet Planner, Beta – In force: 1",
    }
    assert sorted(row[0] for row in rows(page)) == ["Fleet Planner for Beta", "Fleet Planner from Beta"]
    assert [row[2] for row in rows(acme.get(f"network/{beta.tenant.id}", type="access"))] == ["Access"]
    one = acme.get(f"network/{beta.tenant.id}", application="acme.fleet-planner")
    assert [row[0] for row in rows(one)] == ["Fleet Planner for Beta"]


def test_a_pair_at_a_moment_has_the_applications_of_that_moment(
    acme: Party, beta: Party, contract: Contract
) -> None:
    """Of a contract with several applications the chosen one alone; what comes later is not there yet."""
    now, depot = timezone.now(), register(acme, "Depot")
    wider = Change(add=[(depot.id, "reader")], when=now + 5 * DAY)
    who: dict[str, Any] = {"contract_id": contract.id, "at": timezone.now()}
    row = amendments.amend(tenant=acme.tenant, **who, change=wider, by=acme.actor)
    given: dict[str, Any] = {**who, "amendment_id": row.id, "at": timezone.now()}
    amendment_answers.accept(tenant=beta.tenant, **given, by=beta.actor)

    def shown(**query: str) -> set[str]:
        page = acme.get(f"network/{beta.tenant.id}", **query)
        return {node.box.text for node in page.context["picture"].nodes}

    later = written(now + 6 * DAY)
    assert shown() == {"Fleet Planner"}
    assert shown(at=later) == {"Depot", "Fleet Planner"}
    assert shown(at=later, application=depot.id) == {"Depot"}


def test_when_a_partner_began_to_write_is_not_told(acme: Party, beta: Party, contract: Contract) -> None:
    now = timezone.now()
    Contract.objects.filter(id=contract.id).update(created_at=now - 300 * DAY)
    slider = beta.get("network").context["slider"]
    assert slider.first > now - 2 * DAY


def test_who_is_no_partner_is_not_found(acme: Party, gamma: Party, contract: Contract) -> None:
    for tenant in (gamma.tenant.id, acme.tenant.id, contract.id):
        assert acme.get(f"network/{tenant}").status_code == 404
    assert "Gamma" not in acme.get("network").content.decode()


def test_who_reads_one_type_learns_nothing_of_the_other(acme: Party, beta: Party, contract: Contract) -> None:
    reader = person(acme, "kim", "access-contract-manager")
    page = reader.get(acme.url("network"))
    assert rows(page) == [["Beta", "Nothing agreed", "–", "–", "Partnership"]]
    assert rows(reader.get(acme.url("network"), {"type": "provision"})) == []
    assert rows(reader.get(acme.url(f"network/{beta.tenant.id}"))) == []
    assert "Fleet Planner" not in page.content.decode(), "not among the applications to choose from either"


@pytest.mark.parametrize("name", HOSTILE)
def test_names_of_any_kind_stand_in_the_picture_as_text(
    acme: Party, beta: Party, contract: Contract, name: str
) -> None:
    Tenant.objects.filter(pk=beta.tenant.pk).update(name=name)
    Application.objects.filter(pk="acme.fleet-planner").update(display_name="<b>Kran</b>")
    page = acme.get("network")
    assert f"{name}: what you share, by application" in titles(page)
    assert "<script>alert" not in page.content.decode()
    assert "<b>Kran</b>" in titles(acme.get(f"network/{beta.tenant.id}"))


def test_a_live_update_takes_the_short_address(acme: Party, contract: Contract) -> None:
    page = acme.client.get(acme.url("network"), {"day": "20000", "was": "1"}, headers={"HX-Request": "true"})
    assert page["HX-Push-Url"].startswith("/t/acme/network?at=2024-10-04T")
    assert "HX-Push-Url" not in acme.get("network")


def many(acme: Party, count: int) -> None:
    """Partners without people, and contracts with them, by plain rows."""
    at = timezone.now()
    tenants = [
        Tenant(slug=f"p{number}", name=f"Partner {number:04}", created_at=at) for number in range(count)
    ]
    with cross_tenant():
        Tenant.objects.bulk_create(tenants)
    rows = []
    for number, tenant in enumerate(tenants):
        for kind in ("provision", "access")[: 1 + number % 2]:
            sides = (acme.tenant, tenant) if number % 3 else (tenant, acme.tenant)
            rows.append(
                Contract(
                    provider=sides[0],
                    consumer=sides[1],
                    type=kind,
                    state="accepted",
                    created_at=at,
                    proposed_at=at,
                    answered_at=at,
                    starts_at=at,
                )
            )
    Contract.objects.bulk_create(rows)


def test_two_thousand_partners_are_one_light_page(
    acme: Party, contract: Contract, django_assert_max_num_queries: Any
) -> None:
    def count() -> int:
        with django_assert_max_num_queries(60) as asked:
            page = acme.get("network")
        assert len(page.content) < 100_000
        return len(asked)

    acme.get("network")
    before = count()
    many(acme, 2000)
    assert count() == before
    page = acme.get("network")
    assert 30 < len(page.context["picture"].nodes) <= 41
    assert f"and {2002 - len(page.context['picture'].nodes):,} more" in page.content.decode()
    assert len(page.context["table"]["rows"]) == 25
    further = acme.client.get(page.context["table"]["paging"]["next_url"])
    assert rows(further)[0][0] == "Partner 0024"
