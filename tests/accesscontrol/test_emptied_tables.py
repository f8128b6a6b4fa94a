"""A table of facts that is emptied is noticed like any other change. By the owner: nobody else may do it."""

from psycopg import sql

from accesscontrol.migrations._changes_sql import TABLES
from accesscontrol.models.changes import LOST
from accesscontrol.oauth.short import versions
from tests.support.database import owner_connection

GROUND = versions.array([LOST, "a:whatever"]).decode()


def test_an_emptied_table_changes_every_version(django_db_setup: None) -> None:
    """Of each table, and of the traces themselves, without which a version could come again."""
    statement = versions.STATEMENT.format(own="0::bigint", keys="%s")
    with owner_connection() as owner, owner.transaction(force_rollback=True):
        owner.execute("SET LOCAL lock_timeout = '10s'")
        for table in (*TABLES, "accesscontrol_factchange"):
            with owner.transaction(force_rollback=True):
                owner.execute("DELETE FROM accesscontrol_factchange")
                assert owner.execute(statement, [GROUND]).fetchone() == (0, 0, 0)
                owner.execute(sql.SQL("TRUNCATE {} CASCADE").format(sql.Identifier(table)))
                after = owner.execute(statement, [GROUND]).fetchone()
                assert after is not None
                assert after[1] > 0, table
