"""The record in plain words."""

import re
from pathlib import Path

import pytest
from django.utils import translation

from accesscontrol import reasons as say
from applications.actions import contracts
from applications.models import ContractState
from applications.models.applications import PORTAL_ID
from iam_portal.sentences import term
from iam_portal.translating import translated
from tenants.actions import partnerships
from tenants.lifetimes import Lifetime
from tenants.models import Partnership
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


@pytest.mark.parametrize(
    ("recorded", "german"),
    [
        (
            {
                "applicationId": PORTAL_ID,
                "applicationName": "IAM portal",
                "role": "access-manager",
                "roleName": "Access Manager",
            },
            "die Rolle Zugriff verwalten von IAM-Portal",
        ),
        (
            {"applicationId": "acme.x", "applicationName": "User", "role": "user", "roleName": "User"},
            "die Rolle User von User",
        ),
        ({"applicationId": PORTAL_ID, "role": "access-manager"}, "die Rolle access-manager von iam-portal"),
        ({"role": "user", "roleName": "User"}, "die Rolle User"),
    ],
)
def test_a_role_of_the_portal_is_told_in_the_readers_language(recorded: dict[str, str], german: str) -> None:
    with translation.override("de"):
        assert wording.tail("role.assigned", None, recorded) == german


def test_a_refusal_in_the_record_says_why_in_words() -> None:
    with translation.override("de"):
        assert field_words.value("reasons", ["contract_paused"]) == "der Vertrag ist pausiert"
        assert field_words.value("reasons", ["<b>odd</b>"]) == "<b>odd</b>"


def test_a_refusal_speaks_german_to_people_and_english_to_programs() -> None:
    text = say.permission_lacking("planner", "acme.x", "machines", "read").text
    assert text == "The role planner does not contain read on machines."
    with translation.override("de"):
        assert translated(text) == "Die Rolle planner enthält lesen auf machines nicht."
        assert translated(term("provision")) == "Bereitstellung"
        assert translated(term("nothing like it", "privilege")) == "nothing like it"


def test_every_state_has_a_sentence_for_who_came_too_late() -> None:
    assert set(contracts._STANDS) == set(ContractState)
    assert set(partnerships._STANDS) == set(Partnership.State)


def test_a_field_without_words_is_seen() -> None:
    assert field_words.label("nobodyKnowsIt") == "nobodyKnowsIt"
