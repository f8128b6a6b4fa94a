"""Every act of the pages changes what it says, keeps what was typed, and is harmless when sent twice."""

import re
from typing import Any

import pytest
from django.utils import timezone

from iam_portal.walls import tenant_scope
from tenants.actions import partners
from tenants.models import Group, GroupPlacement, Membership, Partnership, User, UserActivity, UserLink
from tests.applications.story import Party, party, person, share
from tests.support import factories


@pytest.fixture
def acme(db: None) -> Party:
    return party("acme")


@pytest.fixture
def beta(acme: Party) -> Party:
    return party("beta")


@pytest.fixture
def sam(acme: Party) -> User:
    return factories.make_user(acme.tenant, "sam", at=timezone.now())


def is_active(party: Party, user: User) -> bool:
    with tenant_scope(party.tenant.id):
        return UserActivity.objects.at(timezone.now()).filter(user=user).exists()


def shown_revision(page: Any) -> int:
    return page.context["confirm"]["revision"]


def test_inviting(acme: Party):
    given = {"display_name": "Maria", "email": "maria@example.org", "username": "maria"}
    assert acme.post("users/invite", **given).status_code == 302
    assert "Invited" in acme.get("users", state="invited").content.decode()
    again = acme.post("users/invite", **given)
    assert again.status_code == 200
    assert set(again.context["form"].errors) == {"username", "email"}
    assert 'value="maria@example.org"' in again.content.decode()


def test_changing_against_the_revision_that_was_shown(acme: Party, sam: User):
    path = f"users/{sam.id}/change"
    page = acme.get(path)
    given = {name: page.context["form"][name].value() for name in ("username", "email", "revision")}
    assert acme.post(path, **given, display_name="Samuel").status_code == 302
    stale = acme.post(path, **given, display_name="Somebody")
    assert "changed meanwhile" in stale.content.decode()
    assert "Samuel" in acme.get(f"users/{sam.id}").content.decode()


def test_deactivating_and_back(acme: Party, sam: User):
    path = f"users/{sam.id}/deactivate"
    page = acme.get(path)
    assert "Deactivate Sam?" in page.content.decode()
    assert is_active(acme, sam)
    for _twice in range(2):
        assert acme.post(path, revision=shown_revision(page)).headers["Location"] == acme.url(
            f"users/{sam.id}"
        )
    assert not is_active(acme, sam)
    assert acme.post(f"users/{sam.id}/reactivate").status_code == 302
    assert is_active(acme, sam)


def test_sending_a_link(acme: Party, sam: User):
    assert UserLinkCount.of(acme, sam) == 0
    assert acme.post(f"users/{sam.id}/send-link").status_code == 302
    assert UserLinkCount.of(acme, sam) == 1


class UserLinkCount:
    """How many links somebody was ever sent."""

    @staticmethod
    def of(party: Party, user: User) -> int:
        with tenant_scope(party.tenant.id):
            return UserLink.objects.filter(user=user).count()


def test_nobody_resets_who_holds_more(acme: Party):
    """The first administrator holds everything; an access manager may not become him."""
    manager = person(acme, "kim", "access-manager")
    response = manager.post(f"/t/acme/users/{acme.user.id}/send-link", follow=True)
    assert "cannot hand out what you do not hold" in response.content.decode()
    assert UserLinkCount.of(acme, acme.user) == 0


def test_groups_from_creation_to_the_end(acme: Party, sam: User):
    above = factories.make_group(acme.tenant, "Staff", at=timezone.now())
    created = acme.post("groups/create", name="Dispatch", description="Tours", parent=str(above.id))
    path = created.headers["Location"].removeprefix("/t/acme/")
    twice = acme.post("groups/create", name="dispatch", description="", parent="")
    assert set(twice.context["form"].errors) == {"name"}
    assert acme.post(path, user="SAM@example.org").status_code == 302
    assert "is in Dispatch already" in acme.post(path, user="sam").content.decode()
    assert "nobody of this user name" in acme.post(path, user="ghost").content.decode()
    page = acme.get(f"{path}/change")
    revision = page.context["form"]["revision"].value()
    assert acme.post(f"{path}/change", name="Tours", description="", revision=revision).status_code == 302
    revision = acme.get(f"{path}/move").context["form"]["revision"].value()
    assert acme.post(f"{path}/move", parent="", revision=revision).status_code == 302
    with tenant_scope(acme.tenant.id):
        assert not GroupPlacement.objects.at(timezone.now()).exists()
        assert Membership.objects.at(timezone.now()).get().user == sam
    assert acme.post(f"{path}/members/{sam.id}/remove").status_code == 302
    revision = shown_revision(acme.get(f"{path}/delete"))
    assert acme.post(f"{path}/delete", revision=revision).headers["Location"] == "/t/acme/groups"
    assert acme.get(path).status_code == 404
    assert "The group Tours is deleted" in acme.get("groups").content.decode()
    assert "Tours" not in acme.get("groups").content.decode()


def test_a_group_with_others_below_is_not_deleted(acme: Party):
    above = factories.make_group(acme.tenant, "Staff", at=timezone.now())
    factories.make_group(acme.tenant, "Dispatch", parent=above, at=timezone.now())
    assert "Groups stand below it" in acme.get(f"groups/{above.id}").content.decode()
    asked = acme.get(f"groups/{above.id}/delete").content.decode()
    assert "Move or delete what stands below Staff first." in asked
    assert re.search(r"<button disabled[^>]*>Delete group</button>", asked)
    refused = acme.client.post(acme.url(f"groups/{above.id}/delete"), follow=True)
    assert "Move or delete what stands below" in refused.content.decode()
    with tenant_scope(acme.tenant.id):
        assert Group.objects.at(timezone.now()).count() == 2
    below = acme.get(f"groups/{above.id}/move").context["form"].fields["parent"].choices
    assert [label for _value, label in below] == ["No group: at the top"]


def invited(acme: Party, **given: str) -> str:
    """The path of a fresh invitation link."""
    page = acme.post("partners/invite", **{"expected": "", "note": "", **given})
    found = re.search(r"https?://[^/]+(/join/[\w-]+)", page.content.decode())
    assert found
    return found[1]


def test_a_partnership_from_link_to_end(acme: Party, beta: Party):
    link = invited(acme, note="Hello")
    beta.client.get(link)
    assert b"You are invited" in beta.client.get("/join").content
    to = beta.client.post("/join", {"organization": "beta"}).headers["Location"]
    looked = beta.client.get(to)
    assert "Acme invites you" in looked.content.decode()
    assert Partnership.objects.get().state == "invited"
    accepted = beta.post("partners/redeem", code=looked.context["code"], act="accept")
    row = Partnership.objects.get()
    assert row.state == "redeemed"
    assert accepted.headers["Location"] == f"/t/beta/partners/{row.id}"
    assert beta.post("partners/redeem", code=link, act="accept").status_code == 200
    revision = shown_revision(acme.get(f"partners/{row.id}/confirm"))
    assert acme.post(f"partners/{row.id}/confirm", revision=revision).status_code == 302
    share(acme, beta, acme.applications["planner"])
    asked = acme.get(f"partners/{row.id}/end")
    assert "Fleet Planner: Acme → Beta" in asked.content.decode()
    acme.post(f"partners/{row.id}/end", revision=shown_revision(asked), impact="i-" + "0" * 32)
    row.refresh_from_db()
    assert row.state == "confirmed"  # not what was shown
    impact = asked.context["confirm"]["impact"]
    acme.post(f"partners/{row.id}/end", revision=shown_revision(asked), impact=impact)
    row.refresh_from_db()
    assert row.state == "ended"


def test_an_expected_partner_is_confirmed_at_once(acme: Party, beta: Party):
    code = invited(acme, expected="beta").rpartition("/")[2]
    stranger = party("gamma")
    refused = stranger.post("partners/redeem", code=code)
    assert "not known, or no longer open" in refused.content.decode()
    looked = beta.post("partners/redeem", code=f"https://portal.example/join/{code}/")
    assert looked.context["code"] == code
    beta.post("partners/redeem", code=code, act="accept")
    assert Partnership.objects.get().state == "confirmed"
    unknown = acme.post("partners/invite", expected="ghost", note="")  # not told apart from one that exists
    assert unknown.status_code == 200
    assert "secret" in unknown.context


def test_an_invitation_taken_back_and_one_declined(acme: Party, beta: Party):
    first = invited(acme)
    row = Partnership.objects.get()
    acme.post(f"partners/{row.id}/revoke", revision=row.revision)
    assert "not known, or no longer open" in beta.post("partners/redeem", code=first).content.decode()
    beta.post("partners/redeem", code=invited(acme), act="accept")
    row = Partnership.objects.get(state="redeemed")
    for _twice in range(2):
        assert beta.post(f"partners/{row.id}/decline", revision=row.revision).status_code == 302
    row.refresh_from_db()
    assert row.state == "declined"


def test_accepting_without_asking_needs_what_accepting_needs(acme: Party, beta: Party):
    row = factories.make_partners(acme.tenant, beta.tenant, at=timezone.now())
    path = f"partners/{row.id}/accepting"
    manager = person(acme, "kim", "organization-relation-manager")
    assert manager.post(acme.url(path), {"contract_types": ["access"]}).status_code == 403
    assert acme.post(path, contract_types=["access", "nonsense"]).status_code == 302
    assert not partners.accepts_automatically(tenant=acme.tenant, partner=beta.tenant, contract_type="access")
    assert acme.post(path, contract_types=["access"]).status_code == 302
    assert partners.accepts_automatically(tenant=acme.tenant, partner=beta.tenant, contract_type="access")
    assert (
        manager.post(acme.url(path), {}).status_code == 302
    )  # taking a standing yes back is always possible
    assert not partners.accepts_automatically(tenant=acme.tenant, partner=beta.tenant, contract_type="access")
