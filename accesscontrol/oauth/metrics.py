"""Counters of the token endpoint. No tenant is a label: numbers of one are not for another."""

from prometheus_client import Counter

TOKENS = Counter("iam_token_requests", "Answers of the token endpoint.", ["outcome", "reason"])


def issued() -> None:
    """A token was given."""
    TOKENS.labels(outcome="issued", reason="").inc()


def refused(reason: str) -> None:
    """A request was refused. ``reason`` is one of a fixed set of codes, never a caller's word."""
    TOKENS.labels(outcome="refused", reason=reason).inc()
