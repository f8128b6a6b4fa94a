import django.contrib.postgres.fields.ranges
import django.db.models.deletion
import django.db.models.functions.comparison
from django.db import migrations, models

SPAN = django.contrib.postgres.fields.ranges.DateTimeRangeField


class Migration(migrations.Migration):
    dependencies = [("applications", "0004_dynamic_resources")]

    operations = [
        migrations.AddField(
            model_name="applicationrole",
            name="supersedes",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="successors",
                to="applications.applicationrole",
            ),
        ),
        migrations.AddField(
            model_name="rolepermission",
            name="held_since",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="rolepermission",
            name="held",
            field=models.GeneratedField(
                db_persist=True,
                expression=models.Case(
                    models.When(during__isempty=True, then="during"),
                    default=models.Func(
                        django.db.models.functions.comparison.Coalesce(
                            "held_since",
                            models.Func("during", function="lower"),
                            output_field=models.DateTimeField(),
                        ),
                        models.Func("during", function="upper"),
                        models.Value("[)"),
                        function="tstzrange",
                        output_field=SPAN(),
                    ),
                    output_field=SPAN(),
                ),
                output_field=SPAN(),
            ),
        ),
    ]
