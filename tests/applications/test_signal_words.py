"""A stream of signals is said to people without the names that programs use."""

import pytest
from pytest_django.fixtures import Settings

from accesscontrol.oauth.signals import kinds
from applications.models import Webhook
from applications.views import _signal_words

BASE = "https://portal.example"


@pytest.fixture(autouse=True)
def base(settings: Settings) -> None:
    settings.PORTAL_BASE_URL = BASE


def test_each_kind_has_a_word() -> None:
    types = list(kinds.types_of(kinds.SUPPORTED))
    for name in types:
        assert "iam." not in _signal_words.told(Webhook(form=Webhook.Form.SIGNALS, types=[name])), name
    stream = Webhook(form=Webhook.Form.SIGNALS, types=types)
    assert _signal_words.told(stream) == "sign-outs, passwords and second factors, roles, accounts"


def test_a_webhook_of_events_names_its_types() -> None:
    assert _signal_words.told(Webhook(types=["iam.contract.*", "iam.role.changed.v1"])) == (
        "iam.contract.*, iam.role.changed.v1"
    )


def test_one_that_is_fetched_has_no_address() -> None:
    fetched = Webhook(form=Webhook.Form.SIGNALS, url=f"{BASE}/iam/poll")
    assert _signal_words.receiver(fetched)["text"] == "none: the application fetches them"
    pushed = Webhook(form=Webhook.Form.SIGNALS, url=f"{BASE}.evil.example/secret-path")
    assert _signal_words.receiver(pushed)["code"] == f"{BASE}.evil.example"
    assert _signal_words.receiver(Webhook(url=f"{BASE}/own?x=1"))["code"] == f"{BASE}/own?x=1"
