"""Nobody but the owner takes traces of changes away, or says what they are (docs/adr/0007-confirmed-cache.md).

With both a version could be made to come again that somebody has seen before: what is remembered under it
would be believed. The job thins them by a function, which puts a new one in the place of what goes.
"""

FOLDING = """
SET LOCAL lock_timeout = '5s';
-- Planned for the numbers it is given: they say which index is worth it.
CREATE FUNCTION iam_fold_traces(
    at timestamptz, lot bigint, among_newest int, among_others int, crowd int, most_keys int
) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    passed bigint;
    folded bigint;
BEGIN
    IF NOT iam_crossing() THEN
        RAISE EXCEPTION 'traces are folded by their job only' USING ERRCODE = 'insufficient_privilege';
    END IF;
    DELETE FROM accesscontrol_factchange WHERE until < least(at, statement_timestamp());
    GET DIAGNOSTICS passed = ROW_COUNT;
    WITH crowded AS MATERIALIZED (
        SELECT key FROM (
            SELECT DISTINCT key FROM (
                SELECT key FROM accesscontrol_factchange ORDER BY id DESC LIMIT among_newest
            ) AS newest
        ) AS new WHERE crowd < (
            SELECT count(*) FROM (
                SELECT FROM accesscontrol_factchange t WHERE t.key = new.key LIMIT crowd + 1
            ) AS enough
        )
        UNION
        SELECT key FROM (
            SELECT key FROM accesscontrol_factchange WHERE key >= lot ORDER BY key LIMIT among_others
        ) AS old GROUP BY key HAVING count(*) > crowd
        LIMIT most_keys
    ), gone AS (
        DELETE FROM accesscontrol_factchange t USING crowded
        WHERE t.key = crowded.key AND t.until IS NULL RETURNING t.key
    )
    INSERT INTO accesscontrol_factchange (key, nonce)
    SELECT key, uuid_hash_extended(gen_random_uuid(), 0) FROM (SELECT DISTINCT key FROM gone) AS folded;
    GET DIAGNOSTICS folded = ROW_COUNT;
    RETURN passed + folded;
END $$;
REVOKE ALL ON FUNCTION iam_fold_traces(timestamptz, bigint, int, int, int, int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION iam_fold_traces(timestamptz, bigint, int, int, int, int) TO iam_cross;
REVOKE DELETE ON accesscontrol_factchange FROM iam_web, iam_cross;

CREATE FUNCTION iam_own_nonce() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.nonce := uuid_hash_extended(gen_random_uuid(), 0);
    RETURN NEW;
END $$;
CREATE TRIGGER own_nonce BEFORE INSERT ON accesscontrol_factchange
    FOR EACH ROW EXECUTE FUNCTION iam_own_nonce();
"""
FOLDING_BACK = """
DROP TRIGGER own_nonce ON accesscontrol_factchange;
DROP FUNCTION iam_own_nonce();
GRANT DELETE ON accesscontrol_factchange TO iam_web, iam_cross;
DROP FUNCTION iam_fold_traces(timestamptz, bigint, int, int, int, int);
"""
