from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import Case, F, When
from django.db.models.functions import Collate, Lower

_CALLED = Case(When(display_name__gt="", then=F("display_name")), default=F("username"))


class Migration(migrations.Migration):
    atomic = False  # the indexes are made beside the work on the table

    dependencies = [
        ("tenants", "0017_partners_by_side"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="user",
            index=models.Index("tenant", Collate(Lower(_CALLED), "C"), "id", name="user_by_name"),
        ),
        AddIndexConcurrently(
            model_name="user",
            index=models.Index(fields=["tenant", "id"], name="user_by_id"),
        ),
    ]
