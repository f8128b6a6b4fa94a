"""Identity providers of organizations, who is linked to them, and what their word moves."""

import django.contrib.postgres.fields
import django.db.models.deletion
import uuid
from django.conf import settings
from django.db import migrations, models

from iam_portal.wall_sql import wall


class Migration(migrations.Migration):
    dependencies = [
        ("tenants", "0015_provisioning"),
    ]

    operations = [
        migrations.CreateModel(
            name="IdentityProvider",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("key", models.CharField(max_length=40)),
                ("name", models.CharField(max_length=60)),
                ("issuer", models.CharField(max_length=500)),
                ("client_id", models.CharField(max_length=255)),
                ("secret_sealed", models.TextField()),
                (
                    "scopes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=100), default=list, size=None
                    ),
                ),
                ("enabled", models.BooleanField(default=False)),
                ("position", models.PositiveSmallIntegerField(default=0)),
                ("is_default", models.BooleanField(default=False)),
                ("makes_people", models.BooleanField(default=False)),
                ("trusts_email", models.BooleanField(default=False)),
                ("trusts_second_factor", models.BooleanField(default=False)),
                ("second_factor_acr", models.CharField(blank=True, max_length=200)),
                ("created_at", models.DateTimeField()),
                ("revision", models.PositiveIntegerField(default=1)),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="identity_providers",
                        to="tenants.tenant",
                    ),
                ),
            ],
            options={
                "ordering": ["position", "name", "id"],
            },
        ),
        migrations.CreateModel(
            name="IdentityMapper",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("group", "group"),
                            ("username", "user name"),
                            ("email", "e-mail address"),
                            ("display_name", "name"),
                        ],
                        max_length=12,
                    ),
                ),
                (
                    "when",
                    models.CharField(
                        choices=[("first", "at the first sign-in"), ("every", "at every sign-in")],
                        max_length=5,
                    ),
                ),
                ("claim", models.CharField(blank=True, max_length=200)),
                ("value", models.CharField(blank=True, max_length=500)),
                ("template", models.CharField(blank=True, max_length=200)),
                ("maker_kind", models.CharField(max_length=10)),
                ("maker_id", models.CharField(max_length=64)),
                ("created_at", models.DateTimeField()),
                ("revision", models.PositiveIntegerField(default=1)),
                (
                    "group",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="tenants.group",
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="tenants.tenant"
                    ),
                ),
                (
                    "provider",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="mappers",
                        to="tenants.identityprovider",
                    ),
                ),
            ],
            options={
                "ordering": ["created_at", "id"],
            },
        ),
        migrations.CreateModel(
            name="IdentityLink",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("subject", models.CharField(max_length=255)),
                ("created_at", models.DateTimeField()),
                ("last_used_at", models.DateTimeField(blank=True, null=True)),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="tenants.tenant"
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="identity_links",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "provider",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="links",
                        to="tenants.identityprovider",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="MappedMembership",
            fields=[
                (
                    "membership",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="mapped",
                        serialize=False,
                        to="tenants.membership",
                    ),
                ),
                (
                    "mapper",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="memberships",
                        to="tenants.identitymapper",
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="tenants.tenant"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ProviderArrival",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("digest", models.CharField(max_length=64, unique=True)),
                ("sealed", models.TextField()),
                ("created_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                (
                    "provider",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="tenants.identityprovider",
                    ),
                ),
                (
                    "step",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="arrival",
                        to="tenants.signinstep",
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="tenants.tenant"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ProviderSession",
            fields=[
                (
                    "session",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="by_provider",
                        serialize=False,
                        to="tenants.usersession",
                    ),
                ),
                ("leaving_sealed", models.TextField()),
                (
                    "provider",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="tenants.identityprovider",
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="tenants.tenant"
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="identityprovider",
            constraint=models.UniqueConstraint(
                fields=("tenant", "key"),
                name="identityprovider_key_once",
                violation_error_message="This key is taken in this organization.",
            ),
        ),
        migrations.AddConstraint(
            model_name="identityprovider",
            constraint=models.UniqueConstraint(
                condition=models.Q(("is_default", True)),
                fields=("tenant",),
                name="identityprovider_one_default",
                violation_error_message="Another provider is the default.",
            ),
        ),
        migrations.AddConstraint(
            model_name="identityprovider",
            constraint=models.CheckConstraint(
                condition=models.Q(("key__regex", "^[a-z0-9][a-z0-9-]*$")),
                name="identityprovider_key_grammar",
                violation_error_message="Use lower-case letters, digits and hyphens in a key.",
            ),
        ),
        migrations.AddConstraint(
            model_name="identitymapper",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("group__isnull", False),
                        ("kind", "group"),
                        ("template", ""),
                        models.Q(("claim", ""), _negated=True),
                        models.Q(("value", ""), _negated=True),
                    ),
                    models.Q(
                        models.Q(("kind", "group"), _negated=True),
                        ("claim", ""),
                        ("group__isnull", True),
                        ("value", ""),
                        models.Q(("template", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="identitymapper_whole",
                violation_error_message="A mapper names a group with claim and value, or a template.",
            ),
        ),
        migrations.AddConstraint(
            model_name="identitylink",
            constraint=models.UniqueConstraint(
                fields=("provider", "subject"),
                name="identitylink_subject_once",
                violation_error_message="This account of the provider belongs to somebody already.",
            ),
        ),
        migrations.AddConstraint(
            model_name="identitylink",
            constraint=models.UniqueConstraint(
                fields=("provider", "user"),
                name="identitylink_person_once",
                violation_error_message="This person has an account of the provider already.",
            ),
        ),
        migrations.AddIndex(
            model_name="providerarrival",
            index=models.Index(fields=["tenant", "expires_at"], name="providerarrival_by_end"),
        ),
        wall("tenants_identityprovider"),
        wall("tenants_identitylink"),
        wall("tenants_providerarrival"),
        wall("tenants_providersession"),
        wall("tenants_identitymapper"),
        wall("tenants_mappedmembership"),
    ]
