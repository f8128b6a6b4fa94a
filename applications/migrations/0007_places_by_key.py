"""What contains a resource is looked up by one key after the other, whatever the planner takes the table for."""

from django.db import migrations

# As in 0006, but for the way outwards. It is planned once for a session, perhaps while there are no places yet:
# a list of keys then costs more than a look at all there is, and that once for each row of a large manifest.
PLACE = """
CREATE OR REPLACE FUNCTION iam_refuse_resource_place() RETURNS trigger LANGUAGE plpgsql
SET enable_seqscan = off AS $$
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
        SELECT array_agg(DISTINCT above.parent_id) FILTER (WHERE above.parent_id IS NOT NULL) INTO here
        FROM unnest(here) AS one(id) CROSS JOIN LATERAL (
            SELECT p.parent_id FROM applications_resourceplace p
            WHERE p.resource_id = one.id AND (p.during && NEW.during) IS TRUE OFFSET 0) above;
        EXIT WHEN here IS NULL;
    END LOOP;
    IF here IS NOT NULL THEN
        RAISE EXCEPTION 'too many resources contain each other' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'resource_depth';
    END IF;
    RETURN NEW;
END $$;
"""
PLACE_BACK = """
CREATE OR REPLACE FUNCTION iam_refuse_resource_place() RETURNS trigger LANGUAGE plpgsql AS $$
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
ALTER FUNCTION iam_refuse_resource_place() RESET enable_seqscan;
"""


class Migration(migrations.Migration):
    dependencies = [("applications", "0006_places")]

    operations = [migrations.RunSQL(PLACE, PLACE_BACK)]
