"""What all processes count together, and how many links an organization had sent lately."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # the index is made beside the work on the table

    dependencies = [
        ("tenants", "0011_guessed_from"),
    ]

    operations = [
        migrations.CreateModel(
            name="Tally",
            fields=[
                ("slot", models.BigIntegerField(primary_key=True, serialize=False)),
                ("began_at", models.DateTimeField()),
                ("number", models.PositiveIntegerField()),
            ],
            options={
                "indexes": [models.Index(fields=["began_at"], name="tally_by_age")],
            },
        ),
        AddIndexConcurrently(
            model_name="userlink",
            index=models.Index(fields=["tenant", "created_at"], name="userlink_sent"),
        ),
    ]
