"""A table of facts that is emptied leaves a trace on which every answer rests (docs/adr/0007-confirmed-cache.md).

``TRUNCATE`` tells of no rows. The table of traces is among them: without its traces a version could come again
that somebody has seen before. Only the owner may do it at all; who restores or repairs by hand is one.
"""

from accesscontrol.migrations._changes_sql import TABLES

_ALL = (*TABLES, "accesscontrol_factchange")
_FUNCTION = """
CREATE FUNCTION iam_trace_emptied() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO accesscontrol_factchange (key, nonce)
    VALUES (iam_fact_key('*'), uuid_hash_extended(gen_random_uuid(), 0));
    RETURN NULL;
END $$;
"""
_TRIGGER = """
CREATE TRIGGER trace_emptied AFTER TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION iam_trace_emptied();
"""

EMPTIED = _FUNCTION + "".join(_TRIGGER.format(table=table) for table in _ALL)
EMPTIED_BACK = "".join(f"DROP TRIGGER trace_emptied ON {table};\n" for table in _ALL)
EMPTIED_BACK += "DROP FUNCTION iam_trace_emptied();\n"
