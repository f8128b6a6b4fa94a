import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accesscontrol", "0008_acl_marks"),
        ("applications", "0008_newest_and_owned"),
        ("tenants", "0013_memberships_by_person"),
    ]

    operations = [
        migrations.AlterField(
            model_name="tenantrolepermission",
            name="tenant",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="tenants.tenant",
            ),
        ),
        migrations.AddIndex(
            model_name="tenantrolepermission",
            index=models.Index(fields=["tenant", "resource"], name="tenantrolepermission_named"),
        ),
    ]
