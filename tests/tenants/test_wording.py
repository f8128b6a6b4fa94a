"""The record in plain words."""

import re
from pathlib import Path

import pytest
from django.utils import translation

from tenants.lifetimes import Lifetime
from tenants.views import field_words, wording

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


@pytest.mark.parametrize(
    ("name", "given", "english", "german"),
    [
        (str(Lifetime.REFRESH_IDLE), 36_000, "10 hours", "10 Stunden"),
        ("state", "paused", "Paused", "Pausiert"),
        ("active", True, "yes", "ja"),
        ("parent", None, "", ""),
        ("contractTypes", ["provision", "access"], "provision, access", "Bereitstellung, Zugriff"),
        ("endsAt", "2027-03-03T14:00:00Z", "3 Mar 2027, 14:00 UTC", "3. März 2027, 14:00 UTC"),
        ("contractId", "0193b4a5-0000-4000-8000-00000000000a", "0193b4a5…", "0193b4a5…"),
        (
            "pauses",
            [{"from": "2027-03-03T14:00:00Z", "until": None}],
            "from 3 Mar 2027, 14:00 UTC",
            "ab 3. März 2027, 14:00 UTC",
        ),
        (
            "permissions",
            [["acme.x", "urn:x", "machines", "read"]],
            "acme.x urn:x/machines: read",
            "acme.x urn:x/machines: lesen",
        ),
        ("resources", [{"resourceId": "machines"}], "Resource: machines", "Ressource: machines"),
        ("comment", "<b>as typed</b>", "<b>as typed</b>", "<b>as typed</b>"),
        ("endsAt", {"before": None, "after": "soon"}, "before: ; after: soon", "vorher: ; nachher: soon"),
    ],
)
def test_a_value_of_the_record_in_words(name: str, given: object, english: str, german: str) -> None:
    found = {}
    for language in ("en", "de"):
        with translation.override(language):
            found[language] = field_words.value(name, given)
    assert found == {"en": english, "de": german}


@pytest.mark.parametrize(
    "given", ["2027-13-40T99:00:00Z", "", "null", 7, 1.5, [], {}, [[1], None], {"from": 1}]
)
def test_no_value_is_too_odd_to_be_shown(given: object) -> None:
    for name in ("endsAt", "pauses", "permissions", "state", "nobody knows it", Lifetime.PROOF):
        assert isinstance(field_words.value(name, given), str)


def test_a_field_without_words_is_seen() -> None:
    assert field_words.label("nobodyKnowsIt") == "nobodyKnowsIt"
