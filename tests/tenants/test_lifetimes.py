"""How long things last: a tenant's choice, within what the installation allows."""

import json
from datetime import timedelta
from typing import Any

import pytest

from iam_portal.walls import tenant_scope
from tenants.lifetimes import Lifetime, lifetime
from tenants.models import HistoryEvent, Tenant
from tests.applications.story import Party, party, person

NAMES = [
    "accessTokenSeconds",
    "refreshIdleSeconds",
    "offlineIdleSeconds",
    "sessionIdleSeconds",
    "sessionSeconds",
    "proofSeconds",
]


@pytest.fixture
def acme(db: None) -> Party:
    return party("acme")


def door(organization: Party) -> str:
    return f"/iam/access-management/v1/tenants/{organization.tenant.id}/lifetimes"


def patch(organization: Party, body: Any, **headers: str) -> Any:
    return organization.client.patch(
        door(organization), json.dumps(body), content_type="application/json", headers=headers
    )


def told(organization: Party) -> list[tuple[Any, Any]]:
    with tenant_scope(organization.tenant.id):
        rows = HistoryEvent.objects.filter(action="tenant.lifetimes_changed").order_by("id")
        return [(row.before, row.after) for row in rows]


def test_read_choose_and_go_back(acme: Party) -> None:
    before = acme.client.get(door(acme))
    assert (before["ETag"], list(before.json())) == ('"r-1"', [*NAMES, "revision"])
    assert before.json()["refreshIdleSeconds"] == {
        "chosen": None,
        "inForce": 3600,
        "default": 3600,
        "least": 300,
        "most": 43_200,
    }
    chosen = patch(acme, {"refreshIdleSeconds": 600, "sessionSeconds": 900}, **{"If-Match": '"r-1"'})
    assert (chosen.status_code, chosen["ETag"]) == (200, '"r-2"')
    assert chosen.json() == acme.client.get(door(acme)).json()
    assert chosen.json()["refreshIdleSeconds"]["inForce"] == 600
    tenant = Tenant.objects.get(pk=acme.tenant.pk)
    assert lifetime(tenant, Lifetime.SESSION) == timedelta(minutes=15)
    assert patch(acme, {"refreshIdleSeconds": None}).json()["refreshIdleSeconds"]["inForce"] == 3600
    assert patch(acme, {"refreshIdleSeconds": None})["ETag"] == '"r-3"'  # nothing moved
    assert told(acme) == [
        (
            {"refresh_idle_seconds": None, "session_seconds": None},
            {"refresh_idle_seconds": 600, "session_seconds": 900, "revision": "r-2"},
        ),
        ({"refresh_idle_seconds": 600}, {"refresh_idle_seconds": None, "revision": "r-3"}),
    ]


def test_what_is_refused(acme: Party) -> None:
    for body in (
        {"accessTokenSeconds": 301},
        {"accessTokenSeconds": 29},
        {"sessionSeconds": 10**30},
        {"sessionSeconds": -1},
        {"sessionSeconds": "900"},
        {"sessionSeconds": 900.0},
        {"sessionSeconds": True},
        {"session_seconds": 900},
        [],
        "x",
    ):
        assert patch(acme, body).status_code == 400, body
    both = patch(acme, {"accessTokenSeconds": 301, "sessionSeconds": 1}).json()
    assert both["code"] == "lifetime_out_of_bounds"
    assert [each["pointer"] for each in both["errors"]] == ["/accessTokenSeconds", "/sessionSeconds"]
    assert both["errors"][0]["detail"] == "Choose from 30 to 300 seconds."
    assert patch(acme, {"sessionSeconds": 900}, **{"If-Match": '"r-9"'}).status_code == 412
    assert patch(acme, {"sessionSeconds": 900}, **{"If-Match": '"i-9"'}).status_code == 400
    assert told(acme) == []
    assert acme.client.get(door(acme))["ETag"] == '"r-1"'


def test_narrower_bounds_of_the_installation_win(acme: Party, settings: Any) -> None:
    patch(acme, {"sessionSeconds": 604_800})
    settings.LIFETIMES = {**settings.LIFETIMES, "session_seconds": (900, 900, 1_800)}
    shown = acme.client.get(door(acme)).json()["sessionSeconds"]
    assert (shown["chosen"], shown["inForce"]) == (604_800, 1_800)


def test_the_page(acme: Party) -> None:
    reader = person(acme, "kim", "access-configuration-reader")
    seen = reader.get(acme.url("settings")).content.decode()
    assert "5 minutes" in seen
    assert "default of the installation" in seen
    assert reader.get(acme.url("settings/life-times")).status_code == 403
    form = acme.get("settings/life-times").context["form"]
    given = {"revision": form["revision"].value(), "session_idle_seconds": "90"}
    refused = acme.post("settings/life-times", **given)
    assert "Choose from 300 to 43200 seconds." in refused.content.decode()
    assert 'value="90"' in refused.content.decode()
    for wrong in ("ten", "1e3", "9" * 30, "-300", "5 weeks", "٣ h"):
        page = acme.post("settings/life-times", **{**given, "session_idle_seconds": wrong})
        assert page.status_code == 200
    done = acme.post("settings/life-times", **{**given, "session_idle_seconds": "90 min"})
    assert done["Location"] == acme.url("settings")
    seen = acme.get("settings").content.decode()
    assert "90 minutes" in seen
    assert "chosen here" in seen
    stale = acme.post("settings/life-times", **{**given, "session_idle_seconds": "600"})
    assert "changed meanwhile" in stale.content.decode()
    assert len(told(acme)) == 1
