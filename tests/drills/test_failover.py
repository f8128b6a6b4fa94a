"""The machine of the database is lost: its replica takes over, under the same multi-host address."""

import psycopg
import pytest

from iam_portal.launchers.postgres import OWNER
from tests.drills.carrying_out import Drills
from tests.drills.load import Load

pytestmark = pytest.mark.drill


def test_failed_over(drills: Drills) -> None:
    """With synchronous replication no acknowledged commit is lost; without, the last ones may be."""
    portal = drills.portal
    with psycopg.connect(portal.primary.url(OWNER, "postgres"), autocommit=True) as owner:
        owner.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
        owner.execute("SELECT pg_reload_conf()")

    def blow(load: Load) -> None:
        portal.primary.crash()
        with psycopg.connect(portal.replica.url(OWNER, "postgres"), autocommit=True) as replica:
            replica.execute("ALTER SYSTEM SET synchronous_standby_names = ''")
            replica.execute("SELECT pg_reload_conf(), pg_promote()")

    drills.carry_out("PostgreSQL's machine lost, the replica promoted", blow)
