"""A stream of signals is said to people without the names that programs use."""

from accesscontrol.oauth.signals import kinds
from applications.models import Webhook
from applications.views import _signal_words


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
