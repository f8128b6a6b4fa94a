"""Traces of changes are the owner's: the web's roles read them, and leave one by what they change."""

from django.db import migrations

from accesscontrol.migrations._folding_sql import FOLDING, FOLDING_BACK


class Migration(migrations.Migration):
    dependencies = [
        ("accesscontrol", "0015_by_provider"),
        ("tenants", "0013_sealed_wall"),
    ]

    operations = [migrations.RunSQL(FOLDING, FOLDING_BACK)]
