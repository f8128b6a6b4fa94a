from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # the index is made beside the work on the table

    dependencies = [("tenants", "0018_users_in_order")]

    operations = [
        AddIndexConcurrently(
            model_name="useractivity",
            index=models.Index(fields=["tenant", "user"], name="useractivity_by_user"),
        ),
    ]
