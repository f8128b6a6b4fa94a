"""Who may open which page of people, groups, partners and the record, and what a neighbour sees of it."""

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from iam_portal.walls import tenant_scope
from tenants.actions import identity_links, partnerships
from tenants.models import Group, HistoryEvent, Partnership, Passkey, UserSession
from tenants.urls import entry, pages
from tests.applications.story import Party, party, person
from tests.support import factories
from tests.support.changing_factors import device_of
from tests.support.coming_from import make_mapper, make_provider

# Page → a role with which it opens.
READABLE = {
    **dict.fromkeys(
        (
            *("identity-provider-list", "identity-provider-create", "identity-provider-detail"),
            *("identity-provider-change", "identity-provider-delete", "identity-add", "identity-remove"),
            *("mapper-create", "mapper-change", "mapper-delete"),
        ),
        "identity-provider-manager",
    ),
    "account-address": "user",
    "account-address-prove": "user",
    "account-change": "user",
    "account-copy": "user",
    "account-detail": "user",
    "account-others-end": "user",
    "account-password": "user",
    "account-session-end": "user",
    "factor-app": "user",
    "factor-codes": "user",
    "factor-list": "user",
    "factor-passkey": "user",
    "factor-remove": "user",
    "factor-rename": "user",
    "identity-confirm": "user",
    "activity-download": "activity-log-reader",
    "activity-list": "activity-log-reader",
    "activity-row": "activity-log-reader",
    "group-change": "access-manager",
    "group-create": "access-manager",
    "group-delete": "access-manager",
    "group-detail": "user-reader",
    "group-list": "user-reader",
    "group-move": "access-manager",
    "member-change": "access-manager",
    "member-remove": "access-manager",
    "partner-confirm": "organization-relation-manager",
    "partner-decline": "organization-relation-manager",
    "partner-detail": "organization-reader",
    "partner-end": "organization-relation-manager",
    "own-identity-list": "user",
    "own-identity-remove": "user",
    "partner-invite": "organization-relation-manager",
    "partner-list": "organization-reader",
    "partner-redeem": "organization-relation-manager",
    "partner-revoke": "organization-relation-manager",
    "search": "user",
    "settings": "access-configuration-reader",
    "settings-branding": "access-configuration-manager",
    "settings-deleted-people": "access-configuration-manager",
    "settings-lifetimes": "access-configuration-manager",
    "settings-logo": "access-configuration-manager",
    "settings-logo-remove": "access-configuration-manager",
    "settings-passwords": "access-configuration-manager",
    "user-change": "access-manager",
    "user-copy": "access-manager",
    "user-deactivate": "access-manager",
    "user-delete": "access-manager",
    "user-factors": "access-manager",
    "user-detail": "user-reader",
    "user-invite": "access-manager",
    "user-list": "user-reader",
    "user-reactivate": "access-manager",
    "user-reset": "access-manager",
}
OF_SOMETHING = sorted(
    pattern.name for pattern in pages.urlpatterns if pattern.name in READABLE and pattern.pattern.converters
)
PUBLIC = {
    "session-start",
    "session-end",
    "session-second",
    "session-set-up",
    "session-passkey",
    "password-set",
    "brand-logo",
    "account-address-proof",
    "arrival",
    "identity-link",
}
# Her session, a link, a factor and an account elsewhere of hers.
OF_JANE = {
    "account-session-end",
    "account-address-prove",
    "factor-remove",
    "factor-rename",
    "own-identity-remove",
}
POST_ONLY = {"partner-accepting"}
QUERIES = 60  # no page needs more, however many rows it shows


@pytest.fixture
def acme(db: None) -> Party:
    return party("acme")


@pytest.fixture
def beta(acme: Party) -> Party:
    """A partner of acme, with the same names in it."""
    made = party("beta")
    factories.make_partners(acme.tenant, made.tenant, at=made.tenant.created_at)
    return made


@pytest.fixture
def gamma(beta: Party) -> Party:
    """A neighbour, no party to anything."""
    made = party("gamma")
    factories.make_group(made.tenant, "Dispatch", members=(made.user,), at=timezone.now())
    return made


@pytest.fixture
def group(acme: Party) -> Group:
    return factories.make_group(acme.tenant, "Dispatch", members=(acme.user,), at=timezone.now())


@pytest.fixture
def known(acme: Party, beta: Party, group: Group) -> dict[str, Any]:
    """Something of acme for every kind of page."""
    with tenant_scope(acme.tenant.id):
        session = UserSession.objects.get(user=acme.user)
        device_of(acme.user, at=timezone.now())
        factor = Passkey.objects.get()
        row = HistoryEvent.objects.filter(tenant=acme.tenant).latest("id")
        provider = make_provider(acme.tenant, at=timezone.now())
        mapper = make_mapper(provider, acme.user, at=timezone.now())
        linked: Any = {"provider": provider, "user": acme.user, "subject": "s-1"}
        identity_links.put(**linked, by=factories.SYSTEM, at=timezone.now())
    return {
        "provider_key": provider.key,
        "mapper_id": mapper.id,
        "user_id": acme.user.id,
        "group_id": group.id,
        "partnership_id": Partnership.objects.get().id,
        "session_id": session.id,
        "factor_id": factor.id,
        "row_id": row.reference,
    }


def address(name: str, slug: str, known: dict[str, Any]) -> str:
    pattern = next(pattern for pattern in pages.urlpatterns if pattern.name == name)
    given = {argument: known[argument] for argument in pattern.pattern.converters}
    return reverse(f"tenants:{name}", kwargs={"slug": slug, **given})


def text_of(response: Any) -> str:
    return re.sub(r"\s+", " ", b"".join(response).decode())


def test_every_page_is_named_here():
    assert {pattern.name for pattern in pages.urlpatterns} == set(READABLE) | PUBLIC | POST_ONLY
    assert {pattern.name for pattern in entry.urlpatterns} == {
        "brand-sheet",
        "language-choose",
        "organization-asked",
        "organization-forget",
        "organization-pick",
        "invitation-open",
        "invitation-take",
    }


def test_each_opens_with_its_role_and_with_no_other(acme: Party, known: dict[str, Any]):
    """In loops, not as parameters: the organizations are made once."""
    nobody = person(acme, "lee")
    readers = {role: person(acme, f"kim-{role}", role) for role in set(READABLE.values())}
    for name, role in READABLE.items():
        wanted = address(name, "acme", known)
        if name not in OF_JANE:
            opened = readers[role].get(wanted)
            assert (name, opened.status_code) == (name, 200)
            assert "style=" not in text_of(opened)
        if role == "user":
            continue  # one's own account is everybody's, without a role
        refused = nobody.get(wanted)
        assert (name, refused.status_code) == (name, 403)
        assert "permission_not_held" in text_of(refused)


def test_a_stranger_is_sent_to_sign_in(known: dict[str, Any], gamma: Party):
    for name in READABLE:
        for client in (Client(), gamma.client):
            response = client.get(address(name, "acme", known))
            assert (name, response.status_code) == (name, 302)
            assert response.headers["Location"].startswith("/t/acme/sign-in?next=")


def test_what_belongs_to_a_neighbour_is_not_there(known: dict[str, Any], gamma: Party):
    for name in OF_SOMETHING:
        wanted = address(name, "gamma", known)
        assert (name, gamma.client.get(wanted).status_code) == (name, 404)
        assert (name, gamma.client.post(wanted).status_code) in ((name, 404), (name, 405))


def test_lists_show_only_ones_own(acme: Party, known: dict[str, Any], gamma: Party):
    with tenant_scope(gamma.tenant.id):
        theirs = {str(gamma.user.id), str(Group.objects.get(tenant=gamma.tenant).id)}
    for name in ("user-list", "group-list", "partner-list", "activity-list", "account-detail"):
        shown = text_of(acme.client.get(address(name, "acme", known)))
        assert "Gamma" not in shown
        assert not [one for one in theirs if one in shown]


def test_lists_take_a_fixed_number_of_queries(
    acme: Party, known: dict[str, Any], django_assert_max_num_queries: Any
):
    for number in range(30):
        user = factories.make_user(acme.tenant, f"user{number}", at=timezone.now())
        factories.make_group(acme.tenant, f"Group {number}", members=(user,), at=timezone.now())
        partnerships.invite(inviter=acme.tenant, by=acme.actor, at=timezone.now())
    for name in ("user-list", "group-list", "partner-list", "activity-list", "user-detail", "group-detail"):
        with django_assert_max_num_queries(QUERIES):
            assert acme.client.get(address(name, "acme", known)).status_code == 200


def test_pages_follow_each_other(acme: Party):
    for number in range(30):
        factories.make_user(acme.tenant, f"user{number:02}", at=timezone.now())
    seen: list[str] = []
    page = acme.get("users")
    while True:
        seen += [row["cells"][0]["text"] for row in page.context["table"]["rows"]]
        following = page.context["table"]["paging"]["next_url"]
        if not following:
            break
        page = acme.client.get(following)
    assert seen == sorted(seen)
    assert len(seen) == len(set(seen)) == 31
    first = acme.client.get(page.context["table"]["paging"]["previous_url"])
    assert [row["cells"][0]["text"] for row in first.context["table"]["rows"]] == seen[:25]
    forged = acme.get("users", cursor="W10:forged")
    assert forged.status_code == 200


def test_search_and_states(acme: Party):
    factories.make_user(acme.tenant, "maria", at=timezone.now())
    assert "Maria" in text_of(acme.get("users", q="mari"))
    assert "Jane" not in text_of(acme.get("users", q="mari")).split('id="list"')[1]
    assert "Nobody matches" in text_of(acme.get("users", state="inactive"))
    assert acme.get("users", q="a\0b").status_code == 200


def test_a_refused_button_shows_its_reason(acme: Party):
    reader = person(acme, "kim", "user-reader")
    shown = text_of(reader.get("/t/acme/users"))
    assert re.search(r'<button class="btn btn-primary" type="button" disabled[^>]*>.*?Invite a person', shown)
    assert "Users:add" in shown


def test_the_record_in_words_and_filtered(acme: Party, known: dict[str, Any], beta: Party):
    assert "created the group" in text_of(acme.get("activity"))
    only_groups = acme.get("activity", group="groups").context["rows"]
    assert {row["line"].event.action.partition(".")[0] for row in only_groups} == {"group"}
    about = acme.get("activity", object=f"group:{known['group_id']}").context["rows"]
    assert [row["line"].event.action for row in about] == ["group.created"]
    assert acme.get("activity", actor="nobody at all").context["rows"] == []
    assert acme.get("activity", until="2001-01-01T00:00").context["rows"] == []
    assert acme.get("activity", since="nonsense").status_code == 200
