from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

_ASKED = ("state", "expires_at", "confirmed_at", "ended_at")


class Migration(migrations.Migration):
    atomic = False  # the indexes are made beside the work on the table

    dependencies = [
        ("tenants", "0016_identity_providers"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="partnership",
            index=models.Index(
                fields=["inviter", "invited_at", "id"],
                include=["invitee", *_ASKED],
                name="partnership_invited",
            ),
        ),
        AddIndexConcurrently(
            model_name="partnership",
            index=models.Index(
                fields=["invitee", "invited_at", "id"],
                include=["inviter", *_ASKED],
                name="partnership_joined",
            ),
        ),
        AddIndexConcurrently(
            model_name="partnership",
            index=models.Index(
                fields=["inviter"],
                condition=models.Q(("note__gt", ""), ("expected_slug__gt", ""), _connector="OR"),
                name="partnership_worded",
            ),
        ),
    ]
