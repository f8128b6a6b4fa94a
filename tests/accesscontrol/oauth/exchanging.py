"""Jane calls Acme's meter, which calls Acme's billing for her: what the meter's client sends, and gets."""

from typing import Any

from tests.accesscontrol.oauth.conftest import World
from tests.accesscontrol.oauth.people import METER, Person, arrive, give

BILLING, ARCHIVE, READER = "acme.billing", "acme.archive", "globex.reader"
GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS = "urn:ietf:params:oauth:token-type:access_token"


def arrange(world: World) -> Person:
    """Jane may view both; the meter may view and change billing, and exchanges what it was called with."""
    jane = arrive(world)
    for name in (BILLING, ARCHIVE):
        world.application(world.acme, name.partition(".")[2])
        world.share(world.acme, world.globex, (name, "viewer"), (name, "editor"))
    give(world, jane.user, "viewer", BILLING)
    world.assign(world.globex, METER, BILLING, "viewer")
    world.assign(world.globex, METER, BILLING, "editor")
    world.set_client(METER, token_exchange=True)
    jane.sign_in()
    return jane


def exchange(
    world: World, token: str, scope: str | None = f"aud:{BILLING} openid", by: str = METER, **form: Any
) -> Any:
    """The reply to the client; an argument of None leaves the parameter out."""
    sent = {"grant_type": GRANT, "subject_token": token, "subject_token_type": ACCESS, "scope": scope, **form}
    sent = {name: value for name, value in sent.items() if value is not None}
    return world.post(f"/iam/auth/realms/{world.globex.id}/protocol/openid-connect/token", by, sent)


def exchanged(world: World, token: str, scope: str = f"aud:{BILLING} openid", by: str = METER) -> str:
    reply = exchange(world, token, scope, by)
    assert reply.status_code == 200, reply.content
    value: str = reply.json()["access_token"]
    return value


def active(world: World, token: str, asker: str = BILLING) -> dict[str, Any]:
    """What introspection says to the target."""
    found: dict[str, Any] = world.introspect(asker, world.globex, token).json()
    return found
