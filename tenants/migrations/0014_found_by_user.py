"""An index for the groups of a person.

The index that keeps memberships apart has people in second place: by it, all memberships are read for one.
"""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # the indexes are made beside the work on the tables

    dependencies = [("tenants", "0013_sealed_wall")]

    operations = [
        AddIndexConcurrently(
            model_name="membership",
            index=models.Index(fields=["tenant", "user"], name="membership_by_user"),
        ),
    ]
