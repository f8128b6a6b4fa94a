"""From which network a refused proof came."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tenants", "0010_kept_input"),
    ]

    operations = [
        migrations.AddField(
            model_name="prooffailure",
            name="source_address",
            field=models.CharField(blank=True, max_length=64),
        ),
    ]
