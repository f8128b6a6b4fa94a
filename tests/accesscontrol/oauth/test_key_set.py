"""The key set and the metadata: public parts, for everybody, kept no longer than a token lives."""

from typing import Any

import pytest

from accesscontrol.actions import keys, rotation
from accesscontrol.models import SigningKey
from iam_portal.gate import Actor
from tests.accesscontrol.oauth.conftest import World

BY = Actor.system("Olga")
BOTH = ("ES256", "RS256")


def published(world: World, **headers: str) -> Any:
    path = f"/iam/auth/realms/{world.globex.id}/protocol/openid-connect/certs"
    return world.browser.get(path, headers=headers)


@pytest.mark.parametrize(
    "path",
    [
        "/iam/auth/realms/{}/protocol/openid-connect/certs",
        "/iam/auth/realms/{}/.well-known/openid-configuration",
    ],
)
def test_kept_for_five_minutes_and_asked_again_for_nothing(shared: World, path: str) -> None:
    address = path.format(shared.globex.id)
    full = shared.browser.get(address)
    assert full["Cache-Control"] == "public, max-age=300"
    assert full["Access-Control-Allow-Origin"] == "*"
    assert full["ETag"].startswith('"')  # strong
    assert not full.cookies
    same = shared.browser.get(address, headers={"If-None-Match": full["ETag"]})
    assert (same.status_code, same.content) == (304, b"")
    assert (same["ETag"], same["Cache-Control"]) == (full["ETag"], full["Cache-Control"])
    assert same["Access-Control-Allow-Origin"] == "*"
    assert shared.browser.get(address, headers={"If-None-Match": '"old"'}).content == full.content


def test_a_plan_changes_the_tag(shared: World) -> None:
    tag = published(shared)["ETag"]
    rotation.plan(algorithms=["ES256"], by=BY, at=shared.clock.at)
    assert published(shared, **{"If-None-Match": tag}).status_code == 200


def test_public_parts_only(shared: World) -> None:
    rotation.plan(algorithms=BOTH, by=BY, at=shared.clock.at)
    SigningKey.objects.filter(algorithm="ES256").update(public_jwk={**_leaked(), "note": "x"})
    keys._held.keys = {}
    keys.forget()
    found = published(shared).json()["keys"]
    assert sorted(key["alg"] for key in found) == ["ES256", "ES256", "RS256", "RS256"]
    for key in found:
        assert key["use"] == "sig"
        assert key["kid"]
        own = {"crv", "x", "y"} if key["kty"] == "EC" else {"n", "e"}
        assert set(key) == {"kty", "use", "alg", "kid"} | own
    keys._held.keys = {}


def _leaked() -> dict[str, Any]:
    """A private key where a public one belongs, as a mistake of ours would write it."""
    return keys.unseal(SigningKey.objects.filter(algorithm="ES256")[0].private_sealed)
