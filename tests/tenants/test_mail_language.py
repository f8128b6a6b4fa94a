"""Mail is written in the language of who receives it, whoever acts, and however his pages look."""

from typing import Any

import pytest
from django.core import mail
from django.utils import translation

from iam_portal.sentences import said
from tenants import emails
from tests.support.factories import NOW, make_tenant, make_user

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("language", "words"), [("de", "kam ein zweiter Faktor hinzu: Blau"), ("", "was added to"), ("en", "was")]
)
@pytest.mark.parametrize("acting", ["en", "de"])
def test_the_receivers_language_counts(
    language: str, words: str, acting: str, django_capture_on_commit_callbacks: Any
) -> None:
    user = make_user(make_tenant("acme"), "jane")
    user.language = language
    text = said("a second factor was added to your account: %(name)s.", {"name": "Blau"})
    with translation.override(acting), django_capture_on_commit_callbacks(execute=True):
        emails.tell(user=user, subject=said("A second factor was added"), text=text)
        emails.tell_password_changed(user=user, at=NOW)
    told, changed = mail.outbox
    assert words in told.body
    assert ("Ein zweiter Faktor kam hinzu" in told.subject) == (language == "de")
    assert ("wurde am" in changed.body) == (language == "de")
