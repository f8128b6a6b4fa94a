"""SQL of the seals: what the second wall believes, and what functions of the owner do for it only."""

SEALS = """
-- What processes of the portal make their seals of. Empty: the wall believes what any statement says.
CREATE TABLE iam_wall (key bytea PRIMARY KEY);
REVOKE ALL ON iam_wall FROM PUBLIC, iam_web, iam_cross;

CREATE FUNCTION iam_sealed(said text, given text) RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
    kept bytea;
    sealed boolean := false;
BEGIN
    FOR kept IN SELECT w.key FROM public.iam_wall w LOOP
        sealed := true;
        IF encode(sha256(kept || sha256(kept || convert_to(said, 'UTF8'))), 'hex')
            = ANY (string_to_array(given, ',')) THEN
            RETURN true;
        END IF;
    END LOOP;
    RETURN NOT sealed;
END $$;
REVOKE ALL ON FUNCTION iam_sealed(text, text) FROM PUBLIC;

-- As the owner, who alone reads the keys; with a path of its own, so that nobody's `sha256` is called instead.
CREATE FUNCTION iam_tenant() RETURNS uuid
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    named text := current_setting('iam.tenant', true);
BEGIN
    IF named <> '' AND public.iam_sealed('tenant:' || named, current_setting('iam.seal', true)) THEN
        RETURN named::uuid;
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION iam_crossing() RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN public.iam_sealed('crossing', current_setting('iam.pass', true));
END $$;

-- Whether it believes what this process says; null where it believes anybody.
CREATE FUNCTION iam_wall_knows(given text) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN CASE WHEN EXISTS (SELECT FROM public.iam_wall) THEN public.iam_sealed('known', given) END;
END $$;

-- The policies of one table: as they were, but sealed. Functions that run as its owner name a tenant as before.
CREATE FUNCTION iam_seal_table(place regclass) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    was pg_policy := (SELECT p FROM pg_policy p WHERE polrelid = place AND polname = 'tenant_rows');
    whose text := (regexp_match(pg_get_expr(was.polwithcheck, place), '(\\w+) = '))[1];
    shared text := CASE WHEN pg_get_expr(was.polqual, place) LIKE '%IS NULL%'
        THEN format(' OR %I IS NULL', whose) ELSE '' END;
    own text := format('%I = (SELECT iam_tenant())', whose);
    named text := format('%I = (SELECT nullif(current_setting(''iam.tenant'', true), '''')::uuid)', whose);
BEGIN
    EXECUTE format('ALTER POLICY tenant_rows ON %s USING (%s%s) WITH CHECK (%s)', place, own, shared, own);
    EXECUTE format('ALTER POLICY cross_rows ON %s USING ((SELECT iam_crossing())) WITH CHECK ((SELECT iam_crossing()))',
        place);
    EXECUTE format('DROP POLICY IF EXISTS owner_rows ON %s', place);
    EXECUTE format('CREATE POLICY owner_rows ON %s TO %s USING (%s%s) WITH CHECK (%s)', place,
        (SELECT relowner::regrole FROM pg_class WHERE oid = place), named, shared, named);
END $$;
REVOKE ALL ON FUNCTION iam_seal_table(regclass) FROM PUBLIC;

-- What the owner does for the web: for a process of the portal, not for a statement that somebody planted.
ALTER FUNCTION iam_erase_person(uuid) RENAME TO iam_erase_person_unasked;
REVOKE ALL ON FUNCTION iam_erase_person_unasked(uuid) FROM PUBLIC, iam_web, iam_cross;
CREATE FUNCTION iam_erase_person(person uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF iam_tenant() IS NULL THEN
        RAISE EXCEPTION 'nobody to erase' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM iam_erase_person_unasked(person);
END $$;
REVOKE ALL ON FUNCTION iam_erase_person(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION iam_erase_person(uuid) TO iam_web;

ALTER FUNCTION iam_history_drop(date) RENAME TO iam_history_drop_unasked;
REVOKE ALL ON FUNCTION iam_history_drop_unasked(date) FROM PUBLIC, iam_web, iam_cross;
CREATE FUNCTION iam_history_drop(month date) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF NOT iam_crossing() THEN
        RAISE EXCEPTION 'history is dropped by its job only' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN iam_history_drop_unasked(month);
END $$;
REVOKE ALL ON FUNCTION iam_history_drop(date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION iam_history_drop(date) TO iam_cross;
-- An anchor stands for rows that are dropped: nobody else makes one.
REVOKE INSERT ON tenants_historyanchor FROM iam_web;
-- A new encryption key seals it anew; who has no key can only make it one that does not hold.
GRANT UPDATE (seal) ON tenants_historyanchor TO iam_cross;
"""
SEALS_BACK = """
REVOKE UPDATE (seal) ON tenants_historyanchor FROM iam_cross;
GRANT INSERT ON tenants_historyanchor TO iam_web;
DROP FUNCTION iam_history_drop(date);
ALTER FUNCTION iam_history_drop_unasked(date) RENAME TO iam_history_drop;
GRANT EXECUTE ON FUNCTION iam_history_drop(date) TO iam_web, iam_cross;
DROP FUNCTION iam_erase_person(uuid);
ALTER FUNCTION iam_erase_person_unasked(uuid) RENAME TO iam_erase_person;
GRANT EXECUTE ON FUNCTION iam_erase_person(uuid) TO iam_web;
DROP FUNCTION iam_seal_table(regclass);
DROP FUNCTION iam_wall_knows(text);
DROP FUNCTION iam_crossing();
DROP FUNCTION iam_tenant();
DROP FUNCTION iam_sealed(text, text);
DROP TABLE iam_wall;
"""


def seal_all(*, tries: int = 20, waits: str = "2s", rests: float = 1) -> str:
    """One table after the other, each in a transaction of its own; those that are sealed are left alone.

    ALTER POLICY waits for who reads the table, and everybody else waits behind it: not for long, then they
    have their turn before the next try.
    """
    return f"""
DO $$
DECLARE
    place regclass;
    done boolean;
BEGIN
    FOR place IN
        SELECT polrelid::regclass FROM pg_policy p WHERE polname = 'tenant_rows' AND NOT EXISTS (
            SELECT FROM pg_policy o WHERE o.polrelid = p.polrelid AND o.polname = 'owner_rows')
        ORDER BY 1
    LOOP
        FOR attempt IN 1..{tries} LOOP
            BEGIN
                SET LOCAL lock_timeout = '{waits}';
                PERFORM iam_seal_table(place);
                done := true;
            EXCEPTION WHEN lock_not_available THEN
                IF attempt = {tries} THEN
                    RAISE;
                END IF;
                done := false;
            END;
            COMMIT;
            EXIT WHEN done;
            PERFORM pg_sleep({rests});
        END LOOP;
    END LOOP;
END $$;
"""


UNSEAL_ALL = """
DO $$
DECLARE
    place regclass;
    whose text;
    shared text;
    named text;
BEGIN
    FOR place, whose, shared IN
        SELECT polrelid::regclass, (regexp_match(pg_get_expr(polwithcheck, polrelid), '(\\w+) = '))[1],
            CASE WHEN pg_get_expr(polqual, polrelid) LIKE '%IS NULL%' THEN ' IS NULL' END
        FROM pg_policy WHERE polname = 'owner_rows'
    LOOP
        named := format('%I = (SELECT nullif(current_setting(''iam.tenant'', true), '''')::uuid)', whose);
        EXECUTE format('ALTER POLICY tenant_rows ON %s USING (%s%s) WITH CHECK (%s)', place, named,
            coalesce(format(' OR %I', whose) || shared, ''), named);
        EXECUTE format('ALTER POLICY cross_rows ON %s USING (true) WITH CHECK (true)', place);
        EXECUTE format('DROP POLICY owner_rows ON %s', place);
        COMMIT;
    END LOOP;
END $$;
"""
