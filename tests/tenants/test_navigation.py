"""Small promises of pages and serializers."""

from collections.abc import Iterator

import pytest

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


@pytest.mark.parametrize("value", [5, -0.5, True])
def test_a_number_is_no_text(value: object) -> None:
    """The framework would write it out, and take it."""
    sent = GroupIn(data={"name": value})
    assert not sent.is_valid()
    assert list(sent.errors) == ["name"]
