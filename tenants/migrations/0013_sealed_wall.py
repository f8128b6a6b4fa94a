"""The second wall believes what a process of the portal says, and nothing that only stands in a statement."""

from typing import Any

from django.db import migrations

from iam_portal import wall_seals
from tenants.migrations._seal_sql import SEAL_ALL, SEALS, SEALS_BACK, UNSEAL_ALL


def seal_if_new(apps: Any, schema_editor: Any) -> None:
    """Where no process of an older release can be running. Elsewhere `seal_wall` does it, when none is left."""
    if apps.get_model("tenants", "Tenant").objects.using(schema_editor.connection.alias).exists():
        return
    keys = wall_seals.keys()
    with schema_editor.connection.cursor() as cursor:
        cursor.executemany("INSERT INTO iam_wall (key) VALUES (%s)", [[key] for key in keys])


class Migration(migrations.Migration):
    atomic = False  # see SEAL_ALL

    dependencies = [
        ("tenants", "0012_tallies"),
        ("applications", "0007_places_by_key"),
        ("accesscontrol", "0008_acl_marks"),
    ]

    operations = [
        migrations.RunSQL(SEALS, SEALS_BACK),
        migrations.RunSQL(SEAL_ALL, UNSEAL_ALL),
        migrations.RunPython(seal_if_new, migrations.RunPython.noop),
    ]
