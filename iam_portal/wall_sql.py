"""SQL of the second wall, for migrations: the two database roles and a tenant's policy on a table."""

from typing import Any

from django.db import migrations

# What RunSQL takes in a list.
_Statement = str | tuple[str, dict[str, Any] | list[Any] | tuple[Any, ...] | None]

_CURRENT_TENANT = "(SELECT nullif(current_setting('iam.tenant', true), '')::uuid)"

# Tables of later migrations believe sealed settings only; those of earlier ones were made so by tenants 0013.
_SEAL = """
DO $$ BEGIN
    IF to_regprocedure('public.iam_seal_table(regclass)') IS NOT NULL THEN
        PERFORM public.iam_seal_table('{table}');
    END IF;
END $$
"""

# Roles belong to the whole server, so they may be there already (another database, an administrator).
ROLES = """
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'iam_web') THEN
        CREATE ROLE iam_web NOLOGIN NOINHERIT;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'iam_cross') THEN
        CREATE ROLE iam_cross NOLOGIN NOINHERIT;
    END IF;
    -- One that was there may inherit: then it would hold all that iam_cross may, at all times.
    IF (SELECT rolinherit FROM pg_roles WHERE rolname = 'iam_web') THEN
        BEGIN
            ALTER ROLE iam_web NOINHERIT;
        EXCEPTION WHEN insufficient_privilege THEN
            RAISE WARNING 'iam_web inherits: let an administrator ALTER ROLE iam_web NOINHERIT';
        END;
    END IF;
    IF NOT pg_has_role('iam_web', 'iam_cross', 'MEMBER') OR pg_has_role('iam_web', 'iam_cross', 'USAGE') THEN
        BEGIN
            IF current_setting('server_version_num')::int >= 160000 THEN  -- there each grant says it
                EXECUTE 'GRANT iam_cross TO iam_web WITH INHERIT FALSE, SET TRUE';
            ELSE
                GRANT iam_cross TO iam_web;
            END IF;
        EXCEPTION WHEN insufficient_privilege THEN
            IF NOT pg_has_role('iam_web', 'iam_cross', 'MEMBER') THEN
                RAISE;
            END IF;
        END;
    END IF;
    IF pg_has_role('iam_web', 'iam_cross', 'USAGE') THEN  -- no process serves like this: /readyz refuses
        RAISE WARNING 'iam_web holds what iam_cross may: GRANT … WITH INHERIT FALSE, SET TRUE';
    END IF;
END $$;
GRANT USAGE ON SCHEMA public TO iam_web, iam_cross;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO iam_web, iam_cross;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO iam_web, iam_cross;
ALTER DEFAULT PRIVILEGES IN SCHEMA public
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO iam_web, iam_cross;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO iam_web, iam_cross;
-- Which migrations are applied is for the owner to say.
REVOKE INSERT, UPDATE, DELETE ON django_migrations FROM iam_web, iam_cross;
"""

# On a connection that is handed on, a table of the session would stand before one of the portal. Who does not
# own the database is told at least, as by `check --database default`.
NO_TEMPORARY_TABLES = """
DO $$
BEGIN
    EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC, iam_web, iam_cross', current_database());
EXCEPTION WHEN insufficient_privilege THEN
    RAISE WARNING 'not the owner of the database: REVOKE TEMPORARY ON DATABASE … FROM PUBLIC';
END $$;
"""


def roles() -> migrations.RunSQL:
    """Create the two roles where they are missing and let them work on present and future tables."""
    return migrations.RunSQL(ROLES, migrations.RunSQL.noop)


def wall(table: str, *, column: str = "tenant_id", shared_when_null: bool = False) -> migrations.RunSQL:
    """Forced row-level security: the tenant in ``iam.tenant`` sees its rows, ``iam_cross`` sees all.

    Both only with the seal of a process of the portal. The owner, as whom functions run, needs none.

    With ``shared_when_null`` a row without a tenant is everybody's to see and nobody's to write.
    """
    own = f"{column} = {_CURRENT_TENANT}"
    seen = f"({own} OR {column} IS NULL)" if shared_when_null else own
    forward: list[_Statement] = [
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
        f"CREATE POLICY tenant_rows ON {table} USING ({seen}) WITH CHECK ({own})",
        f"CREATE POLICY cross_rows ON {table} TO iam_cross USING (true) WITH CHECK (true)",
        _SEAL.format(table=table),
    ]
    backward: list[_Statement] = [
        f"DROP POLICY IF EXISTS owner_rows ON {table}",
        f"DROP POLICY cross_rows ON {table}",
        f"DROP POLICY tenant_rows ON {table}",
        f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY",
        f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY",
    ]
    return migrations.RunSQL(forward, backward)
