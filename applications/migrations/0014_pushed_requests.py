"""Whether a client leaves its requests beforehand (RFC 9126): it may, until somebody says that it must."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("applications", "0013_proof_of_key")]

    operations = [
        migrations.AddField(
            model_name="client",
            name="pushed_requests",
            field=models.CharField(
                choices=[("off", "off"), ("optional", "optional"), ("required", "required")],
                db_default="optional",
                default="optional",
                max_length=8,
            ),
        ),
    ]
