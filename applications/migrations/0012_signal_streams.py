import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

from iam_portal.wall_sql import wall


class Migration(migrations.Migration):
    dependencies = [
        ("applications", "0011_proof_of_key"),
        ("tenants", "0014_found_by_user"),
    ]

    operations = [
        migrations.AddField(
            model_name="webhook",
            name="form",
            field=models.CharField(
                choices=[("events", "events"), ("signals", "signals")],
                db_default="events",
                default="events",
                max_length=8,
            ),
        ),
        migrations.CreateModel(
            name="SignalStream",
            fields=[
                (
                    "webhook",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="stream",
                        serialize=False,
                        to="applications.webhook",
                    ),
                ),
                ("method", models.CharField(choices=[("push", "push"), ("poll", "poll")], max_length=4)),
                (
                    "requested",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=200), blank=True, default=list, size=None
                    ),
                ),
                (
                    "asked",
                    models.CharField(
                        choices=[("enabled", "enabled"), ("paused", "paused"), ("disabled", "disabled")],
                        default="enabled",
                        max_length=8,
                    ),
                ),
                ("verifying", models.CharField(blank=True, max_length=200)),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="tenants.tenant"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="SignalOffer",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("event_id", models.UUIDField()),
                ("event_type", models.CharField(max_length=80)),
                ("position", models.BigIntegerField()),
                ("offered_at", models.DateTimeField()),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="tenants.tenant"
                    ),
                ),
                (
                    "webhook",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="offers",
                        to="applications.webhook",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("webhook", "event_id"),
                        name="signaloffer_once",
                        violation_error_message="This token is handed out already.",
                    )
                ],
            },
        ),
        wall("applications_signalstream"),
        wall("applications_signaloffer"),
    ]
