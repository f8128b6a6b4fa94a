"""Acts on applications and their secrets through the pages."""

import pytest
from django.utils import timezone

from applications.models import Application, ClientSecret
from tests.applications.story import Party, share


@pytest.fixture
def planner(acme: Party) -> Application:
    return acme.applications["planner"]


def test_register_once(acme: Party):
    data = {"name": "yard", "display_name": "Yard", "description": "", "application_id": "acme.yard"}
    for _click in range(2):
        response = acme.post("register-application", **data)
        assert response.status_code == 302
        assert response["Location"] == "/t/acme/applications/acme.yard/credentials"
    other = acme.post(
        "register-application", **{**data, "description": "Another", "application_id": "acme.y2"}
    )
    assert other.status_code == 200
    assert "already" in str(other.context["form"].errors)
    wrong = acme.post("register-application", **{**data, "name": "z", "application_id": "beta.yard"})
    assert "begins with acme." in str(wrong.context["form"].errors)
    assert "beta.yard" in wrong.content.decode()


def test_edit_shows_what_others_changed(acme: Party, planner: Application):
    page = acme.get("applications/acme.fleet-planner/edit").context
    data = {"name": "fleet-planner", "display_name": "Fleet", "revision": page["revision"]}
    assert acme.post("applications/acme.fleet-planner/edit", **data).status_code == 302
    stale = acme.post("applications/acme.fleet-planner/edit", **{**data, "display_name": "Mine"})
    assert stale.status_code == 412
    found = {one.name: (one.now, one.mine) for one in stale.context["differences"]}
    assert found == {"display_name": ("Fleet", "Mine")}
    planner.refresh_from_db()
    assert planner.display_name == "Fleet"
    data |= {"display_name": "Mine", "revision": stale.context["revision"]}
    assert acme.post("applications/acme.fleet-planner/edit", **data).status_code == 302


def test_suspend_resume_retire(acme: Party, beta: Party, planner: Application):
    share(acme, beta, planner)
    path = "applications/acme.fleet-planner"
    names = acme.get(f"{path}/suspend").context["confirm"]["names"][0]["items"]
    assert [item["text"] for item in names] == ["Fleet Planner in Acme", "Fleet Planner in Beta"]
    assert acme.confirm(f"{path}/suspend", reason="Leak").status_code == 302
    assert acme.get(path).context["page"]["state"] == "suspended"
    assert beta.get(path).context["page"]["state"] == "suspended"
    assert acme.confirm(f"{path}/suspend").status_code == 200
    assert acme.confirm(f"{path}/resume").status_code == 302
    assert acme.get(path).context["page"]["state"] == "available"
    assert acme.confirm(f"{path}/retire", typed="something else").status_code == 200
    assert acme.confirm(f"{path}/retire", typed="fleet planner").status_code == 302
    assert acme.get(path).context["page"]["state"] == "retired"
    assert acme.get(f"{path}/suspend").status_code == 404


def test_suspending_confirms_what_was_shown(acme: Party, beta: Party, planner: Application):
    shown = acme.get("applications/acme.fleet-planner/suspend").context["form"]["shown"].value()
    share(acme, beta, planner)
    response = acme.post("applications/acme.fleet-planner/suspend", shown=shown)
    assert response.status_code == 200
    assert response.context["differs"]
    assert not planner.suspensions.exists()


def test_a_secret_is_shown_once(acme: Party, planner: Application):
    path = "applications/acme.fleet-planner"
    seen = acme.get(f"{path}/secrets/new").context["seen"]
    made = acme.post(f"{path}/secrets/new", note="Cluster", seen=seen)
    value = made.context["secret"]["value"]
    assert value in made.content.decode()
    assert f"/tenants/{acme.tenant.id}/openid-connect/token" in made.context["secret"]["command"]
    assert made["Cache-Control"] == "max-age=0, no-cache, no-store, must-revalidate, private"
    assert value not in acme.get(f"{path}/credentials").content.decode()
    again = acme.post(f"{path}/secrets/new", note="Cluster", seen=seen)
    assert "sent twice" in str(again.context["form"].errors)
    assert ClientSecret.objects.count() == 1
    secret = ClientSecret.objects.get()
    url = f"{path}/secrets/{secret.id}/revoke"
    assert acme.get(url).status_code == 200
    assert acme.post(url).status_code == 302
    assert acme.post(url).status_code == 302
    assert not ClientSecret.objects.at(timezone.now()).exists()
    assert acme.get(url).status_code == 404
