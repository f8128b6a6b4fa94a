from django.db import migrations, models

from accesscontrol.migrations._acl_sql import MARKING, MARKING_BACK


class Migration(migrations.Migration):
    dependencies = [
        ("accesscontrol", "0007_fact_changes"),
        ("applications", "0007_places_by_key"),
        ("tenants", "0011_guessed_from"),
    ]

    operations = [
        migrations.RemoveField(model_name="aclrevision", name="digest"),
        migrations.RemoveField(model_name="aclentry", name="digest"),
        migrations.AddField(
            model_name="aclrevision",
            name="built_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="aclrevision",
            name="until",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="aclentry",
            name="body",
            field=models.TextField(default=""),
            preserve_default=False,
        ),
        migrations.CreateModel(
            name="AclMark",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("application_id", models.CharField(max_length=64)),
                ("tenant_id", models.UUIDField(blank=True, null=True)),
            ],
            options={
                "indexes": [models.Index(fields=["application_id"], name="aclmark_by_application")],
            },
        ),
        migrations.RunSQL(MARKING, MARKING_BACK),
    ]
