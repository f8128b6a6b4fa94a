"""What is asked of a client's proofs of a key (DPoP, RFC 9449): taken where they come, until somebody says else."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("applications", "0011_token_exchange")]

    operations = [
        migrations.AddField(
            model_name="client",
            name="dpop",
            field=models.CharField(
                choices=[("off", "off"), ("optional", "optional"), ("required", "required")],
                db_default="optional",
                default="optional",
                max_length=8,
            ),
        ),
    ]
