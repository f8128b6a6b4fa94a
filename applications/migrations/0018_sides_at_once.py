from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models

_DATES = ("starts_at", "answer_by", "created_at", "proposed_at", "answered_at")


class Migration(migrations.Migration):
    atomic = False  # the indexes are made beside the work on the table

    dependencies = [
        ("applications", "0017_found_by_key"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="contract",
            index=models.Index(
                fields=["provider", "state", "type", "ends_at", "id"],
                include=["consumer", *_DATES],
                name="contract_provided",
            ),
        ),
        AddIndexConcurrently(
            model_name="contract",
            index=models.Index(
                fields=["consumer", "state", "type", "ends_at", "id"],
                include=["provider", *_DATES],
                name="contract_received",
            ),
        ),
        AddIndexConcurrently(
            model_name="contract",
            index=models.Index(
                fields=["provider", "created_at", "id"],
                include=["consumer", "type"],
                name="contract_provided_newest",
            ),
        ),
        AddIndexConcurrently(
            model_name="contract",
            index=models.Index(
                fields=["consumer", "created_at", "id"],
                include=["provider", "type", "proposed_at"],
                name="contract_received_newest",
            ),
        ),
        AddIndexConcurrently(
            model_name="contract",
            index=models.Index(
                fields=["provider"], condition=models.Q(("note__gt", "")), name="contract_provided_noted"
            ),
        ),
        AddIndexConcurrently(
            model_name="contract",
            index=models.Index(
                fields=["consumer"], condition=models.Q(("note__gt", "")), name="contract_received_noted"
            ),
        ),
        RemoveIndexConcurrently(model_name="contract", name="contract_newest_provided"),
        RemoveIndexConcurrently(model_name="contract", name="contract_newest_received"),
        RemoveIndexConcurrently(model_name="contract", name="contract_by_provider"),
        RemoveIndexConcurrently(model_name="contract", name="contract_by_consumer"),
    ]
