import django.contrib.postgres.fields.ranges
import django.db.models.deletion
import uuid
from django.conf import settings
from django.db import migrations, models

from iam_portal.wall_sql import wall


class Migration(migrations.Migration):
    dependencies = [
        ("tenants", "0014_found_by_user"),
    ]

    operations = [
        migrations.CreateModel(
            name="ScimToken",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("note", models.CharField(max_length=200)),
                (
                    "welcome",
                    models.CharField(
                        choices=[
                            ("invitation", "a link by mail that sets a password"),
                            ("none", "nothing: they sign in by an identity provider"),
                        ],
                        max_length=12,
                    ),
                ),
                ("digest", models.CharField(max_length=64, unique=True)),
                ("pepper", models.PositiveIntegerField()),
                ("hint", models.CharField(max_length=8)),
                ("during", django.contrib.postgres.fields.ranges.DateTimeRangeField()),
                ("last_used_at", models.DateTimeField(blank=True, null=True)),
                (
                    "made_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="scim_tokens",
                        to="tenants.tenant",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ExternalId",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("value", models.CharField(max_length=255)),
                (
                    "group",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="external",
                        to="tenants.group",
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="tenants.tenant"
                    ),
                ),
                (
                    "user",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="external",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("user", None), ("group", None), _connector="XOR"),
                        name="externalid_of_one",
                        violation_error_message="It names a person or a group.",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("group", None)),
                        fields=("tenant", "value"),
                        name="externalid_user_once",
                        violation_error_message="This externalId names somebody else.",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("user", None)),
                        fields=("tenant", "value"),
                        name="externalid_group_once",
                        violation_error_message="This externalId names another group.",
                    ),
                ],
            },
        ),
        wall("tenants_scimtoken"),
        wall("tenants_externalid"),
    ]
