import uuid

import django.db.models.deletion
from django.db import migrations, models

from iam_portal.wall_sql import wall
from tenants.migrations import _history_sql


class Migration(migrations.Migration):
    dependencies = [
        ("tenants", "0004_deleted_people"),
    ]

    operations = [
        migrations.AddField(  # of the state only: the table is made by SQL
            model_name="historyevent",
            name="reference",
            field=models.UUIDField(default=uuid.uuid4, editable=False),
        ),
        migrations.CreateModel(
            name="HistoryAnchor",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("month", models.DateField()),
                ("made_at", models.DateTimeField()),
                ("count", models.BigIntegerField()),
                ("spans", models.JSONField()),
                ("position", models.BigIntegerField()),
                ("digest", models.CharField(max_length=64)),
                ("links_digest", models.CharField(max_length=64)),
                ("seal", models.TextField()),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="tenants.tenant"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "position"),
                        name="historyanchor_position_once",
                        violation_error_message="The chain is anchored at this position already.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("count__gt", 0)),
                        name="historyanchor_of_rows",
                        violation_error_message="An anchor stands for rows that were dropped.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="HistoryCheck",
            fields=[
                (
                    "tenant",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="tenants.tenant",
                    ),
                ),
                ("checked_at", models.DateTimeField()),
                ("position", models.BigIntegerField()),
                ("digest", models.CharField(max_length=64)),
                ("why", models.CharField(blank=True, max_length=80)),
                ("broken_at", models.BigIntegerField(null=True)),
                ("seal", models.TextField()),
            ],
        ),
        migrations.RunSQL(_history_sql.ANCHORS, _history_sql.ANCHORS_BACK),
        wall("tenants_historyanchor"),
        wall("tenants_historycheck"),
    ]
