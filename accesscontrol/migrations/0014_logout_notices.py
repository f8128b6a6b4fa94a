"""What applications have yet to be told of people's sign-outs."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from iam_portal.wall_sql import wall


class Migration(migrations.Migration):
    dependencies = [
        ("accesscontrol", "0013_pushed_requests"),
        ("tenants", "0001_initial"),
        migrations.swappable_dependency(settings.OAUTH2_PROVIDER_APPLICATION_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="LogoutNotice",
            fields=[
                ("sid", models.UUIDField(primary_key=True, serialize=False)),
                ("user_id", models.UUIDField()),
                ("due_at", models.DateTimeField()),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                (
                    "client",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.OAUTH2_PROVIDER_APPLICATION_MODEL,
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="tenants.tenant"
                    ),
                ),
            ],
            options={"indexes": [models.Index(fields=["due_at"], name="logoutnotice_by_time")]},
        ),
        wall("accesscontrol_logoutnotice"),
    ]
