"""By which identity provider an offline sign-in began: it ends with that provider's word."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    atomic = False  # the index is made beside the work on the table

    dependencies = [("accesscontrol", "0014_logout_notices")]

    operations = [
        migrations.AddField(
            model_name="authorization",
            name="by_provider",
            field=models.UUIDField(blank=True, null=True),
        ),
        # One word more that an ended sign-in may say: the database knows none of them.
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterField(
                    model_name="authorization",
                    name="ended_because",
                    field=models.CharField(
                        blank=True,
                        choices=[
                            ("revoked", "revoked by the client"),
                            ("withdrawn", "withdrawn by the person"),
                            ("reused", "a code or a refresh token was used twice"),
                            ("deactivated", "the person was deactivated"),
                            ("password", "the password was set anew"),
                            ("provider", "the identity provider it began by vouches for the person no more"),
                        ],
                        max_length=12,
                    ),
                ),
            ],
        ),
        AddIndexConcurrently(
            model_name="authorization",
            index=models.Index(
                fields=["tenant", "by_provider"],
                condition=Q(by_provider__isnull=False, ended_at=None),
                name="authorization_by_provider",
            ),
        ),
    ]
