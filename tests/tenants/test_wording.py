"""The record in plain words."""

import re
from pathlib import Path

import pytest

from tenants.views import wording

ROOT = Path(__file__).parents[2]
ICONS = set(re.findall(r'id="([a-z-]+)"', (ROOT / "static/iam_portal/icons.svg").read_text()))


@pytest.mark.parametrize(
    ("action", "words", "alone"),
    [
        ("contract.paused", "paused the contract", "paused the contract"),
        ("contract.pause_planned", "planned a pause of the contract", "planned a pause"),
        ("contract.end_planned", "planned the end of the contract", "planned the end of the contract"),
        (
            "contract.lapsed",
            "closed the unanswered contract",
            "closed the offer: it was not accepted by its date",
        ),
        ("secret.added", "made a secret for", "added a secret"),
        ("role.planned", "planned to give", ""),
        ("grant.refused", "was not allowed to give rights to", ""),
    ],
)
def test_an_action_in_words(action: str, words: str, alone: str) -> None:
    assert (wording.phrase(action), wording.alone(action)) == (words, alone)


@pytest.mark.parametrize(
    "action", ["contract.paused", "contract.lapsed", "secret.revoked", "group.created", "x.y"]
)
def test_its_drawing_exists(action: str) -> None:
    assert wording.icon_of(action) in ICONS
