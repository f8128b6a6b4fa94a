"""Who may read /metrics: no start with a token that is none."""

import secrets

from iam_portal.launchers import keys
from tests.architecture.test_settings import production, refusal, started


def test_no_start_with_a_token_of_metrics_that_can_be_guessed() -> None:
    """Nor with the word that stands for one in the samples."""
    long = secrets.token_urlsafe(32)
    for short in ("generate", long[:31], f"{long},{long[:31]}"):
        told = refusal(production(PORTAL_METRICS_TOKEN=short))
        assert "ImproperlyConfigured: PORTAL_METRICS_TOKEN is shorter than 32" in told
        assert short[:31] not in told.splitlines()[-1]
    asked = keys.filled({"PORTAL_METRICS_TOKEN": keys.GENERATE})
    assert [asked["PORTAL_METRICS_TOKEN"]] == started(production(**asked)).PORTAL_METRICS_TOKENS
