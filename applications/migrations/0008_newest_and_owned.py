from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # the indexes are made beside the work on the tables

    dependencies = [
        ("applications", "0007_places_by_key"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="contract",
            index=models.Index(fields=["provider", "created_at", "id"], name="contract_newest_provided"),
        ),
        AddIndexConcurrently(
            model_name="contract",
            index=models.Index(fields=["consumer", "created_at", "id"], name="contract_newest_received"),
        ),
        AddIndexConcurrently(
            model_name="resource",
            index=models.Index(fields=["application", "owner_tenant"], name="resource_by_owner"),
        ),
    ]
