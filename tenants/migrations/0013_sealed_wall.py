"""The second wall believes what a process of the portal says, and nothing that only stands in a statement."""

from typing import Any

from django.db import migrations

from iam_portal import wall_seals
from iam_portal.wall_sql import NO_TEMPORARY_TABLES
from tenants.migrations._seal_sql import SEALS, SEALS_BACK, UNSEAL_ALL, seal_all


def seal(apps: Any, schema_editor: Any) -> None:
    """Repeatable: what was done of it stands, also when it was stopped halfway."""
    with schema_editor.connection.cursor() as cursor:
        if not _is_there(cursor):
            cursor.execute(SEALS)  # as a whole: one message to the server is one transaction
        cursor.execute(seal_all())


def unseal(apps: Any, schema_editor: Any) -> None:
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(UNSEAL_ALL)
        if _is_there(cursor):
            cursor.execute(SEALS_BACK)


def _is_there(cursor: Any) -> bool:
    cursor.execute("SELECT to_regclass('public.iam_wall') IS NOT NULL")
    found: bool = cursor.fetchone()[0]
    return found


def seal_if_new(apps: Any, schema_editor: Any) -> None:
    """Where no process of an older release can be running. Elsewhere `seal_wall` does it, when none is left."""
    if apps.get_model("tenants", "Tenant").objects.using(schema_editor.connection.alias).exists():
        return
    keys = wall_seals.keys()
    with schema_editor.connection.cursor() as cursor:
        added = "INSERT INTO iam_wall (key) VALUES (%s) ON CONFLICT DO NOTHING"
        cursor.executemany(added, [[key] for key in keys])
        cursor.execute(NO_TEMPORARY_TABLES)


class Migration(migrations.Migration):
    atomic = False  # see seal_all

    dependencies = [
        ("tenants", "0012_tallies"),
        ("applications", "0007_places_by_key"),
        ("accesscontrol", "0008_acl_marks"),
    ]

    operations = [
        migrations.RunPython(seal, unseal),
        migrations.RunPython(seal_if_new, migrations.RunPython.noop),
    ]
