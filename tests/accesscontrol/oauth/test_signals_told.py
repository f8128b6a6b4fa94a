"""Shared signals: an application is told about people who work with it, and about nobody else."""

from typing import Any, cast

import pytest

from accesscontrol.actions import access_told
from accesscontrol.oauth import tokens
from accesscontrol.oauth.signals import kinds
from applications import events
from applications.actions import pauses
from applications.models import Event
from iam_portal.walls import tenant_scope
from tenants.actions import deletion, groups, memberships, own_account, rosters, sessions, users
from tenants.models import UserSession
from tests.accesscontrol.oauth.conftest import World
from tests.accesscontrol.oauth.signed_in import give, person, signed_in
from tests.accesscontrol.oauth.telling import Receiver, kinds_of, later, roles
from tests.support.factories import SYSTEM, acting, make_group

ACCESS_CHANGED = "iam.person.access_changed.v1"


@pytest.fixture
def meter(shared: World, settings: Any) -> Receiver:
    settings.ROOT_URLCONF = "iam_portal.urls"
    made = Receiver(shared, shared.globex)
    assert made.create().status_code == 201
    return made


# --- what is told --------------------------------------------------------------------------------------


def test_another_access_is_another_claim(meter: Receiver) -> None:
    jane = person(meter.world)
    later(meter)
    held = give(meter.world, jane)
    (told,) = meter.told()
    subject = {"format": "iss_sub", "iss": meter.stream["iss"], "sub": str(jane.id)}
    assert told[:2] == (kinds.TOKEN_CLAIMS_CHANGE, subject)
    assert told[2]["claims"] == roles(meter, "viewer")
    at = later(meter)
    meter.world.withdraw(held)
    ((_, _, said),) = meter.told()
    assert said == {"event_timestamp": int(at.timestamp()), "claims": roles(meter)}


def test_a_group_and_its_place_give_access_too(meter: Receiver) -> None:
    globex, at = meter.tenant, meter.world.clock.at
    jane, tom = person(meter.world), person(meter.world, "tom")
    below, above = make_group(globex, "below", at=at), make_group(globex, "above", at=at)
    how: Any = {"tenant": globex, "by": SYSTEM}
    with tenant_scope(globex.id):
        memberships.add(group_id=below.id, user_id=jane.id, at=later(meter), **how)
        assert meter.told() == [], "the group holds nothing"
        meter.world.assign(globex, None, "acme.meter", group_id=above.id)  # type: ignore[arg-type]
        assert meter.told() == [], "nobody is in that one"
        groups.move(group_id=below.id, parent_id=above.id, at=later(meter), **how)
        assert [(told[1]["sub"], told[2]["claims"]) for told in meter.told()] == [
            (str(jane.id), roles(meter, "viewer"))
        ]
        memberships.add(group_id=above.id, user_id=tom.id, at=later(meter), **how)
        assert [told[1]["sub"] for told in meter.told()] == [str(tom.id)]
        memberships.remove(group_id=below.id, user_id=jane.id, at=later(meter), **how)
        assert [told[2]["claims"] for told in meter.told()] == [roles(meter)]


def test_what_many_groups_gave_is_told_once(meter: Receiver, django_assert_max_num_queries: Any) -> None:
    """One act that ends a role of many groups: one event for each person, found by one query."""
    globex, at = meter.tenant, meter.world.clock.at
    people = [person(meter.world, name) for name in ("ann", "bob")]
    rows, assign = [], cast("Any", meter.world.assign)
    with tenant_scope(globex.id):
        for number in range(4):
            group = make_group(globex, f"group {number}", at=at)
            for user in people:
                memberships.add(group_id=group.id, user_id=user.id, tenant=globex, by=SYSTEM, at=later(meter))
            rows += [assign(globex, None, key, group_id=group.id) for key in ("acme.meter", "globex.reader")]
        meter.told()
        before = Event.objects.filter(type=ACCESS_CHANGED).count()
        with django_assert_max_num_queries(6):
            access_told.of_assignments(rows, at=later(meter))
        written = Event.objects.filter(type=ACCESS_CHANGED).order_by("-id")
        assert written.count() == before + 2
        told = {(each.data["userId"], each.application_id) for each in written[:2]}
    assert told == {(str(user.id), "acme.meter") for user in people}, "nobody listens for the reader"


def test_many_who_move_by_one_act_are_told_each(meter: Receiver) -> None:
    """As a directory moves them."""
    jane, tom = person(meter.world), person(meter.world, "tom")
    crew = make_group(meter.tenant, "crew", at=meter.world.clock.at)
    meter.world.assign(meter.tenant, None, "acme.meter", group_id=crew.id)  # type: ignore[arg-type]
    assert meter.told() == [], "nobody is in it"
    how: Any = {"tenant": meter.tenant, "group_id": crew.id, "by": SYSTEM}
    with tenant_scope(meter.tenant.id):
        rosters.change(into={jane.id, tom.id}, out_of=(), at=later(meter), **how)
    told = {each[1]["sub"]: each[2]["claims"] for each in meter.told()}
    assert told == dict.fromkeys((str(jane.id), str(tom.id)), roles(meter, "viewer"))
    with tenant_scope(meter.tenant.id):
        rosters.change(into=(), out_of={tom.id}, at=later(meter), **how)
    assert [(each[1]["sub"], each[2]["claims"]) for each in meter.told()] == [(str(tom.id), roles(meter))]


def test_a_role_elsewhere_is_nobodys_business_here(meter: Receiver) -> None:
    jane = person(meter.world)
    later(meter)
    give(meter.world, jane, target="globex.reader")
    assert meter.told() == []


def test_the_end_of_a_sign_in_names_its_session(meter: Receiver) -> None:
    jane = person(meter.world)
    here = signed_in(meter.world, jane)
    elsewhere = signed_in(meter.world, jane, "globex.reader", cookie=here.cookie)
    at = later(meter)
    with tenant_scope(meter.tenant.id):
        session = UserSession.objects.get(id=here.authorization.session_id)
        sessions.sign_out(session=session, by=acting(jane), at=at)
    ((kind, subject, said),) = meter.told()
    assert kind == kinds.SESSION_REVOKED
    assert subject["session"] == {"format": "opaque", "id": str(here.authorization.id)}
    assert subject["user"]["sub"] == str(jane.id)
    assert said == {"event_timestamp": int(at.timestamp()), "initiating_entity": "user"}
    assert str(elsewhere.authorization.id) not in str(subject)


def test_a_deactivation_is_told_with_each_sign_in_that_it_ends_once(meter: Receiver) -> None:
    jane, tom = person(meter.world), person(meter.world, "tom")
    signed_in(meter.world, jane)
    signed_in(meter.world, jane, offline=True)
    later(meter)
    with tenant_scope(meter.tenant.id):
        for user in (jane, tom):
            acts: Any = {"tenant": meter.tenant, "user_id": user.id, "by": SYSTEM}
            users.deactivate(at=later(meter), **acts)
            users.reactivate(at=later(meter), **acts)
    told = meter.told()
    assert sorted(kinds_of(told)) == ["account-disabled", "account-enabled", *["session-revoked"] * 2]
    assert str(tom.id) not in str(told), "who has nothing to do with the meter"


def test_a_new_password_is_told_and_so_is_a_deletion(meter: Receiver) -> None:
    jane = person(meter.world)
    row = signed_in(meter.world, jane).authorization
    with tenant_scope(meter.tenant.id):
        session = UserSession.objects.select_related("user", "tenant").get(id=row.session_id)
        given = {"session": session, "password": "correct horse battery"}
        own_account.change_password(**given, by=acting(jane), at=later(meter))
        told = {uri: said for uri, _, said in meter.told()}
        assert set(told) == {kinds.SESSION_REVOKED, kinds.CREDENTIAL_CHANGE}
        said = told[kinds.CREDENTIAL_CHANGE]
        assert (said["credential_type"], said["change_type"]) == ("password", "update")
        assert said["initiating_entity"] == "user"
        deletion.delete(tenant=meter.tenant, user_id=jane.id, by=SYSTEM, at=later(meter))
    assert kinds_of(meter.told()) == ["account-purged"]


# --- decided when it is told ---------------------------------------------------------------------------


def test_nothing_is_told_while_the_application_is_not_there(meter: Receiver) -> None:
    """What happens in a pause of the contract is not made up for: it was not the application's business."""
    world = meter.world
    jane = person(world)
    later(meter)
    give(world, jane)
    contract = world.acme.contracts_provided.get()
    pauses.pause(tenant=world.acme, contract_id=contract.id, by=SYSTEM, at=later(meter))
    assert meter.ask("POST", "poll", {}).status_code == 404
    pauses.resume(tenant=world.acme, contract_id=contract.id, by=SYSTEM, at=later(meter))
    assert kinds_of(meter.told()) == ["token-claims-change"]


def test_what_was_handed_out_is_decided_again(meter: Receiver) -> None:
    jane = person(meter.world)
    later(meter)
    held = give(meter.world, jane)
    first = meter.poll()
    assert list(meter.poll()) == list(first), "not acknowledged"
    later(meter)
    meter.world.withdraw(held)
    ((_, _, said),) = meter.told()
    assert said["claims"] == roles(meter), "the first is as if it had never been"


def test_a_token_of_this_kind_opens_nothing(meter: Receiver) -> None:
    give(meter.world, person(meter.world))
    events.sequence()
    (token,) = meter.ask("POST", "poll", {}).json()["sets"].values()
    assert meter.world.introspect("acme.meter", meter.tenant, token).json() == {"active": False}
    with pytest.raises(tokens.Unreadable):
        tokens.read(token, at=meter.world.clock.at)
    access = signed_in(meter.world, person(meter.world, "tom")).access_token
    with pytest.raises(tokens.Unreadable):
        tokens.read(access, at=meter.world.clock.at, type="secevent+jwt")


def test_without_a_stream_nothing_is_written_for_one(shared: World) -> None:
    with tenant_scope(shared.globex.id):
        give(shared, person(shared))
        assert not Event.objects.filter(type=ACCESS_CHANGED).exists()
