"""SQL of the history's addresses and of its retention."""

ANCHORS = """
-- The number of a row would tell how much happens in all organizations together: outside it has another name.
ALTER TABLE tenants_historyevent ADD COLUMN reference uuid NOT NULL DEFAULT gen_random_uuid();
CREATE INDEX historyevent_by_reference ON tenants_historyevent (tenant_id, reference);
CREATE INDEX historyevent_by_actor ON tenants_historyevent (tenant_id, actor_id, id);
CREATE INDEX historyevent_by_action ON tenants_historyevent (tenant_id, action, id);
CREATE INDEX historyevent_by_request ON tenants_historyevent (tenant_id, request_id, id) WHERE request_id <> '';
DROP INDEX historyevent_by_subject;
CREATE INDEX historyevent_by_subject ON tenants_historyevent (tenant_id, subject_id, id);

REVOKE UPDATE, DELETE, TRUNCATE ON tenants_historyanchor FROM iam_web, iam_cross;
REVOKE DELETE, TRUNCATE ON tenants_historycheck FROM iam_web, iam_cross;

-- Rows of a month that never had its own partition can only be deleted; nobody but the owner may, and the
-- owner only in the function below, which says which month.
CREATE OR REPLACE FUNCTION iam_refuse_rewrite() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND TG_TABLE_NAME = 'tenants_historyevent_other'
        AND current_setting('iam.history_cut', true) = to_char(OLD.at AT TIME ZONE 'UTC', 'YYYYMM') THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'history is append-only' USING ERRCODE = 'insufficient_privilege';
END $$;

-- The web's role calls this as the owner: it drops old months only, and of those only what an anchor covers.
CREATE FUNCTION iam_history_drop(month date) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    first date := date_trunc('month', month)::date;
    since timestamptz := first::timestamp AT TIME ZONE 'UTC';
    until timestamptz := (first + interval '1 month')::timestamp AT TIME ZONE 'UTC';
    named text := to_char(first, 'YYYYMM');
    own boolean := to_regclass('tenants_historyevent_' || named) IS NOT NULL;
    source text := 'tenants_historyevent_' || CASE WHEN own THEN named ELSE 'other' END;
    former text := current_setting('iam.tenant', true);
    whose uuid;
    found bigint;
    gone bigint := 0;
BEGIN
    IF first IS NULL OR first > (date_trunc('month', now() AT TIME ZONE 'UTC') - interval '12 months')::date THEN
        RAISE EXCEPTION 'the history of % is too young to be dropped', month USING ERRCODE = 'invalid_parameter_value';
    END IF;
    EXECUTE format('LOCK TABLE %I IN SHARE ROW EXCLUSIVE MODE', source);  -- nobody adds a row meanwhile
    FOR whose IN EXECUTE format('SELECT DISTINCT tenant_id FROM %I WHERE at >= $1 AND at < $2', source)
        USING since, until
    LOOP
        PERFORM set_config('iam.tenant', whose::text, true);  -- the wall binds the owner, too
        EXECUTE format(
            'SELECT count(*) FROM %I e WHERE at >= $1 AND at < $2 AND tenant_id = $3 AND NOT EXISTS (
                SELECT FROM tenants_historylink l
                JOIN tenants_historyanchor a ON a.tenant_id = l.tenant_id AND a.month = $4
                CROSS JOIN LATERAL jsonb_array_elements(a.spans) span
                WHERE l.event_id = e.id AND l.tenant_id = e.tenant_id
                  AND l.position BETWEEN (span->>0)::bigint AND (span->>1)::bigint)', source)
            INTO found USING since, until, whose, first;
        IF found > 0 THEN
            RAISE EXCEPTION 'rows of % are not anchored', first USING ERRCODE = 'object_not_in_prerequisite_state';
        END IF;
        EXECUTE format(
            'DELETE FROM tenants_historyperson p USING %I e
             WHERE e.at >= $1 AND e.at < $2 AND e.tenant_id = $3 AND p.event_id = e.id AND p.tenant_id = $3',
            source) USING since, until, whose;
    END LOOP;
    PERFORM set_config('iam.tenant', coalesce(former, ''), true);
    EXECUTE format('SELECT count(*) FROM %I WHERE at >= $1 AND at < $2', source) INTO gone USING since, until;
    IF own THEN
        EXECUTE format('DROP TABLE %I', source);
    ELSE
        PERFORM set_config('iam.history_cut', named, true);
        EXECUTE format('DELETE FROM %I WHERE at >= $1 AND at < $2', source) USING since, until;
        PERFORM set_config('iam.history_cut', '', true);
    END IF;
    RETURN gone;
END $$;
REVOKE ALL ON FUNCTION iam_history_drop(date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION iam_history_drop(date) TO iam_web, iam_cross;
"""
ANCHORS_BACK = """
DROP FUNCTION iam_history_drop(date);
CREATE OR REPLACE FUNCTION iam_refuse_rewrite() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'history is append-only' USING ERRCODE = 'insufficient_privilege';
END $$;
DROP INDEX historyevent_by_subject;
CREATE INDEX historyevent_by_subject ON tenants_historyevent (tenant_id, subject_kind, subject_id, id);
DROP INDEX historyevent_by_request;
DROP INDEX historyevent_by_action;
DROP INDEX historyevent_by_actor;
DROP INDEX historyevent_by_reference;
ALTER TABLE tenants_historyevent DROP COLUMN reference;
"""
