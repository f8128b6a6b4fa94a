import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Q

from iam_portal.wall_sql import wall


class Migration(migrations.Migration):
    dependencies = [
        ("tenants", "0008_platform"),
    ]

    operations = [
        migrations.CreateModel(
            name="Branding",
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
                ("name", models.CharField(blank=True, max_length=60)),
                ("colour", models.CharField(blank=True, max_length=7)),
                ("on_sign_in", models.BooleanField(default=False)),
                ("logo", models.BinaryField(blank=True, null=True)),
                (
                    "logo_kind",
                    models.CharField(blank=True, choices=[("png", "PNG"), ("jpeg", "JPEG")], max_length=4),
                ),
                ("logo_digest", models.CharField(blank=True, max_length=64)),
                ("logo_width", models.PositiveSmallIntegerField(blank=True, null=True)),
                ("logo_height", models.PositiveSmallIntegerField(blank=True, null=True)),
                ("revision", models.PositiveIntegerField(default=1)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=Q(colour="") | Q(colour__regex="^#[0-9a-f]{6}$"),
                        name="branding_colour_grammar",
                        violation_error_message="A colour is written like #1d4ed8.",
                    ),
                    models.CheckConstraint(
                        condition=Q(logo__isnull=True, logo_kind="", logo_digest="")
                        | Q(
                            logo__isnull=False,
                            logo_kind__in=["png", "jpeg"],
                            logo_digest__regex="^[0-9a-f]{64}$",
                        ),
                        name="branding_logo_whole",
                        violation_error_message="A logo has its kind and its hash.",
                    ),
                ],
            },
        ),
        wall("tenants_branding"),
    ]
