"""How an organization looks: readable, and no other's; seen by strangers only when it wants to be."""

import base64
import json
import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from iam_portal.walls import tenant_scope
from tenants import colours
from tenants.actions import branding
from tenants.branding import named
from tenants.models import Branding, HistoryEvent
from tests.applications.story import Party, party, person
from tests.support.drawing import jpeg, png

GOOD, PALE = "#0b5394", "#ffcc00"


@pytest.fixture
def acme(db: None) -> Party:
    return party("acme")


def door(organization: Party, more: str = "") -> str:
    return f"/iam/access-management/v1/tenants/{organization.tenant.id}/branding{more}"


def send(organization: Party, method: str, body: Any, more: str = "", **headers: str) -> Any:
    sent = {"content_type": "application/json", "headers": headers}
    return organization.client.generic(method, door(organization, more), json.dumps(body), **sent)


def put(organization: Party, picture: bytes) -> Any:
    return send(organization, "PUT", {"picture": base64.b64encode(picture).decode()}, "/logo")


def told(organization: Party) -> list[tuple[Any, Any]]:
    with tenant_scope(organization.tenant.id):
        rows = HistoryEvent.objects.filter(action="tenant.branding_changed").order_by("id")
        return [(row.before, row.after) for row in rows]


def gate(slug: str = "acme") -> str:
    """What a stranger sees, without what is drawn anew each time."""
    page = Client().get(f"/t/{slug}/sign-in").content.decode()
    return re.sub(r'name="csrfmiddlewaretoken" value="[^"]+"', "", page)


# --- colours -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "colour", ["#ffcc00", "#ff0000", "#00ff00", "#ffffff", "#777777", "#12ab9f", "#000000", GOOD]
)
def test_the_nearest_passes_in_both_themes(colour: str) -> None:
    light = colours.nearest(colour)
    dark = colours.for_dark(light)
    assert colours.passes(light)
    assert (light == colour) == colours.passes(colour)
    for on, ground in ((colours.LIGHTEST, light), (colours.DARKEST, dark), (dark, colours.DARK_GROUND)):
        assert colours.contrast(on, ground) >= colours.ENOUGH
    assert colours.contrast(light, "#ffffff") >= colours.ENOUGH


def test_contrast_is_that_of_wcag() -> None:
    assert colours.contrast("#000000", "#ffffff") == pytest.approx(21)
    assert colours.contrast("#ffffff", "#767676") == pytest.approx(4.54, abs=0.01)


# --- by REST -------------------------------------------------------------------------------------------


def test_choose_and_go_back(acme: Party) -> None:
    first = acme.client.get(door(acme))
    plain = {"registeredName": "Acme", "name": "", "colour": "", "colourInDark": "", "onSignIn": False}
    assert first.json() == {**plain, "logo": None, "revision": "r-1"}
    chosen = send(acme, "PATCH", {"name": " Acme  Group ", "colour": GOOD}, **{"If-Match": '"r-1"'})
    assert (chosen.status_code, chosen["ETag"]) == (200, '"r-2"')
    assert (chosen.json()["name"], chosen.json()["colourInDark"]) == ("Acme Group", colours.for_dark(GOOD))
    assert send(acme, "PATCH", {"colour": GOOD})["ETag"] == '"r-2"'  # nothing moved
    assert send(acme, "PATCH", {"colour": ""}, **{"If-Match": '"r-1"'}).status_code == 412
    assert send(acme, "PATCH", {"name": "", "colour": ""}).json()["name"] == ""
    assert told(acme) == [
        ({"name": "", "colour": ""}, {"name": "Acme Group", "colour": GOOD, "revision": "r-2"}),
        ({"name": "Acme Group", "colour": GOOD}, {"name": "", "colour": "", "revision": "r-3"}),
    ]


def test_a_colour_that_cannot_be_read_is_refused_with_the_nearest(acme: Party) -> None:
    refused = send(acme, "PATCH", {"colour": PALE, "name": "a\u202eb"})
    assert (refused.status_code, refused.json()["code"]) == (400, "branding_refused")
    assert [each["pointer"] for each in refused.json()["errors"]] == ["/name", "/colour"]
    assert send(acme, "PATCH", {"colour": refused.json()["nearest"]}).status_code == 200
    for colour in ("red", "#FFF", "#12345", "#1234567", "url(x)", "#0b5394;"):
        assert send(acme, "PATCH", {"colour": colour}).status_code == 400, colour
    for body in ({"onSignIn": "yes"}, {"onSignIn": 1}, {"color": GOOD}, [], {"name": "x" * 61}, {"name": 7}):
        assert send(acme, "PATCH", body).status_code == 400, body


@pytest.mark.parametrize(
    "name",
    [
        "a\u200bb",
        "a\u2066b",
        "a\u00adb",
        "a\tb",
        "a\u2028b",
        "\U000e0041a",
        "...",
        "IAM portal",
        "The ＩＡＭ Portal",
        "z\u0300\u0301\u0302",
    ],
)
def test_a_name_that_deceives_is_refused(name: str) -> None:
    assert branding.objections(name)


@pytest.mark.parametrize(
    "name", ["Acme", "Müller & Söhne", "شركة النقل", "株式会社", "Acme 🚚", "e\u0301cole"]
)
def test_names_of_the_world_are_taken(name: str) -> None:
    assert branding.objections(name) == ""


def test_a_logo_comes_and_goes(acme: Party) -> None:
    kept = put(acme, png())
    logo = kept.json()["logo"]
    assert (kept.status_code, logo["kind"], logo["width"], logo["height"]) == (200, "png", 32, 24)
    assert put(acme, png(behind=b"more"))["ETag"] == kept["ETag"]  # the same picture
    assert put(acme, jpeg()).json()["logo"]["kind"] == "jpeg"
    assert acme.client.delete(door(acme, "/logo")).status_code == 204
    assert acme.client.delete(door(acme, "/logo")).status_code == 204
    with tenant_scope(acme.tenant.id):
        assert Branding.objects.get().logo is None
    assert [sorted(after) for _before, after in told(acme)] == [["logo", "revision"]] * 3


def test_what_is_no_logo_is_refused(acme: Party) -> None:
    refused = put(acme, b"<svg/>")
    assert (refused.status_code, refused.json()["code"]) == (400, "logo_refused")
    assert refused.json()["errors"][0]["code"] == "picture_kind"
    for body in ({"picture": "%%%"}, {"picture": "é"}, {}, {"picture": ["x"]}, {"picture": "A" * 100_000}):
        assert send(acme, "PUT", body, "/logo").status_code == 400, str(body)[:40]
    assert told(acme) == []


# --- what strangers see --------------------------------------------------------------------------------


def test_without_its_word_the_gate_looks_as_for_nobody(acme: Party) -> None:
    send(acme, "PATCH", {"name": "Acme Group", "colour": GOOD})
    url = put(acme, png()).json()["logo"]["url"]
    url = url[url.index("/t/") :]
    assert gate() == gate("nowhere").replace("nowhere", "acme")
    assert Client().get(url).status_code == 404
    assert Client().get(url.replace("acme", "nowhere")).status_code == 404
    own = acme.client.get(url)
    assert (own.status_code, own["Cache-Control"][:8]) == (200, "private,")


def test_with_its_word_it_is_seen_beside_the_registered_name(acme: Party) -> None:
    send(acme, "PATCH", {"name": "Beta", "colour": GOOD, "onSignIn": True})
    url = put(acme, png()).json()["logo"]["url"]
    url = url[url.index("/t/") :]
    page = gate()
    for shown in (">Beta<", "<strong>Acme</strong>", "<code>acme</code>", url, "/brand/0b5394.css"):
        assert shown in page
    picture = Client().get(url)
    assert picture["Content-Type"] == "image/png"
    assert picture["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert picture["X-Content-Type-Options"] == "nosniff"
    assert picture["Cache-Control"] == "public, max-age=31536000, immutable"
    assert "Expires" not in picture
    assert Client().get(url.replace(".png", ".jpeg")).status_code == 404
    put(acme, jpeg())
    assert Client().get(url).status_code == 404  # the old one is gone
    assert Client().post(url).status_code in (403, 405)


def test_the_stylesheet_is_of_a_colour_and_of_nobody(acme: Party) -> None:
    sheet = Client().get("/brand/0b5394.css")
    assert (sheet.status_code, sheet["Content-Type"]) == (200, "text/css; charset=utf-8")
    assert "immutable" in sheet["Cache-Control"]
    for other in ("ffcc00", "0B5394", "0b539", "red", "0b5394-x"):
        assert Client().get(f"/brand/{other}.css").status_code == 404


def test_the_console_and_mails_have_the_name(acme: Party) -> None:
    send(acme, "PATCH", {"name": "Acme Group", "colour": GOOD})
    page = acme.get("settings").content.decode()
    assert re.search(r'title="Acme"[^>]*>Acme Group</a>', page)
    assert "/brand/0b5394.css" in page
    with tenant_scope(acme.tenant.id):
        assert named(acme.tenant) == "Acme Group (Acme)"


# --- the page ------------------------------------------------------------------------------------------


def fill(organization: Party, **given: str) -> Any:
    form = organization.get("settings/branding").context["form"]
    return organization.post("settings/branding", **{"revision": form["revision"].value(), **given})


def test_a_preview_changes_nothing(acme: Party) -> None:
    seen = fill(acme, name="Acme Group", colour="0B5394", go="preview")
    assert [look["colour"] for look in seen.context["after"]] == [GOOD, colours.for_dark(GOOD)]
    assert [look["name"] for look in seen.context["before"]] == ["Acme", "Acme"]
    assert told(acme) == []


def test_the_nearest_colour_is_one_click_away(acme: Party) -> None:
    refused = fill(acme, name="Acme Group", colour="#fc0")
    nearest = colours.nearest(PALE)
    assert refused.context["nearest"] == nearest
    assert f'name="colour" value="{nearest}"' in refused.content.decode()
    assert told(acme) == []
    done = fill(acme, name="Acme Group", colour=nearest)
    assert done["Location"] == acme.url("settings")
    assert nearest in acme.get("settings").content.decode()


def test_a_logo_by_the_page(acme: Party) -> None:
    form = acme.get("settings/branding/logo").context["form"]
    given: dict[str, Any] = {"revision": form["revision"].value()}
    page = acme.post("settings/branding/logo", **given, picture=SimpleUploadedFile("x.png", b"no picture"))
    assert "neither PNG nor JPEG" in page.content.decode()
    assert acme.post("settings/branding/logo", **given).status_code == 200
    done = acme.post("settings/branding/logo", **given, picture=SimpleUploadedFile("x.txt", png()))
    assert done["Location"] == acme.url("settings/branding")
    stale = acme.post("settings/branding/logo", **given, picture=SimpleUploadedFile("x.png", jpeg()))
    assert "changed meanwhile" in stale.content.decode()
    asked = acme.get("settings/branding/logo/remove")
    acme.post("settings/branding/logo/remove", revision=asked.context["confirm"]["revision"])
    assert len(told(acme)) == 2


def test_who_may_only_read_sees_why_nothing_changes(acme: Party) -> None:
    reader = person(acme, "kim", "access-configuration-reader")
    page = reader.get(acme.url("settings")).content.decode()
    assert "Configuration:modify" in page
    assert reader.post(acme.url("settings/branding"), {"name": "Mine"}).status_code == 403
