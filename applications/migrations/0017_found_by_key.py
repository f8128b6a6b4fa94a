from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # the indexes are made beside the work on the tables

    dependencies = [
        ("applications", "0016_logout_address"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="contractpause",
            index=models.Index(fields=["contract"], include=["during"], name="contractpause_of"),
        ),
        AddIndexConcurrently(
            model_name="availability",
            index=models.Index(
                fields=["application", "tenant"], include=["during"], name="availability_served"
            ),
        ),
        RemoveIndexConcurrently(model_name="availability", name="availability_by_application"),
    ]
