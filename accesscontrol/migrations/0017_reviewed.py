"""Who holds the roles of one application, of thousands, without a look at their rows."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    atomic = False  # the index is made beside the work on the table

    dependencies = [("accesscontrol", "0016_folded_traces")]

    operations = [
        AddIndexConcurrently(
            model_name="assignment",
            index=models.Index(
                fields=["tenant", "application_role"],
                include=["user", "group", "contract", "during"],
                condition=Q(application_role__isnull=False, application__isnull=True),
                name="assignment_reviewed",
            ),
        ),
    ]
