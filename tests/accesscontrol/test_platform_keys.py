"""Keys at the hands of the platform's operator: states and numbers to see, turns to bring about."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.test import override_settings
from django.utils import timezone

from accesscontrol.actions import keys, rotation
from accesscontrol.installation import keyrings
from accesscontrol.models import SigningKey
from accesscontrol.models.keys import KeyState
from iam_portal import sealing
from tests.accesscontrol.operating import Installation, history, operator, shared, text, town
from tests.support.factories import SYSTEM

__all__ = ["shared", "town"]

LIST, ROTATE = "platform/keys", "platform/keys/rotate"
OTHER = "b3RoZXItb3RoZXItb3RoZXItb3RoZXItb3RoZXItMDA="


@pytest.fixture(autouse=True)
def fresh(town: Installation) -> Iterator[None]:
    """No set of keys that another test has left in this process."""
    keys.forget()
    yield
    keys.forget()


def signer(algorithm: str = "ES256") -> SigningKey:
    return SigningKey.objects.signing(timezone.now()).get(algorithm=algorithm)


def planned(algorithm: str = "ES256") -> SigningKey | None:
    return SigningKey.objects.planned(timezone.now()).filter(algorithm=algorithm).first()


def rotate(town: Installation, **given: Any) -> Any:
    return town.olga.post(ROTATE, **{"when": "usual", "algorithm": "ES256", **given})


def withdraw(kid: str) -> str:
    return f"{LIST}/{kid}/withdraw"


class TestLooking:
    """Which key is in which state; of secrets, how many."""

    def test_what_signs_stands_first_and_no_private_part_anywhere(self, town: Installation) -> None:
        shown = town.olga.get(LIST)
        rows = [row["cells"] for row in shown.context["table"]["rows"]]
        assert [(cells[0]["note"], cells[1]["word"]) for cells in rows] == [
            ("ES256", "Signs"),
            ("RS256", "Signs"),
        ]
        for row in SigningKey.objects.all():
            private = keys.unseal(row.private_sealed)
            assert row.private_sealed not in text(shown)
            assert not [
                part
                for part in private.values()
                if len(part) > 40 and part in text(shown) and part != row.kid
            ]

    def test_who_needs_which_pepper_and_which_key_of_the_ring(self, town: Installation) -> None:
        with override_settings(PORTAL_ENCRYPTION_KEYS=[OTHER, *settings.PORTAL_ENCRYPTION_KEYS]):
            shown = town.olga.get(LIST)
            assert [fact["text"] for fact in shown.context["ring"]] == [
                "seals 0 signing keys",
                "seals 2 signing keys",
            ]
        [pepper] = shown.context["peppers"]
        assert (pepper["label"], pepper["note"]) == ("Pepper 1", "the newest: digests new secrets")

    def test_what_cannot_be_read_is_said(self, town: Installation) -> None:
        with override_settings(PORTAL_ENCRYPTION_KEYS=[OTHER]):
            assert "cannot be read by this process" in text(town.olga.get(LIST))
            assert sealing.place_of(signer().private_sealed) is None
        assert "cannot be read" not in text(town.olga.get(LIST))


class TestRotating:
    """The page and the command go the same way."""

    def test_the_next_one_is_published_and_the_present_one_signs_on(self, town: Installation) -> None:
        before = signer()
        shown = town.olga.get(ROTATE)
        assert before.kid[:12] in text(shown)
        assert rotate(town).status_code == 302
        following = planned()
        assert following is not None and signer().kid == before.kid
        assert timedelta(hours=23) < following.active_from - timezone.now() <= timedelta(hours=24)
        assert signer().retired_at == following.active_from
        assert planned("RS256") is None
        assert history(town.platform)[-1] == "signing_key.planned"

    def test_sent_twice_and_by_two_there_is_one(self, town: Installation) -> None:
        oscar = operator("oscar", "organization-manager")
        rotate(town)
        oscar.post(ROTATE, when="usual", algorithm="ES256")
        assert SigningKey.objects.planned(timezone.now()).count() == 1
        assert history(town.platform).count("signing_key.planned") == 1

    def test_soonest_and_at_a_moment(self, town: Installation) -> None:
        rotate(town, when="soonest")
        first = planned()
        assert first is not None
        assert first.active_from - timezone.now() <= rotation.PUBLISHED_FOR
        at = timezone.now() + timedelta(days=3)
        rotate(town, when="moment", begins_at=f"{at:%Y-%m-%dT%H:%M}")
        moved = planned()
        assert moved is not None and moved.kid == first.kid
        assert abs(moved.active_from - at) < timedelta(minutes=1)

    @pytest.mark.parametrize("begins_at", ["", "2020-01-01T00:00", "9999-12-31T23:59", "soon", "\0"])
    def test_a_moment_that_cannot_be(self, town: Installation, begins_at: str) -> None:
        reply = rotate(town, when="moment", begins_at=begins_at)
        assert reply.status_code == 200 and reply.context["form"].errors
        assert planned() is None

    def test_other_kinds_are_none(self, town: Installation) -> None:
        assert "algorithm" in rotate(town, algorithm="HS256").context["form"].errors


class TestWithdrawing:
    """Of a key that others may have; what it breaks is said before."""

    def test_another_signs_at_once(self, town: Installation) -> None:
        before = signer()
        shown = town.olga.get(withdraw(before.kid))
        assert "A new key signs at once" in text(shown)
        assert town.olga.post(withdraw(before.kid), typed="wrong").status_code == 200
        assert signer().kid == before.kid
        assert town.olga.post(withdraw(before.kid), typed=before.kid[:8]).status_code == 302
        assert signer().kid != before.kid
        gone = SigningKey.objects.get(kid=before.kid)
        assert (gone.state(timezone.now()), gone.private_sealed) == (KeyState.WITHDRAWN, "")
        assert "signing_key.withdrawn" in history(town.platform)
        assert town.olga.get(withdraw(before.kid)).status_code == 404
        assert town.olga.post(withdraw(before.kid), typed=before.kid[:8]).status_code == 404

    def test_one_that_is_published_takes_its_place(self, town: Installation) -> None:
        [following] = rotation.plan(algorithms=["ES256"], by=SYSTEM, at=timezone.now())
        assert following.kid[:12] in text(town.olga.get(withdraw(signer().kid)))

    def test_an_unknown_one_is_not_found(self, town: Installation) -> None:
        for kid in ("unknown", "%00", "x" * 3000):
            assert town.olga.get(withdraw(kid)).status_code == 404


def test_nobody_else(town: Installation) -> None:
    kid = signer().kid
    rita = operator("rita", "organization-reader")
    for path in (LIST, ROTATE, withdraw(kid)):
        assert town.acme.get(path).status_code == 404, path
        assert rita.get(path).status_code == 403, path
    for path in (ROTATE, withdraw(kid)):
        assert town.acme.post(path, typed=kid[:8], when="soonest").status_code == 404
        assert rita.post(path, typed=kid[:8], when="soonest").status_code == 403
    assert (signer().kid, planned()) == (kid, None)


def test_the_turn_of_each_kind_is_foreseen(town: Installation) -> None:
    at = timezone.now()
    [first, second] = keyrings.turns(keyrings.signing_keys(at=at), at=at)
    assert (first.algorithm, second.algorithm) == ("ES256", "RS256")
    assert first.due_at == signer().active_from + settings.SIGNING_KEY_LIFE
    assert (first.planned_at, first.soonest_at) == (None, at + rotation.PUBLISHED_FOR)
