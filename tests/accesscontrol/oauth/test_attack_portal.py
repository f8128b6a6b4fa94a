"""What the portal itself lets nobody do by the token of a person, or by one that others could use."""

from typing import Any

import pytest

from accesscontrol.oauth import tokens
from accesscontrol.portal_roles import ROLE_KEYS
from applications.actions import clients
from applications.models import Application, Client
from applications.models.applications import PORTAL_ID
from applications.policies import IsPortal
from iam_portal.launchers import doors
from tests.accesscontrol.oauth.conftest import World, claims_of
from tests.accesscontrol.oauth.opening import READER, REST, give_portal, opened_by
from tests.accesscontrol.oauth.people import BACK_PUBLIC, FRONTEND, METER, Person, arrive, opened
from tests.support.factories import SYSTEM
from tests.support.knocking import Knocker, address_of


@pytest.fixture
def jane(shared: World, settings: Any) -> Person:
    settings.ROOT_URLCONF = "iam_portal.urls"
    person = arrive(shared)
    person.sign_in()
    for role in ROLE_KEYS:
        give_portal(shared.globex, role, principal_application_id=READER)
    return person


def test_a_token_that_is_for_the_portal_among_others_opens_nothing_of_it(jane: Person) -> None:
    """Whoever else it is for could use it here."""
    claims = claims_of(jane.world.token(READER, jane.world.globex, f"aud:{PORTAL_ID}"))
    for audience in ([PORTAL_ID, METER], [METER, PORTAL_ID], [PORTAL_ID], [PORTAL_ID, PORTAL_ID]):
        forged = tokens.sign({**claims, "aud": audience}, at=jane.world.clock.at)
        assert not opened_by(jane, forged, jane.world.globex) & {"rest", "own"}


def portal_client(world: World) -> str:
    """As if the installation's own application let people sign in. The actions refuse that: rows alone."""
    portal = Application.objects.get(id=PORTAL_ID)
    with pytest.raises(IsPortal):
        clients.add_public(
            tenant=portal.owner,
            application_id=PORTAL_ID,
            redirect_uris=[BACK_PUBLIC],
            web_origins=[],
            by=SYSTEM,
            at=world.clock.start,
        )
    made = Client.objects.get(client_id=FRONTEND)
    made.pk, made.application, made.client_id = None, portal, f"{PORTAL_ID}-frontend"
    made.save(force_insert=True)
    return str(made.client_id)


def test_no_right_of_the_portal_through_a_users_token(jane: Person) -> None:
    """Whatever Jane may do in the console, no application that she signs in to may do it: not even ours.

    Every REST door there is, with her token of Acme's meter and with one of the portal's own client.
    """
    world = jane.world
    for role in ROLE_KEYS:
        give_portal(world.globex, role, user_id=jane.user.pk)
    client_id = portal_client(world)
    reply = jane.exchange(jane.code(client_id, scope="openid profile email offline_access"), client_id).json()
    claims = opened(reply["access_token"])
    assert (claims["aud"], claims["sub"]) == (PORTAL_ID, str(jane.user.pk))
    assert claims["roles"]  # she holds them, and the token says so
    presented = [reply["access_token"], reply["id_token"], jane.tokens()["access_token"]]
    # And as a service token it would be nobody's: no account has her id.
    without = {name: value for name, value in claims.items() if name != "sid"}
    presented.append(tokens.sign(without, at=world.clock.at))
    rest = [door for door in doors.doors() if door.kind == "rest"]
    assert len(rest) > 50
    wrong = {}
    for place, door in enumerate(rest):
        bearer = presented[place % len(presented)]
        knocker = Knocker(headers={"Authorization": f"Bearer {bearer}"})
        status = knocker.knock(door.method, address_of(door, world.globex)).status_code
        if status != 401:
            wrong[f"{door.method} {door.address}"] = status
    assert wrong == {}
    for value in presented:
        headers = {"Authorization": f"Bearer {value}"}
        assert world.browser.get(REST.format(world.globex.id), headers=headers).status_code == 401
