import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from iam_portal.wall_sql import wall


class Migration(migrations.Migration):
    dependencies = [
        ("tenants", "0007_sign_in_front"),
    ]

    operations = [
        migrations.CreateModel(
            name="KeptInput",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("digest", models.CharField(max_length=64, unique=True)),
                ("sealed", models.TextField()),
                ("expires_at", models.DateTimeField()),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="tenants.tenant"
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["expires_at"], name="keptinput_by_end")],
            },
        ),
        wall("tenants_keptinput"),
    ]
