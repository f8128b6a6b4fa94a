"""Resources know their revision, and stand in each other without loops."""

from django.db import migrations, models

# Not forced for a moment: the owner's own rules would keep it from rows of tenants, and from those of nobody.
LOOSE = """
SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE applications_resource NO FORCE ROW LEVEL SECURITY;
WITH RECURSIVE above(start, id) AS (
    SELECT id, parent_id FROM applications_resource WHERE parent_id IS NOT NULL
    UNION
    SELECT above.start, p.parent_id FROM above JOIN applications_resource p ON p.id = above.id
    WHERE p.parent_id IS NOT NULL
)
UPDATE applications_resource SET parent_id = NULL WHERE id IN (SELECT start FROM above WHERE id = start);
ALTER TABLE applications_resource FORCE ROW LEVEL SECURITY;
"""

# A loop lies in the static ones of an application or in one tenant's own: one lock for each of these trees,
# so that two moves at once cannot close it together. A row that the writer may not see contains nothing of his.
# What has ended contains nothing. The way outwards has an end: static ones and a tenant's own stand at most 20
# levels deep each, and a walk without one for each row of a long chain would hold the application for minutes.
# Step by step and by the key alone: a recursive statement, or a condition that fits another index, lets the
# planner read all resources of the application at each step.
# A row that is written as it was is not asked about: UPDATE OF fires for each that an upsert names.
PLACE = """
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
PLACE_BACK = """
DROP TRIGGER resource_place_moved ON applications_resource;
DROP TRIGGER resource_place ON applications_resource;
DROP FUNCTION iam_refuse_resource_place();
"""


class Migration(migrations.Migration):
    dependencies = [("applications", "0003_client_credentials")]

    operations = [
        migrations.AddField(
            model_name="resource", name="revision", field=models.PositiveIntegerField(default=1)
        ),
        migrations.RunSQL(LOOSE, migrations.RunSQL.noop),
        migrations.RunSQL(PLACE, PLACE_BACK),
    ]
