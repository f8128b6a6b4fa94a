"""An index for the groups of a person: the one that keeps memberships apart has people in second place."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tenants", "0013_sealed_wall")]

    operations = [
        migrations.AddIndex(
            model_name="membership",
            index=models.Index(fields=["tenant", "user"], name="membership_by_user"),
        ),
    ]
