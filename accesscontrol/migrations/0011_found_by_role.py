"""Indexes for pages that ask who holds a role in one tenant, and what its roles hold of one application."""

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("accesscontrol", "0010_emptied_tables")]

    operations = [
        migrations.AddIndex(
            model_name="assignment",
            index=models.Index(fields=["tenant", "created_at", "id"], name="assignment_by_age"),
        ),
        migrations.AddIndex(
            model_name="assignment",
            index=models.Index(
                fields=["tenant", "application_role", "created_at", "id"],
                condition=Q(application_role__isnull=False),
                name="assignment_by_role",
            ),
        ),
        migrations.AddIndex(
            model_name="assignment",
            index=models.Index(
                fields=["tenant", "application_role", "tenant_role"],
                condition=Q(user__isnull=True),
                name="assignment_of_no_person",
            ),
        ),
        migrations.AddIndex(
            model_name="tenantrolepermission",
            index=models.Index(fields=["tenant", "resource"], name="tenantrolepermission_of"),
        ),
    ]
