"""What a prober of the web is told: only what web itself needs makes it unready.

A broker, a worker or an event service that is away takes no web process out of service: pages, decisions and
tokens need none of them. How the jobs fare is said besides.
"""

from datetime import datetime, timedelta

from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from accesscontrol.actions import keys
from accesscontrol.installation import jobs
from iam_portal import wall_check

STILL = timedelta(minutes=2)  # nothing ran for so long: not even the jobs of a second


def missing(*, at: datetime) -> str:
    """The code of the first thing without which this process cannot serve, or an empty string."""
    try:
        executor = MigrationExecutor(connection)
        pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
        gaps = wall_check.gaps(connection)
    except Exception:  # whatever the driver raises, the answer to the prober is the same
        return "no_database"
    if pending:
        return "migrations_pending"
    if gaps:  # which ones, `check --database default` says: a prober is not told
        return "wall_open"
    return "no_signing_key" if keys.without_signer(at=at) else ""


def of_jobs(*, at: datetime) -> str:
    """``running``, ``late`` (one of them, or all), ``failing``, or ``none`` where none ever ran."""
    found = jobs.scheduled()
    last = jobs.latest(found)
    if last is None:
        return "none"
    states = {job.state(at) for job in found}
    if at - last > STILL or "late" in states:
        return "late"
    return "failing" if "failed" in states else "running"
