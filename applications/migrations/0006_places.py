"""What contains a resource and what it offers has spans: questions about the past are told of the place of then."""

import django.contrib.postgres.constraints
import django.contrib.postgres.fields
import django.contrib.postgres.fields.ranges
import django.db.models.deletion
from django.db import migrations, models

from iam_portal.wall_sql import wall

PRIVILEGES = [(name, name) for name in ("read", "add", "modify", "delete", "execute")]
OFFERED = django.contrib.postgres.fields.ArrayField(models.CharField(choices=PRIVILEGES, max_length=10))

# Not forced for a moment: the owner's own rules would keep it from rows of tenants, and from those of nobody.
# Where a resource stood before today was not kept: it stands there since it was made, as answers had it.
PLACES = """
SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE applications_resource NO FORCE ROW LEVEL SECURITY;
INSERT INTO applications_resourceplace (resource_id, owner_tenant_id, parent_id, privileges, during)
SELECT id, owner_tenant_id, parent_id, privileges, during FROM applications_resource;
ALTER TABLE applications_resource FORCE ROW LEVEL SECURITY;
SET CONSTRAINTS ALL IMMEDIATE;
"""
PLACES_BACK = """
SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE applications_resource NO FORCE ROW LEVEL SECURITY;
UPDATE applications_resource r SET parent_id = p.parent_id, privileges = p.privileges
FROM applications_resourceplace p
WHERE p.resource_id = r.id AND NOT isempty(p.during) AND NOT EXISTS (
    SELECT FROM applications_resourceplace later
    WHERE later.resource_id = p.resource_id AND NOT isempty(later.during) AND later.during >> p.during);
ALTER TABLE applications_resource FORCE ROW LEVEL SECURITY;
SET CONSTRAINTS ALL IMMEDIATE;
"""

FORMER_PLACE_GOES = """
DROP TRIGGER resource_place_moved ON applications_resource;
DROP TRIGGER resource_place ON applications_resource;
DROP FUNCTION iam_refuse_resource_place();
"""
FORMER_PLACE = """
CREATE FUNCTION iam_refuse_resource_place() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    here uuid := NEW.parent_id;
    outside applications_resource%ROWTYPE;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(
        'resource-tree:' || NEW.application_id || ':' || coalesce(NEW.owner_tenant_id::text, ''), 0));
    SELECT * INTO outside FROM applications_resource WHERE id = here;
    IF outside.application_id IS DISTINCT FROM NEW.application_id
        OR (outside.owner_tenant_id IS NOT NULL
            AND outside.owner_tenant_id IS DISTINCT FROM NEW.owner_tenant_id)
    THEN
        RAISE EXCEPTION 'what contains a resource is of its application, static or of its tenant'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'resource_parent_fits';
    END IF;
    FOR level IN 1..64 LOOP
        IF here = NEW.id THEN
            RAISE EXCEPTION 'a resource cannot contain itself' USING ERRCODE = 'check_violation',
                CONSTRAINT = 'resource_no_loop';
        END IF;
        SELECT CASE WHEN upper(p.during) IS NULL AND NOT isempty(p.during) THEN p.parent_id END
        INTO here FROM applications_resource p WHERE p.id = here;
        EXIT WHEN here IS NULL;
    END LOOP;
    IF here IS NOT NULL THEN
        RAISE EXCEPTION 'too many resources contain each other' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'resource_depth';
    END IF;
    RETURN NEW;
END $$;
CREATE CONSTRAINT TRIGGER resource_place
    AFTER INSERT ON applications_resource
    FOR EACH ROW WHEN (NEW.parent_id IS NOT NULL) EXECUTE FUNCTION iam_refuse_resource_place();
CREATE CONSTRAINT TRIGGER resource_place_moved
    AFTER UPDATE OF parent_id, application_id, owner_tenant_id ON applications_resource
    FOR EACH ROW WHEN (
        NEW.parent_id IS NOT NULL
        AND (NEW.parent_id, NEW.application_id, NEW.owner_tenant_id)
            IS DISTINCT FROM (OLD.parent_id, OLD.application_id, OLD.owner_tenant_id)
    ) EXECUTE FUNCTION iam_refuse_resource_place();
"""

# A loop lies in the static ones of an application or in one tenant's own: one lock for each of these trees,
# so that two moves at once cannot close it together. A row that the writer may not see contains nothing of his.
# The way outwards passes every place that overlaps with the new one, so that no moment of it has a loop. It has
# an end: static ones and a tenant's own stand at most 20 levels deep each, and a walk without one for each row
# of a long chain would hold the application for minutes. Step by step and by the key: a recursive statement
# lets the planner read all places of the application at each step. One that only ends earlier is not asked about.
PLACE = """
CREATE FUNCTION iam_refuse_resource_place() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    inside applications_resource%ROWTYPE;
    outside applications_resource%ROWTYPE;
    here uuid[] := ARRAY[NEW.parent_id];
BEGIN
    SELECT * INTO inside FROM applications_resource WHERE id = NEW.resource_id;
    IF inside.owner_tenant_id IS DISTINCT FROM NEW.owner_tenant_id THEN
        RAISE EXCEPTION 'a place is of the tenant of its resource' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'resource_place_fits';
    END IF;
    IF NEW.parent_id IS NULL THEN
        RETURN NEW;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended(
        'resource-tree:' || inside.application_id || ':' || coalesce(NEW.owner_tenant_id::text, ''), 0));
    SELECT * INTO outside FROM applications_resource WHERE id = NEW.parent_id;
    IF outside.application_id IS DISTINCT FROM inside.application_id
        OR (outside.owner_tenant_id IS NOT NULL
            AND outside.owner_tenant_id IS DISTINCT FROM NEW.owner_tenant_id)
    THEN
        RAISE EXCEPTION 'what contains a resource is of its application, static or of its tenant'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'resource_parent_fits';
    END IF;
    FOR level IN 1..64 LOOP
        IF NEW.resource_id = ANY(here) THEN
            RAISE EXCEPTION 'a resource cannot contain itself' USING ERRCODE = 'check_violation',
                CONSTRAINT = 'resource_no_loop';
        END IF;
        SELECT array_agg(DISTINCT p.parent_id) FILTER (WHERE p.parent_id IS NOT NULL)
        INTO here FROM applications_resourceplace p
        WHERE p.resource_id = ANY(here)
            AND (p.during && NEW.during) IS TRUE;  -- no index knows this alone: it would read all places
        EXIT WHEN here IS NULL;
    END LOOP;
    IF here IS NOT NULL THEN
        RAISE EXCEPTION 'too many resources contain each other' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'resource_depth';
    END IF;
    RETURN NEW;
END $$;
CREATE CONSTRAINT TRIGGER resource_place
    AFTER INSERT ON applications_resourceplace
    FOR EACH ROW EXECUTE FUNCTION iam_refuse_resource_place();
CREATE CONSTRAINT TRIGGER resource_place_moved
    AFTER UPDATE ON applications_resourceplace
    FOR EACH ROW WHEN (
        (NEW.resource_id, NEW.owner_tenant_id) IS DISTINCT FROM (OLD.resource_id, OLD.owner_tenant_id)
        OR (NEW.parent_id IS NOT NULL
            AND (NEW.parent_id IS DISTINCT FROM OLD.parent_id OR NOT NEW.during <@ OLD.during))
    ) EXECUTE FUNCTION iam_refuse_resource_place();
"""
PLACE_BACK = """
DROP TRIGGER resource_place_moved ON applications_resourceplace;
DROP TRIGGER resource_place ON applications_resourceplace;
DROP FUNCTION iam_refuse_resource_place();
"""

# Its places stand below it, and what contains it was looked at when they were made.
STAYS = """
CREATE FUNCTION iam_refuse_resource_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a resource stays with its application and tenant' USING ERRCODE = 'check_violation',
        CONSTRAINT = 'resource_stays';
END $$;
CREATE TRIGGER resource_stays BEFORE UPDATE OF application_id, owner_tenant_id ON applications_resource
    FOR EACH ROW WHEN (
        (NEW.application_id, NEW.owner_tenant_id) IS DISTINCT FROM (OLD.application_id, OLD.owner_tenant_id)
    ) EXECUTE FUNCTION iam_refuse_resource_move();
"""
STAYS_BACK = """
DROP TRIGGER resource_stays ON applications_resource;
DROP FUNCTION iam_refuse_resource_move();
"""


class Migration(migrations.Migration):
    dependencies = [("applications", "0005_superseding"), ("tenants", "0005_history_anchors")]

    operations = [
        migrations.CreateModel(
            name="ResourcePlace",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("privileges", OFFERED),
                ("during", django.contrib.postgres.fields.ranges.DateTimeRangeField()),
                (
                    "owner_tenant",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="tenants.tenant",
                    ),
                ),
                (
                    "parent",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="applications.resource",
                    ),
                ),
                (
                    "resource",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="places",
                        to="applications.resource",
                    ),
                ),
            ],
        ),
        # Before the rules of the table bind its owner, too.
        migrations.RunSQL(PLACES, PLACES_BACK),
        migrations.AddConstraint(
            model_name="resourceplace",
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(
                expressions=[("resource", "="), ("during", "&&")],
                name="resourceplace_no_overlap",
                violation_error_message="This resource has a place already.",
            ),
        ),
        migrations.AddConstraint(
            model_name="resourceplace",
            constraint=models.CheckConstraint(
                condition=models.Q(("parent", models.F("resource")), _negated=True),
                name="resourceplace_not_itself",
                violation_error_message="A resource cannot contain itself.",
            ),
        ),
        wall("applications_resourceplace", column="owner_tenant_id", shared_when_null=True),
        migrations.RunSQL(FORMER_PLACE_GOES, FORMER_PLACE),
        migrations.RunSQL(PLACE, PLACE_BACK),
        migrations.RunSQL(STAYS, STAYS_BACK),
        migrations.RemoveConstraint(model_name="resource", name="resource_not_its_parent"),
        migrations.RemoveField(model_name="resource", name="parent"),
        # With a default, so that the way back finds one for the rows that are there.
        migrations.AlterField(
            model_name="resource",
            name="privileges",
            field=django.contrib.postgres.fields.ArrayField(
                models.CharField(choices=PRIVILEGES, max_length=10), default=list
            ),
        ),
        migrations.RemoveField(model_name="resource", name="privileges"),
        migrations.AddIndex(
            model_name="resource",
            index=models.Index(fields=["application", "type", "key"], name="resource_address"),
        ),
        migrations.AlterField(
            model_name="resource",
            name="application",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="resources",
                to="applications.application",
            ),
        ),
    ]
