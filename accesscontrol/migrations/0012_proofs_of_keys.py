"""Keys that codes and refresh tokens are bound to, and proofs of keys that were taken (RFC 9449)."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accesscontrol", "0011_found_by_role")]

    operations = [
        migrations.CreateModel(
            name="UsedProof",
            fields=[
                ("digest", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("expires_at", models.DateTimeField()),
            ],
            options={"indexes": [models.Index(fields=["expires_at"], name="usedproof_by_end")]},
        ),
        migrations.AddField(
            model_name="authorization",
            name="key_thumbprint",
            field=models.CharField(blank=True, db_default="", default="", max_length=43),
        ),
        migrations.AddField(
            model_name="authorizationcode",
            name="key_thumbprint",
            field=models.CharField(blank=True, db_default="", default="", max_length=43),
        ),
    ]
