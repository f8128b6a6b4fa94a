"""Counters of deliveries. No tenant is a label: numbers of one are not for another."""

from prometheus_client import Counter

DELIVERIES = Counter("iam_webhook_deliveries", "Attempts to deliver an event to a webhook.", ["outcome"])


def attempted(*, delivered: bool) -> None:
    """A request was made, or could not be."""
    DELIVERIES.labels("delivered" if delivered else "failed").inc()
