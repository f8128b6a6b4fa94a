"""An index for the groups of a person.

The index that keeps memberships apart has people in second place: by it, all memberships are read for one.
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tenants", "0013_sealed_wall")]

    operations = [
        migrations.AddIndex(
            model_name="membership",
            index=models.Index(fields=["tenant", "user"], name="membership_by_user"),
        ),
    ]
