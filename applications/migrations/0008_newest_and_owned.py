from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("applications", "0007_places_by_key"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="contract",
            index=models.Index(fields=["provider", "created_at", "id"], name="contract_newest_provided"),
        ),
        migrations.AddIndex(
            model_name="contract",
            index=models.Index(fields=["consumer", "created_at", "id"], name="contract_newest_received"),
        ),
        migrations.AddIndex(
            model_name="resource",
            index=models.Index(fields=["application", "owner_tenant"], name="resource_by_owner"),
        ),
    ]
