from django.db import migrations

from accesscontrol.migrations._emptied_sql import EMPTIED, EMPTIED_BACK


class Migration(migrations.Migration):
    dependencies = [
        ("accesscontrol", "0008_acl_marks"),
    ]

    operations = [
        migrations.RunSQL(EMPTIED, EMPTIED_BACK),
    ]
