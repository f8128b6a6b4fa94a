"""Which clients may exchange tokens that they were called with (RFC 8693): none, until somebody says so."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("applications", "0011_found_by_contract")]

    operations = [
        migrations.AddField(
            model_name="client",
            name="token_exchange",
            field=models.BooleanField(db_default=False, default=False),
        ),
    ]
