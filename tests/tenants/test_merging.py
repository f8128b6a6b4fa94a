"""Two who change the same thing at once: nobody overwrites what he has not seen, or types it twice."""

from typing import Any

import pytest

from iam_portal.walls import tenant_scope
from tenants.models import Group, User
from tests.applications.story import Party, party
from tests.support.factories import make_group
from tests.support.forms import Forms


@pytest.fixture
def acme(db: None) -> Party:
    return party("acme")


@pytest.fixture
def group(acme: Party) -> Group:
    return make_group(acme.tenant, "Day", at=acme.user.created_at)


def now(group: Group) -> Group:
    with tenant_scope(group.tenant_id):
        return Group.objects.get(pk=group.pk)


def opened(acme: Party, path: str, *names: str) -> dict[str, str]:
    """The form as a browser has it."""
    return Forms(acme.get(path).content.decode()).with_fields(*names)


def differing(page: Any) -> dict[str, tuple[str, str, str, str]]:
    return {one.name: (one.was, one.now, one.mine, one.keeps) for one in page.context["differences"]}


def test_field_by_field_what_was_what_is_and_what_was_typed(acme: Party, group: Group) -> None:
    path = f"groups/{group.pk}/change"
    mine, theirs = opened(acme, path, "name"), opened(acme, path, "name")
    assert acme.post(path, **{**theirs, "name": "Early", "description": "Theirs"}).status_code == 302
    late = acme.post(path, **{**mine, "description": "Mine <b>"})
    assert late.status_code == 412
    assert differing(late) == {
        "name": ("Day", "Early", "Day", "now"),
        "description": ("–", "Theirs", "Mine <b>", ""),
    }
    assert "Mine &lt;b&gt;" in late.content.decode()
    group = now(group)
    assert (group.name, group.description) == ("Early", "Theirs")
    form = Forms(late.content.decode()).with_fields("now-name")
    assert form["take-name"] == "now"
    assert acme.post(path, **{**form, "take-description": "mine"}).status_code == 302
    group = now(group)
    assert (group.name, group.description, group.revision) == ("Early", "Mine <b>", 3)


def test_overtaken_again_while_one_chose(acme: Party, group: Group) -> None:
    path = f"groups/{group.pk}/change"
    first = opened(acme, path, "name")
    acme.post(path, **{**first, "name": "Early"})
    form = Forms(acme.post(path, **{**first, "name": "Late"}).content.decode()).with_fields("now-name")
    acme.post(path, **{**opened(acme, path, "name"), "name": "Noon"})
    again = acme.post(path, **{**form, "take-name": "mine"})
    assert again.status_code == 412
    assert differing(again) == {"name": ("Early", "Noon", "Late", "")}


def test_the_second_of_two_clicks_finds_its_change_done(acme: Party, group: Group) -> None:
    path = f"groups/{group.pk}/change"
    form = {**opened(acme, path, "name"), "name": "Early"}
    answers = [acme.post(path, **form) for _click in range(2)]
    assert [answer.status_code for answer in answers] == [302, 302]
    assert answers[0]["Location"] == answers[1]["Location"]
    group = now(group)
    assert group.revision == 2


@pytest.mark.parametrize("was", ["", "[]", "{", '{"name": 1}', '{"name": [1, {}]}', "x" * 5_000, "null"])
def test_what_was_is_shown_as_far_as_it_can_be_read(acme: Party, group: Group, was: str) -> None:
    path = f"groups/{group.pk}/change"
    form = opened(acme, path, "name")
    acme.post(path, **{**form, "name": "Early"})
    late = acme.post(path, **{**form, "name": "Late", "was": was})
    assert late.status_code == 412
    assert differing(late)["name"][1:3] == ("Early", "Late")


@pytest.mark.parametrize("path", ["users/{user}/change", "settings/life-times", "settings/deleted-people"])
def test_every_form_that_changes_a_row(acme: Party, path: str) -> None:
    path = path.format(user=acme.user.pk)
    changes = {
        "display_name": ("Theirs", "Mine"),
        "session_seconds": ("2 h", "3 h"),
        "keeps": ("pseudonym", "name"),
    }
    form = opened(acme, path, "revision")
    ((name, (theirs, mine)),) = ((name, both) for name, both in changes.items() if name in form)
    assert acme.post(path, **{**form, name: theirs}).status_code == 302
    late = acme.post(path, **{**form, name: mine})
    assert late.status_code == 412, late.content[:3000]
    assert set(differing(late)) == {name}
    form = Forms(late.content.decode()).with_fields(f"now-{name}")
    assert acme.post(path, **{**form, f"take-{name}": "mine"}).status_code == 302
    assert opened(acme, path, "revision")[name] == mine


def test_who_may_not_change_it_any_more_is_not_shown_it(acme: Party, group: Group) -> None:
    path = f"groups/{group.pk}/change"
    form = opened(acme, path, "name")
    acme.post(path, **{**form, "name": "Early"})
    with tenant_scope(acme.tenant.id):
        User.objects.filter(pk=acme.user.pk).update(deleted_at=acme.user.created_at)
    assert acme.post(path, **{**form, "name": "Late"}).status_code == 302
