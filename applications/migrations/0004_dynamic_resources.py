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
PLACE = """
CREATE FUNCTION iam_refuse_resource_place() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(
        'resource-tree:' || NEW.application_id || ':' || coalesce(NEW.owner_tenant_id::text, ''), 0));
    IF NOT EXISTS (
        SELECT FROM applications_resource p
        WHERE p.id = NEW.parent_id AND p.application_id = NEW.application_id
            AND (p.owner_tenant_id IS NULL OR p.owner_tenant_id = NEW.owner_tenant_id)
    ) THEN
        RAISE EXCEPTION 'what contains a resource is of its application, static or of its tenant'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'resource_parent_fits';
    END IF;
    IF EXISTS (
        WITH RECURSIVE above(id) AS (
            SELECT NEW.parent_id
            UNION
            SELECT p.parent_id FROM above JOIN applications_resource p ON p.id = above.id
            WHERE p.parent_id IS NOT NULL
        )
        SELECT FROM above WHERE id = NEW.id
    ) THEN
        RAISE EXCEPTION 'a resource cannot contain itself' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'resource_no_loop';
    END IF;
    RETURN NEW;
END $$;
CREATE CONSTRAINT TRIGGER resource_place
    AFTER INSERT OR UPDATE OF parent_id, application_id, owner_tenant_id ON applications_resource
    FOR EACH ROW WHEN (NEW.parent_id IS NOT NULL) EXECUTE FUNCTION iam_refuse_resource_place();
"""
PLACE_BACK = """
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
