"""What one brings from a provider is one's own alone; what began by one before that was kept ends, too."""

import pytest

from accesscontrol.models import Authorization
from iam_portal.walls import tenant_scope
from tests.accesscontrol.oauth.people import arrive
from tests.accesscontrol.oauth.test_own_identities import OWN, links, offline, unlinked
from tests.accesscontrol.oauth.there import There, anna, host, there
from tests.support.factories import make_user

__all__ = ["host", "there"]


@pytest.mark.parametrize("makes_people", [True, False])
def test_what_somebody_brought_is_nothing_of_whoever_sits_there_next(
    there: There, makes_people: bool
) -> None:
    there.changes(makes_people=makes_people)
    there.local(anna(there))
    asked = there.asked_by(there.browser.get(f"{OWN}/corp/add"))
    assert there.comes_back(asked["state"])["Location"] == f"{OWN}/link"
    there.browser.post("/t/globex/sign-out")
    new = {"username": "somebody", "display_name": "Somebody"}
    there.browser.post("/t/globex/sign-in/arrival", new)
    there.local(make_user(there.tenant, "berta", at=there.at))
    assert "anna@corp.example" not in there.browser.get(f"{OWN}/link").content.decode()
    there.browser.post(f"{OWN}/link")
    assert links(there) == set()


def test_what_is_older_than_the_knowledge_ends_with_each(there: There) -> None:
    jane = arrive(there.world)
    there.links(jane.user)
    there.signs_in()
    jane.browser.cookies = there.browser.cookies
    token = offline(jane)["refresh_token"]
    with tenant_scope(there.tenant.id):
        rows = Authorization.objects.filter(user=jane.user).exclude(by_provider=None)
        assert rows.update(by_provider=None) == 1
    unlinked(there, jane.user)
    assert jane.refresh(token).json()["error"] == "invalid_grant"
