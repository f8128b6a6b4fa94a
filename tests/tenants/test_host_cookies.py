"""The console's session behind https: a cookie that nobody but this host can have set."""

from pytest_django.fixtures import Settings

from tenants.http import cookie_name
from tests.applications.story import party


def test_no_neighbour_of_the_domain_sets_a_session(db: None, settings: Settings) -> None:
    """A cookie for the whole domain cannot have the name that is looked at."""
    acme = party("acme")
    planted = acme.client.cookies[cookie_name(acme.tenant.id)].value
    assert acme.get("account").status_code == 200
    settings.SESSION_COOKIE_SECURE = True
    name = cookie_name(acme.tenant.id)
    assert name == f"__Host-iam_session_{acme.tenant.id.hex}"
    assert acme.get("account").status_code == 302
    acme.client.cookies[name] = planted
    assert acme.get("account").status_code == 200
    acme.post("sign-out")
    assert (acme.client.cookies[name].value, acme.client.cookies[name]["secure"]) == ("", True)
