"""The state of the installation as metrics: jobs, queues, keys. Asked at most each ten seconds.

Any process may tell it, and several tell the same: alerts take the greatest.
"""

import math
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime

import structlog
from django.db import connection
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from accesscontrol.actions import keys
from accesscontrol.installation import jobs, queues
from applications.delivery import broadcasting
from iam_portal.walls import tenant_scope

log = structlog.get_logger("iam.metrics")

EVERY = 10.0


class Installation(Collector):
    """Where the database does not answer, that is all that is told."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._told: list[Metric] = []
        self._told_at = float("-inf")

    def describe(self) -> list[Metric]:
        """Nothing is asked when it is registered."""
        return []

    def collect(self) -> Iterator[Metric]:
        with self._lock:  # who comes meanwhile takes what the first was told
            if time.monotonic() - self._told_at >= EVERY:
                self._told, self._told_at = self._asked(self._clock()), time.monotonic()
            yield from self._told

    def _asked(self, at: datetime) -> list[Metric]:
        try:
            found = [*_jobs(at), *_queues(at), *_keys(at)]
        except Exception as fault:  # whatever the driver raises: the rest is told nevertheless
            log.warning("installation_not_read", error=type(fault).__name__)
            return [_one("iam_database_up", "Whether the database answered.", 0)]
        finally:
            if not connection.in_atomic_block:  # of a test
                connection.close()
        return [_one("iam_database_up", "Whether the database answered.", 1), *found]


def _jobs(at: datetime) -> Iterator[Metric]:
    since = GaugeMetricFamily("iam_job_age_seconds", "Since the last run of a job ended.", labels=["job"])
    late = GaugeMetricFamily("iam_job_late", "1 when a job should have run again.", labels=["job"])
    failures = GaugeMetricFamily("iam_job_failures", "How often in a row a job has failed.", labels=["job"])
    idle = "Since any job ran; infinite when none ever did."
    took = GaugeMetricFamily("iam_job_last_seconds", "How long its last run took.", labels=["job"])
    found = jobs.scheduled()
    for job in found:
        if job.finished_at is not None:
            since.add_metric([job.task], max(0.0, (at - job.finished_at).total_seconds()))
            took.add_metric([job.task], job.milliseconds / 1000)
        late.add_metric([job.task], int(job.is_late(at)))
        failures.add_metric([job.task], job.failures)
    last = jobs.latest(found)
    yield _one("iam_jobs_idle_seconds", idle, _age(last, at) if last else math.inf)
    yield from (since, late, failures, took)


def _queues(at: datetime) -> Iterator[Metric]:
    found = queues.queues(at=at)
    yield _one("iam_broker_up", "Whether the broker answered.", int(found.tasks is not None))
    yield _one("iam_broker_tasks", "Tasks that no worker has taken.", found.tasks or 0)
    yield _one("iam_outbox_events", "Events without a position.", found.outbox.count)
    yield _one("iam_outbox_lag_seconds", "Age of the oldest of them.", _age(found.outbox.since, at))
    hooks = found.webhooks
    states = GaugeMetricFamily("iam_webhooks", "Subscriptions, by how they fare.", labels=["state"])
    for state, count in (("failing", hooks.failing), ("behind", hooks.behind), ("stopped", hooks.stopped)):
        states.add_metric([state], count)
    states.add_metric(["all"], hooks.subscriptions)
    yield states
    oldest = _age(hooks.failing_since, at)
    yield _one("iam_webhook_failing_seconds", "Since when the one fails that fails longest.", oldest)
    yield _one("iam_webhook_asked", "Deliveries asked for by hand that wait.", hooks.asked.count)
    late = "Positions that the operator's exchange is behind."
    yield _one("iam_amqp_behind", late, broadcasting.behind())
    yield _one("iam_history_unchained", "Rows of history without a link of the chain.", found.chains.waiting)
    yield _one("iam_history_broken", "Organizations whose chain is broken.", found.chains.broken)
    checked = _age(found.chains.checked_since, at)
    yield _one("iam_history_check_age_seconds", "Since the chain was checked that waits longest.", checked)
    yield _one("iam_event_services", "Event services heard of in the last minute.", found.services)
    yield _one("iam_event_readers", "Who waits for events, at all of them.", found.listeners)


def _keys(at: datetime) -> Iterator[Metric]:
    with tenant_scope(""):
        missing = len(list(keys.without_signer(at=at)))
    yield _one("iam_signing_keys_missing", "Algorithms without a key to sign with.", missing)


def _age(since: datetime | None, at: datetime) -> float:
    return max(0.0, (at - since).total_seconds()) if since else 0.0


def _one(name: str, words: str, value: float) -> Metric:
    return GaugeMetricFamily(name, words, value=value)
