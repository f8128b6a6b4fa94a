"""Indexes for pages that ask who holds a role in one tenant, and what its roles hold of one application."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    atomic = False  # the indexes are made beside the work on the tables

    dependencies = [("accesscontrol", "0010_emptied_tables")]

    operations = [
        AddIndexConcurrently(
            model_name="assignment",
            index=models.Index(fields=["tenant", "created_at", "id"], name="assignment_by_age"),
        ),
        AddIndexConcurrently(
            model_name="assignment",
            index=models.Index(
                fields=["tenant", "application_role", "created_at", "id"],
                condition=Q(application_role__isnull=False),
                name="assignment_by_role",
            ),
        ),
        AddIndexConcurrently(
            model_name="assignment",
            index=models.Index(
                fields=["tenant", "application_role", "tenant_role"],
                condition=Q(user__isnull=True),
                name="assignment_of_no_person",
            ),
        ),
        AddIndexConcurrently(
            model_name="tenantrolepermission",
            index=models.Index(fields=["tenant", "resource"], name="tenantrolepermission_of"),
        ),
    ]
