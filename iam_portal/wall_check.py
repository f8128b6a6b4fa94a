"""Whether the second wall really stands under this login: asked of the database, never of the settings."""

from django.db.backends.base.base import BaseDatabaseWrapper

from iam_portal import wall_seals

# By the catalogue alone, so that an empty database answers, too.
_LOGIN = """
SELECT r.rolsuper OR r.rolbypassrls,
    EXISTS (
        SELECT FROM pg_class c WHERE c.relnamespace = to_regnamespace('public') AND c.relkind IN ('r', 'p')
            AND split_part(c.relname, '_', 1) IN ('tenants', 'applications', 'accesscontrol')
            AND pg_has_role(r.oid, c.relowner, 'MEMBER')
    ),
    coalesce(pg_has_role(r.oid, x.oid, 'USAGE'), false),
    coalesce(pg_has_role(r.oid, x.oid, CASE
        WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END), false),
    to_regclass('public.tenants_user') IS NOT NULL
FROM pg_roles r LEFT JOIN pg_roles x ON x.rolname = 'iam_cross'
WHERE r.rolname = current_user
"""


def gaps(connection: BaseDatabaseWrapper) -> dict[str, str]:
    """What lets the login of this connection through the wall: code and sentence. Empty: it holds."""
    with connection.cursor() as cursor:
        cursor.execute(_LOGIN)
        unbound, owner, inherits, may_cross, there = cursor.fetchone()
        seen = there and not unbound and _seen_without_scope(connection)
        unknown = _knows(connection, wall_seals.of_check()) is False
    found = {
        "iam.E006": (unbound, "Row-level security does not bind the login: SUPERUSER or BYPASSRLS."),
        "iam.E007": (owner, "The login owns tables of the portal, or is a member of the role that does."),
        "iam.E008": (inherits, "The login holds what iam_cross may at all times: it sees every tenant."),
        "iam.E009": (not may_cross, "The login may not change to iam_cross: no decision can be made."),
        "iam.E010": (seen, "Without a tenant in scope, users are visible."),
        "iam.E015": (
            unknown,
            "The wall was sealed under another ring than this process has: it sees nobody's rows.",
        ),
    }
    return {code: text for code, (true, text) in found.items() if true}


def _seen_without_scope(connection: BaseDatabaseWrapper) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM tenants_user")
        return bool(cursor.fetchone()[0])


def loose(connection: BaseDatabaseWrapper) -> dict[str, str]:
    """What lets SQL that somebody planted do more than it must, and keeps no process from serving."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT has_database_privilege(current_user, current_database(), 'TEMPORARY')")
        (temporary,) = cursor.fetchone()
    found = {
        "iam.W031": (
            knows_newest(connection) is None,
            "The wall believes the tenant that any statement names.",
        ),
        "iam.W032": (temporary, "A planted table of a session could stand before those of the portal."),
    }
    return {code: text for code, (true, text) in found.items() if true}


def knows_newest(connection: BaseDatabaseWrapper) -> bool | None:
    """False: without the older keys of our ring it would believe us nothing; None: it is not sealed."""
    return _knows(connection, wall_seals.of_newest_check())


def _knows(connection: BaseDatabaseWrapper, seal: str) -> bool | None:
    """None where the wall is not sealed, or cannot be yet."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regprocedure('public.iam_wall_knows(text)') IS NOT NULL")
        if not cursor.fetchone()[0]:
            return None
        cursor.execute("SELECT iam_wall_knows(%s)", [seal])
        known: bool | None = cursor.fetchone()[0]
        return known
