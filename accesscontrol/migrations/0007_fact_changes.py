"""Traces of every change that a token may rest on."""

from django.db import migrations, models

from accesscontrol.migrations._changes_sql import TRACES, TRACES_BACK


class Migration(migrations.Migration):
    dependencies = [
        ("accesscontrol", "0006_sign_in_methods"),
        ("applications", "0006_places"),
        ("tenants", "0011_guessed_from"),
    ]

    operations = [
        migrations.CreateModel(
            name="FactChange",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("key", models.BigIntegerField()),
                ("nonce", models.BigIntegerField()),
                ("until", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["key", "nonce"], name="factchange_by_key"),
                    models.Index(
                        condition=models.Q(("until__isnull", False)),
                        fields=["until"],
                        name="factchange_passing",
                    ),
                ],
            },
        ),
        migrations.RunSQL(TRACES, TRACES_BACK),
    ]
