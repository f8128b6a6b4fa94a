"""Two organizations with the same names of everything: by REST and by the actions, neither finds the other.

A foreign id answers like one of nothing: 404, and the same body but for the address.
"""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import transaction
from django.http import HttpResponse
from pytest_django import DjangoDbBlocker

from accesscontrol.actions import assignments
from accesscontrol.actions.assignments import Wanted
from accesscontrol.portal_roles import ROLE_KEYS
from applications.actions import amendment_answers, amendments, applications, clients, contracts, pauses
from applications.actions.applications import Details
from applications.actions.changes import Change
from applications.models import Contract, Event, Watermark
from iam_portal.errors import DomainError, NotFound
from iam_portal.launchers import doors
from iam_portal.walls import tenant_scope
from tenants.actions import groups, memberships, partnerships, users
from tenants.models import Tenant
from tests.applications.sharing import proposal
from tests.applications.sides import Side, make_side
from tests.support.changing_rest import MAPPER
from tests.support.factories import SYSTEM
from tests.support.knocking import NOBODY, Knocker, address_of, browser, person
from tests.support.once import made_once, savepoint
from tests.support.proving import certified, pem

NOTHING, BACK = "nobody.nothing", "https://tool.example/done"


@pytest.fixture(scope="module")
def both(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[tuple[Side, Side]]:
    with made_once(django_db_blocker):
        made = make_side("acme"), make_side("zenith")
        old = datetime.now(UTC) - timedelta(days=100)  # so that the list of unused contracts shows something
        Watermark.objects.filter(name="usage").update(at=old)
        Contract.objects.filter(state="accepted").update(starts_at=old)
        yield made


@pytest.fixture
def sides(
    both: tuple[Side, Side],
    django_db_blocker: DjangoDbBlocker,
    tmp_path: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[tuple[Side, Side]]:
    monkeypatch.setattr(settings, "STATIC_ROOT", str(tmp_path))
    with savepoint(django_db_blocker):
        yield both


def like_unknown(reply: HttpResponse, unknown: HttpResponse) -> bool:
    """The same status and the same body, whatever address it speaks of."""
    bodies = [{**json.loads(r.content), "instance": ""} if r.content else {} for r in (reply, unknown)]
    return reply.status_code == unknown.status_code and bodies[0] == bodies[1]


def rest() -> list[doors.Door]:
    return [door for door in doors.doors() if door.kind == "rest" and "{tenant_id}" in door.address]


_OWN = "chain|configuration|lifetimes|deleted-people|branding|password-rules|second-factors"
CHOICES = tuple(f"/{name}" for name in _OWN.split("|"))  # of the tenant itself: no lists
# What a door would take from the owner, by the end of its address.
BODIES: dict[str, Any] = {
    "/keys": {"jwksUri": "https://x.example/jwks"},
    "/certificates": {"pem": pem(certified("robot"))},
    "/trusted-issuers": {"issuer": "https://x.example", "subject": "robot"},
    "/clients": {"kind": "public", "redirectUris": [BACK], "webOrigins": []},
    "/{application_id}": {"description": "taken over"},
    "/manifest": {"resources": [], "roles": []},
    **{end: {"note": "taken over"} for end in ("/{contract_id}", "/{webhook_id}")},
    "/people/{user_id}": {"subject": "s-9"},
    "/auto-accept": {"types": ["provision"]},
    "/move": {"parentId": None},
    **dict.fromkeys(("/mappers", "/{mapper_id}"), MAPPER),
    "/{webhook_id}/redeliver": {"since": "2026-01-01T00:00:00Z"},
}


def body_for(door: doors.Door) -> str:
    """Something that the door would take from the owner."""
    found = [body for end, body in BODIES.items() if door.address.endswith(end)]
    return json.dumps(found[0] if found else {})


@pytest.mark.parametrize("who", ["person", "robot"])
def test_a_foreign_object_answers_like_one_of_nothing(sides: tuple[Side, Side], who: str) -> None:
    """Every address with an id in it, in one's own tenant, with the neighbour's ids and with none's."""
    mine, other = sides
    visitor: Knocker = getattr(mine, who)
    tried = 0
    for door in rest():
        unnamed = address_of(door, mine.tenant)
        foreign = address_of(door, mine.tenant, **other.known())
        if foreign == unnamed:
            continue
        tried += 1
        body = body_for(door)
        reply, unknown = visitor.knock(door.method, foreign, body), visitor.knock(door.method, unnamed, body)
        text = reply.content.decode().replace(other.application.id, NOTHING)
        if door.address.endswith("/availability"):  # also answers for what is not there: no, with its reason
            assert json.loads(text) == {**json.loads(unknown.content), "at": json.loads(text)["at"]}
            continue
        assert reply.status_code == 404, (door, reply.content)
        assert like_unknown(reply, unknown), (door, reply.content, unknown.content)
    assert tried > 12


@pytest.mark.parametrize("who", ["person", "robot"])
def test_no_list_names_the_neighbour(sides: tuple[Side, Side], who: str) -> None:
    """Every list, with and without a search for the common names: one's own rows only."""
    mine, other = sides
    foreign = other.names | {str(value) for value in other.known().values() if not isinstance(value, int)}
    own = [door for door in rest() if door.permission != doors.OWN_APPLICATION]
    lists = [door for door in own if door.method == "GET" and door.address.count("{") == 1]
    assert len(lists) >= 4
    for door in lists:
        for query in ("", "search=meter", "available=any", "search=zenith"):
            reply = getattr(mine, who).knock("GET", address_of(door, mine.tenant), query=query)
            platforms_own = door.address.endswith(("/organizations", "/system"))
            assert reply.status_code in ((404,) if platforms_own else (200, 400)), door
            assert [name for name in foreign if name in reply.content.decode()] == [], (door, query)
            if reply.status_code == 200 and not query and not door.address.endswith(CHOICES):
                assert reply.json()["items"], f"{door} shows nothing at all"


def test_many_availabilities_say_nothing_of_the_neighbours(sides: tuple[Side, Side]) -> None:
    mine, other = sides
    address = f"/iam/application-management/v1/tenants/{mine.tenant.id}/availability:batch"
    body = {"applicationIds": [other.application.id, NOTHING, mine.application.id]}
    items = mine.person.knock("POST", address, json.dumps(body)).json()["items"]
    as_text = [json.dumps(item) for item in items]
    assert as_text[0].replace(other.application.id, NOTHING) == as_text[1]
    assert items[2]["available"]


def test_a_draft_is_the_providers_own_affair(sides: tuple[Side, Side]) -> None:
    """The consumer learns of it when it is proposed: not by list, id, act, event or history."""
    mine, _ = sides
    _, session = person(mine.partner, "joe", *ROLE_KEYS)
    consumer = browser(mine.partner, session)
    root = f"/iam/application-management/v1/tenants/{mine.partner.id}"
    hidden = f"{root}/contracts/{mine.draft.id}"
    unknown = consumer.knock("GET", f"{root}/contracts/{NOBODY}")
    assert like_unknown(consumer.knock("GET", hidden), unknown)
    for act in ("accept", "decline", "end", "propose", "withdraw"):
        assert like_unknown(consumer.knock("POST", f"{hidden}/{act}"), unknown), act
    shown = consumer.knock("GET", f"{root}/contracts").json()["items"]
    assert [item["contractId"] for item in shown] == [str(mine.contract.id)]
    with tenant_scope(mine.partner.id):
        assert not Event.objects.filter(subject=str(mine.draft.id)).exists()
    contracts.propose(tenant=mine.tenant, contract_id=mine.draft.id, by=SYSTEM, at=datetime.now(UTC))
    assert consumer.knock("GET", hidden).status_code == 200


def test_a_stranger_cannot_be_offered_anything(sides: tuple[Side, Side]) -> None:
    """Nor found out: a tenant that is no partner is refused like one that does not exist."""
    mine, other = sides
    address = f"/iam/application-management/v1/tenants/{mine.tenant.id}/contracts"
    role = {"applicationId": mine.application.id, "role": "viewer"}
    answers = [
        mine.person.knock(
            "POST",
            address,
            json.dumps({"consumerTenantId": str(consumer), "type": "provision", "roles": [role]}),
        )
        for consumer in (other.tenant.id, NOBODY)
    ]
    assert answers[0].status_code == 409
    assert like_unknown(*answers)


def test_a_strangers_role_cannot_be_offered_or_assigned(sides: tuple[Side, Side]) -> None:
    mine, other = sides
    root = f"tenants/{mine.tenant.id}"
    for path, body in (
        (f"/iam/application-management/v1/{root}/contracts", _offer(mine, "{app}")),
        (f"/iam/access-management/v1/{root}/assignments", _assignment(mine, "{app}")),
    ):
        text = json.dumps(body)
        found = [
            mine.person.knock("POST", path, text.replace("{app}", application_id))
            for application_id in (other.application.id, NOTHING)
        ]
        assert found[0].status_code in (404, 409)
        contents = [reply.content.decode() for reply in found]
        assert contents[0].replace(other.application.id, NOTHING) == contents[1]


def _offer(mine: Side, application_id: str) -> dict[str, Any]:
    roles = [{"applicationId": application_id, "role": "viewer"}]
    return {"consumerTenantId": str(mine.partner.id), "type": "provision", "roles": roles}


def _assignment(mine: Side, application_id: str) -> dict[str, Any]:
    role = {"applicationId": application_id, "key": "viewer"}
    return {"principal": {"userId": str(mine.user.id)}, "role": role}


# --- the actions themselves, whoever calls them -------------------------------------------------------


def acts_on(other: Side, at: datetime) -> dict[str, Callable[[Tenant], Any]]:
    """Each act with an id of the neighbour's, done in the name of the tenant that is given."""
    of: dict[str, Any] = {"by": SYSTEM, "at": at}
    contract = {"contract_id": other.contract.id, **of}
    draft = {"contract_id": other.draft.id, **of}
    app = {"application_id": other.application.id, **of}
    partnership = {"partnership_id": other.partnership.id, **of}
    user, group = {"user_id": other.user.id, **of}, {"group_id": other.group.id, **of}
    return {
        "propose": lambda t: contracts.propose(tenant=t, **draft),
        "withdraw": lambda t: contracts.withdraw(tenant=t, **draft),
        "accept": lambda t: contracts.accept(tenant=t, **contract),
        "decline": lambda t: contracts.decline(tenant=t, **contract),
        "end": lambda t: contracts.end(tenant=t, **contract),
        "pause": lambda t: pauses.pause(tenant=t, **contract),
        "resume": lambda t: pauses.resume(tenant=t, **contract),
        **amending(other, contract),
        "cancel": lambda t: pauses.cancel(tenant=t, pause_id=other.pause_id, **contract),
        "change": lambda t: applications.change(tenant=t, details=Details(name="x", display_name="x"), **app),
        "suspend": lambda t: applications.suspend(tenant=t, reason="", **app),
        "retire": lambda t: applications.retire(tenant=t, **app),
        "secret": lambda t: clients.add_secret(tenant=t, client_id=other.application.id, **of),
        "revoke": lambda t: clients.revoke_secret(
            tenant=t, client_id=other.application.id, secret_id=other.proofs["secret_id"], **of
        ),
        "client": lambda t: clients.add_public(tenant=t, redirect_uris=[BACK], web_origins=[], **app),
        "take a role": lambda t: assignments.withdraw(tenant=t, assignment_id=other.assignment.id, **of),
        "give a role": lambda t: assignments.assign(
            tenant=t, wanted=Wanted(role="reviewer", application_id="iam-portal", user_id=other.user.id), **of
        ),
        "confirm": lambda t: partnerships.confirm(tenant=t, **partnership),
        "part": lambda t: partnerships.end(tenant=t, **partnership),
        "deactivate": lambda t: users.deactivate(tenant=t, **user),
        "reset": lambda t: users.reset(tenant=t, **user),
        "rename": lambda t: users.change(tenant=t, username="mallory", **user),
        "delete a group": lambda t: groups.delete(tenant=t, **group),
        "move a group": lambda t: groups.move(tenant=t, parent_id=None, **group),
        "join": lambda t: memberships.add(tenant=t, user_id=other.user.id, **group),
    }


def amending(other: Side, contract: dict[str, Any]) -> dict[str, Callable[[Tenant], Any]]:
    narrower = Change(remove=[(other.application.id, "viewer")])
    amendment = {"amendment_id": other.amendment.id, **contract}
    return {
        "amend": lambda t: amendments.amend(tenant=t, change=narrower, **contract),
        "accept an amendment": lambda t: amendment_answers.accept(tenant=t, **amendment),
        "decline an amendment": lambda t: amendment_answers.decline(tenant=t, **amendment),
        "withdraw an amendment": lambda t: amendment_answers.withdraw(tenant=t, **amendment),
    }


def test_an_act_finds_nothing_of_the_neighbour(sides: tuple[Side, Side]) -> None:
    mine, other = sides
    at = datetime.now(UTC)
    for name, act in acts_on(other, at).items():
        with tenant_scope(mine.tenant.id), pytest.raises(NotFound) as caught, transaction.atomic():
            act(mine.tenant)
        assert "zenith" not in caught.value.detail.lower(), name


def test_the_same_acts_find_what_is_ones_own(sides: tuple[Side, Side]) -> None:
    """So that the test above does not pass for another reason."""
    _, other = sides
    at = datetime.now(UTC)
    for act in acts_on(other, at).values():
        with tenant_scope(other.tenant.id), transaction.atomic():
            try:
                act(other.tenant)
            except NotFound:
                raise
            except DomainError:
                pass
            transaction.set_rollback(True)


def test_a_proposal_can_be_found_by_both_and_nobody_else(sides: tuple[Side, Side]) -> None:
    mine, other = sides
    row = proposal(mine.tenant, mine.partner, mine.application.id, at=datetime.now(UTC))
    address = "/iam/application-management/v1/tenants/{}/contracts/{}"
    assert mine.person.knock("GET", address.format(mine.tenant.id, row.id)).status_code == 200
    assert other.person.knock("GET", address.format(other.tenant.id, row.id)).status_code == 404
