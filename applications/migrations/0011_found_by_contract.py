from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # the indexes are made beside the work on the tables

    dependencies = [
        ("applications", "0010_usage_batches"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="contractterm",
            index=models.Index(
                fields=["contract"], include=["role", "during", "confirmed_at"], name="contractterm_of"
            ),
        ),
        AddIndexConcurrently(
            model_name="contractgrant",
            index=models.Index(fields=["contract"], include=["role", "during"], name="contractgrant_of"),
        ),
    ]
