"""What a provider's word moves here: never more than the mapper's maker holds at that moment."""

from collections.abc import Iterator
from typing import Any

import pytest

from accesscontrol.actions import assignments
from accesscontrol.actions.assignments import Wanted
from applications.models.applications import PORTAL_ID
from iam_portal.errors import Forbidden
from iam_portal.walls import tenant_scope
from tenants.actions import groups, identity_providers, mappers, memberships, users
from tenants.models import Group, HistoryEvent, IdentityMapper, MappedMembership, Membership, User
from tests.accesscontrol.oauth.there import There, host, there
from tests.support.factories import SYSTEM, acting, make_group, make_user

__all__ = ["host", "there"]
EVERY = {"when": "every", "claim": "groups", "value": "g-1", "kind": "group"}


class Office:
    """Anna is linked; Max makes mappers; the group gives what it holds."""

    def __init__(self, there: There) -> None:
        self.there, self.tenant = there, there.tenant
        self.anna, self.max = (make_user(self.tenant, name, at=there.at) for name in ("anna", "max"))
        there.links(self.anna)
        self.group = make_group(self.tenant, "Dispatch", at=there.at)
        self.give("group-mapper-manager", self.max)

    def give(self, role: str, whom: User | Group) -> Any:
        who = {"user_id": whom.id} if isinstance(whom, User) else {"group_id": whom.id}
        wanted = Wanted(role=role, application_id=PORTAL_ID, **who)
        return assignments.assign(tenant=self.tenant, wanted=wanted, by=SYSTEM, at=self.there.at)

    def mapper(self, by: User | None = None, **chosen: Any) -> IdentityMapper:
        chosen = {**EVERY, **chosen}
        group_id = self.group.id if chosen["kind"] == "group" else None
        with tenant_scope(self.tenant.id):
            return mappers.create(
                tenant=self.tenant,
                provider=self.there.provider,
                group_id=group_id,
                chosen=chosen,
                by=acting(by or self.max),
                at=self.there.at,
            )

    def change(self, made: IdentityMapper, **chosen: Any) -> None:
        mappers.change(
            tenant=self.tenant,
            provider=self.there.provider,
            mapper_id=made.id,
            group_id=self.group.id,
            chosen=chosen,
            by=acting(self.max),
            at=self.there.at,
        )

    def comes(self, **claims: Any) -> None:
        """Anna signs in anew, with these claims."""
        self.there.claims |= claims
        self.there.world.clock.forward(seconds=10)
        self.there.browser.cookies.clear()
        assert self.there.signs_in().status_code == 302
        assert self.there.is_in, "nobody is kept out by a mapper"

    @property
    def inside(self) -> bool:
        with tenant_scope(self.tenant.id):
            rows = Membership.objects.at(self.there.at).filter(group=self.group, user=self.anna)
            return rows.exists()

    def refusals(self) -> list[str]:
        with tenant_scope(self.tenant.id):
            rows = HistoryEvent.objects.filter(tenant_id=self.tenant.id, action="mapper.refused")
            return [row.after["because"] for row in rows.order_by("id")]

    def fresh(self) -> User:
        with tenant_scope(self.tenant.id):
            return User.objects.get(pk=self.anna.pk)


@pytest.fixture
def office(there: There) -> Iterator[Office]:
    yield Office(there)


# --- groups -----------------------------------------------------------------------------------------------


def test_in_by_the_claim_and_out_without_it(office: Office) -> None:
    office.mapper()
    office.comes(groups=["g-0", "G-1"])
    assert not office.inside, "capital letters count"
    office.comes(groups=["g-0", "g-1"])
    assert office.inside
    office.comes(groups=["g-1"])
    assert office.inside
    office.comes(groups="g-0")
    assert not office.inside and office.refusals() == []
    with tenant_scope(office.tenant.id):
        rows = HistoryEvent.objects.filter(tenant_id=office.tenant.id, action__startswith="group.member")
        assert [row.action for row in rows.order_by("id")] == ["group.member_added", "group.member_removed"]
        assert {row.actor_kind for row in rows} == {"system"}, "its maker did not act"


def test_it_takes_away_only_what_it_made(office: Office) -> None:
    office.mapper()
    with tenant_scope(office.tenant.id):
        pair = {"group_id": office.group.id, "user_id": office.anna.id}
        memberships.add(tenant=office.tenant, **pair, by=SYSTEM, at=office.there.at)
    office.comes(groups=["g-1"])
    office.comes(groups=[])
    assert office.inside, "an administrator put her there"
    with tenant_scope(office.tenant.id):
        assert not MappedMembership.objects.exists()


def test_a_renamed_group_is_the_same(office: Office) -> None:
    office.mapper()
    with tenant_scope(office.tenant.id):
        given = {"tenant": office.tenant, "group_id": office.group.id, "by": SYSTEM, "at": office.there.at}
        groups.rename(**given, name="Night dispatch")
    office.comes(groups=["g-1"])
    assert office.inside


def test_at_the_first_sign_in_only(office: Office) -> None:
    office.mapper(when="first")
    office.comes(groups=["g-1"])
    assert not office.inside, "she was here before"
    office.there.changes(makes_people=True)
    office.there.claims = {"sub": "new", "email": "n@corp.example", "email_verified": True, "groups": "g-1"}
    office.there.browser.cookies.clear()
    office.there.signs_in()
    office.there.browser.post("/t/globex/sign-in/arrival", {"username": "new", "display_name": "N"})
    with tenant_scope(office.tenant.id):
        assert Membership.objects.get(group=office.group).user.username == "new"


# --- may grant --------------------------------------------------------------------------------------------


def test_nobody_makes_a_mapper_for_more_than_he_holds(office: Office) -> None:
    office.give("access-configuration-manager", office.group)
    with pytest.raises(Forbidden):
        office.mapper()
    office.give("access-configuration-manager", office.max)
    office.mapper()
    office.comes(groups=["g-1"])
    assert office.inside


def test_a_mapper_gives_no_more_than_its_maker_holds_then(office: Office) -> None:
    """Made while the group held nothing; then somebody gave it power."""
    office.mapper()
    office.give("access-configuration-manager", office.group)
    office.comes(groups=["g-1"])
    assert not office.inside
    assert office.refusals() == ["forbidden"]


def test_yesterdays_administrator_gives_nothing_today(office: Office) -> None:
    office.give("access-configuration-manager", office.group)
    role = office.give("access-configuration-manager", office.max)
    office.give("access-manager", office.max)
    office.mapper()
    assignments.withdraw(tenant=office.tenant, assignment_id=role.id, by=SYSTEM, at=office.there.at)
    office.comes(groups=["g-1"])
    assert not office.inside and office.refusals() == ["forbidden"]


def test_a_deactivated_maker_gives_nothing(office: Office) -> None:
    office.give("access-configuration-reader", office.group)
    office.give("access-configuration-reader", office.max)
    office.give("access-manager", make_user(office.tenant, "boss", at=office.there.at))
    office.mapper()
    with tenant_scope(office.tenant.id):
        users.deactivate(tenant=office.tenant, user_id=office.max.id, by=SYSTEM, at=office.there.at)
    office.comes(groups=["g-1"])
    assert not office.inside and office.refusals() == ["forbidden"]


def test_who_changes_it_answers_for_it(office: Office) -> None:
    """By the hand of the last editor, not of a more powerful former one."""
    office.give("access-configuration-reader", office.group)
    boss = make_user(office.tenant, "boss", at=office.there.at)
    for role in ("access-configuration-reader", "access-manager", "group-mapper-manager"):
        office.give(role, boss)
    made = office.mapper(by=boss)
    with tenant_scope(office.tenant.id), pytest.raises(Forbidden):
        office.change(made, value="g-2")
    office.comes(groups=["g-1"])
    assert office.inside


def test_who_moves_the_word_of_a_provider_must_be_able_to_give_what_the_linked_hold(office: Office) -> None:
    """Else whoever looks after providers could come in as an administrator who is linked."""
    office.give("identity-provider-manager", office.max)
    office.give("access-configuration-manager", office.anna)
    given = {"tenant": office.tenant, "key": "corp", "by": acting(office.max), "at": office.there.at}
    for chosen, secret in (
        ({"client_id": "mine"}, ""),
        ({}, "mine"),
        ({"trusts_second_factor": True}, ""),
        ({"trusts_email": True}, ""),
    ):
        with tenant_scope(office.tenant.id), pytest.raises(Forbidden):
            identity_providers.change(**given, chosen=chosen, secret=secret)
    with tenant_scope(office.tenant.id):
        identity_providers.change(**given, chosen={"name": "Corp", "position": 2})


# --- names ------------------------------------------------------------------------------------------------


def test_who_may_change_no_names_changes_none_by_a_mapper(office: Office) -> None:
    named = {"kind": "display_name", "template": "{name}"}
    with pytest.raises(Forbidden):
        office.mapper(**named)
    role = office.give("access-manager", office.max)
    office.give("access-manager", make_user(office.tenant, "boss", at=office.there.at))
    office.mapper(**named)
    office.comes(name="Anna Arendt")
    assert office.fresh().display_name == "Anna Arendt"
    assignments.withdraw(tenant=office.tenant, assignment_id=role.id, by=SYSTEM, at=office.there.at)
    office.comes(name="Somebody")
    assert office.fresh().display_name == "Anna Arendt" and office.refusals() == ["forbidden"]


def test_who_may_make_no_people_has_no_provider_make_them(office: Office) -> None:
    office.give("identity-provider-manager", office.max)
    by = {"tenant": office.tenant, "by": acting(office.max), "at": office.there.at}
    fresh = {"key": "new", "issuer": "https://id.example", "secret": "s", **by}
    with tenant_scope(office.tenant.id):
        with pytest.raises(Forbidden):
            identity_providers.change(**by, key="corp", chosen={"makes_people": True})
        with pytest.raises(Forbidden):
            identity_providers.create(**fresh, chosen={"client_id": "c", "makes_people": True})
        identity_providers.create(**fresh, chosen={"client_id": "c", "makes_people": False})
    office.give("access-manager", office.max)
    with tenant_scope(office.tenant.id):
        identity_providers.change(**by, key="corp", chosen={"makes_people": True})
        identity_providers.change(**by, key="corp", chosen={"makes_people": False})


def test_names_follow_the_provider(office: Office) -> None:
    office.give("access-manager", office.max)
    office.mapper(kind="display_name", template="{given_name} {family_name}")
    office.comes(given_name="Anna", family_name="Arendt")
    assert office.fresh().display_name == "Anna Arendt"
    office.comes(given_name=None)
    assert office.fresh().display_name == "Anna Arendt", "a claim that is missing changes nothing"
    office.comes(given_name="A\u202e")
    assert office.fresh().display_name == "Anna Arendt" and office.refusals() == ["invalid"]


def test_an_address_only_where_it_is_proven(office: Office) -> None:
    """Links that set a password go there."""
    office.give("access-manager", office.max)
    office.mapper(kind="email", template="{email}")
    before = office.fresh().email
    office.comes(email="a@new.example", email_verified=False)
    assert office.fresh().email == before and office.refusals() == ["mapper_refused"]
    office.comes(email_verified=True)
    assert office.fresh().email == "a@new.example" and office.fresh().email_proven_at is not None
    make_user(office.tenant, "bo", at=office.there.at)
    office.comes(email="bo@example.org")
    assert office.fresh().email == "a@new.example", "it is another's"


def test_an_address_of_a_more_powerful_person_stays(office: Office) -> None:
    office.give("access-configuration-manager", office.anna)
    office.give("access-manager", office.max)
    office.mapper(kind="email", template="{email}")
    before = office.fresh().email
    office.comes(email="evil@new.example")
    assert office.fresh().email == before and office.refusals() == ["forbidden"]


def test_an_unsound_mapper_is_refused(office: Office) -> None:
    office.give("access-manager", office.max)
    for chosen in ({"claim": ""}, {"value": ""}, {"kind": "email", "template": "no hole"}):
        with pytest.raises(mappers.MapperUnsound):
            office.mapper(**chosen)


def test_the_same_rule_is_made_once(office: Office) -> None:
    office.mapper()
    with pytest.raises(mappers.MapperUnsound, match="already"):
        office.mapper()
    other = office.mapper(value="another")
    with tenant_scope(office.tenant.id):
        for value in ("another", "third", "third"):  # its own again is no other's
            office.change(other, value=value)
        with pytest.raises(mappers.MapperUnsound, match="already"):
            office.change(other, value=EVERY["value"])
