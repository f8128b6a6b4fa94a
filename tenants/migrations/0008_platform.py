import uuid
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tenants", "0007_sign_in_front"),
    ]

    operations = [
        migrations.CreateModel(
            name="EventService",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("started_at", models.DateTimeField()),
                ("seen_at", models.DateTimeField()),
                ("waiting", models.PositiveIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name="JobState",
            fields=[
                ("task", models.CharField(max_length=80, primary_key=True, serialize=False)),
                ("started_at", models.DateTimeField()),
                ("finished_at", models.DateTimeField()),
                ("milliseconds", models.PositiveIntegerField()),
                ("failures", models.PositiveIntegerField(default=0)),
                ("failed_at", models.DateTimeField(blank=True, null=True)),
                ("error", models.CharField(blank=True, max_length=80)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("failures", 0), ("failed_at__isnull", False), _connector="OR"),
                        name="jobstate_failure_has_moment",
                        violation_error_message="A job that failed did so at a moment.",
                    )
                ],
            },
        ),
    ]
