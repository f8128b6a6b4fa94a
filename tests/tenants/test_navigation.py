"""Small promises of pages and serializers."""

from collections.abc import Iterator

import pytest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from tenants import navigation
from tenants.serializers.people import GroupIn

pytestmark = pytest.mark.urls("tests.tenants.pages")


@pytest.fixture(autouse=True)
def empty(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(navigation, "_items", [])
    yield


def test_the_current_page_is_marked_in_the_navigation():
    navigation.register("overview", "Overview", "overview", "home", None, position=1)
    navigation.register("people", "Users", "open", "user", "Users:read")
    navigation.register("people", "Users", "open", "user", "Users:read")
    navigation.register("people", "First", "closed", "role", "Users:read", position=1)

    def marked(address):
        groups = navigation.shown(slug="acme", path=address, may=lambda permission: True)
        assert [[item["label"] for item in group["items"]] for group in groups] == [
            ["Overview"],
            ["First", "Users"],
        ]
        return [item["label"] for group in groups for item in group["items"] if item["active"]]

    assert marked("/t/acme/") == ["Overview"]
    assert marked("/t/acme/open") == ["Users"]
    assert marked("/t/acme/open/42") == ["Users"]
    assert marked("/t/acme/elsewhere") == []
    with pytest.raises(ValueError):
        navigation.register("nowhere", "X", "open", "x", None)


def test_what_is_kept_of_a_drawing_is_of_no_organization_and_of_one_language():
    navigation.register("people", _("Users"), "open", "user", "Users:read")
    navigation.register("people", "Keys", "closed", "role", "Keys:modify")

    def drawn(slug: str, *, language: str = "en", held: str = "") -> str:
        with override(language):
            return navigation.shown(slug=slug, path=f"/t/{slug}/open", may=held.__contains__).drawn()

    both = drawn("acme", held="Users:read Keys:modify")
    assert both == drawn("acme", held="Users:read Keys:modify")
    assert drawn("beta", held="Users:read Keys:modify") == both.replace("acme", "beta")
    assert "/t/acme/closed" in both and both.count('aria-current="page"') == 1
    assert "/t/acme/closed" not in drawn("acme", held="Users:read"), "what one may not see, another had drawn"
    assert "Users" in both and "Konten" in drawn("acme", language="de", held="Users:read")
    assert "organization-" not in both


@pytest.mark.parametrize("value", [5, -0.5, True])
def test_a_number_is_no_text(value: object) -> None:
    """The framework would write it out, and take it."""
    sent = GroupIn(data={"name": value})
    assert not sent.is_valid()
    assert list(sent.errors) == ["name"]
