"""Triggers that leave a trace of every change of what a token rests on (docs/adr/0007-confirmed-cache.md).

For each table: how the rows of a change, ``was`` and ``became``, say under which keys they stand. Of a trace
nobody learns more than that something changed: a key is half a digest. Statement by statement, so that a
thousand contracts that end together leave one trace for each consumer.
"""

# table: (what selects the keys of rows ``x``, the columns that matter where not all do, the events)
ALL = ("INSERT", "UPDATE", "DELETE")
_OF_APPLICATION = "SELECT 'a:' || application_id FROM {rows}"
# A row whose parent cannot be found leaves a trace on which every answer rests.
_OF_CONTRACT = (
    "SELECT coalesce('c:' || c.consumer_id, '*')"
    " FROM {rows} LEFT JOIN applications_contract c ON c.id = x.contract_id"
)
_OF_TENANTS_ROLE = "SELECT 's:' || tenant_id FROM {rows}"
TABLES: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "tenants_tenant": ("SELECT 't:' || id FROM {rows}", "", ALL),
    "tenants_tenantsuspension": ("SELECT 't:' || tenant_id FROM {rows}", "", ALL),
    "applications_application": ("SELECT 'a:' || id FROM {rows}", "", ALL),
    "applications_applicationsuspension": (_OF_APPLICATION, "", ALL),
    "applications_applicationrole": (_OF_APPLICATION, "", ALL),
    "applications_rolepermission": (
        "SELECT coalesce('a:' || r.application_id, '*')"
        " FROM {rows} LEFT JOIN applications_applicationrole r ON r.id = x.role_id",
        "",
        ALL,
    ),
    # A new one is in no role yet; of those that are a tenant's own, only its own roles speak.
    "applications_resource": (
        "SELECT CASE WHEN owner_tenant_id IS NULL THEN 'a:' || application_id"
        " ELSE 's:' || owner_tenant_id END FROM {rows}",
        "",
        ("UPDATE", "DELETE"),
    ),
    "applications_client": (_OF_APPLICATION, "", ALL),
    # Its last use is noted each minute, and decides nothing.
    "applications_clientsecret": (
        "SELECT coalesce('a:' || c.application_id, '*')"
        " FROM {rows} LEFT JOIN applications_client c ON c.id = x.client_id",
        "id, client_id, digest, pepper, during",
        ALL,
    ),
    "applications_serviceaccount": (_OF_APPLICATION, "", ("UPDATE", "DELETE")),  # a new one changes no yes
    "applications_contract": ("SELECT 'c:' || consumer_id FROM {rows}", "", ALL),
    "applications_contractterm": (_OF_CONTRACT, "", ALL),
    "applications_contractpause": (_OF_CONTRACT, "", ALL),
    # Services are in no group: what people hold does not touch them.
    "accesscontrol_assignment": (
        "SELECT 's:' || tenant_id FROM {rows} WHERE application_id IS NOT NULL",
        "",
        ALL,
    ),
    "accesscontrol_tenantrole": (_OF_TENANTS_ROLE, "", ALL),
    "accesscontrol_tenantrolepermission": (_OF_TENANTS_ROLE, "", ALL),
    "accesscontrol_signingkey": ("SELECT 'k' FROM {rows}", "", ALL),
}

_KEY = """
CREATE FUNCTION iam_fact_key(said text) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ('x' || left(md5(said), 16))::bit(64)::bigint;
"""
_FUNCTION = """
CREATE FUNCTION iam_trace_{table}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
{branches}
    RETURN NULL;
END $$;
"""
_BRANCH = """    {when} TG_OP = '{event}' THEN
        INSERT INTO accesscontrol_factchange (key, nonce)
        SELECT iam_fact_key(k), uuid_hash_extended(gen_random_uuid(), 0) FROM (SELECT DISTINCT k FROM ({keys}) AS every(k)) AS one
        WHERE k IS NOT NULL;
"""
_TRIGGER = """
CREATE TRIGGER trace_{event} AFTER {EVENT} ON {table} REFERENCING {seen}
    FOR EACH STATEMENT EXECUTE FUNCTION iam_trace_{table}();
"""
_SEEN = {
    "INSERT": "NEW TABLE AS became",
    "UPDATE": "OLD TABLE AS was NEW TABLE AS became",
    "DELETE": "OLD TABLE AS was",
}
# A revoked token has a key of its own: asked about by itself, and of no use once the token is over anyhow.
_REVOKED = """
CREATE FUNCTION iam_trace_revoked() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO accesscontrol_factchange (key, nonce, until)
    SELECT iam_fact_key('r:' || tenant_id || ':' || jti), uuid_hash_extended(gen_random_uuid(), 0),
        expires_at + interval '1 day' FROM became;
    RETURN NULL;
END $$;
CREATE TRIGGER trace_insert AFTER INSERT ON accesscontrol_revokedtoken REFERENCING NEW TABLE AS became
    FOR EACH STATEMENT EXECUTE FUNCTION iam_trace_revoked();
"""
_REVOKED_BACK = """
DROP TRIGGER trace_insert ON accesscontrol_revokedtoken;
DROP FUNCTION iam_trace_revoked();
"""


def _keys(select: str, columns: str, event: str) -> str:
    """Of all rows that the change took or made; an update stands under the keys of both."""
    was, became = "was", "became"
    if columns and event == "UPDATE":
        was, became = (
            f"(SELECT {columns} FROM {one} EXCEPT SELECT {columns} FROM {other})"
            for one, other in ((was, became), (became, was))
        )
    of = {"INSERT": [became], "UPDATE": [was, became], "DELETE": [was]}[event]
    return " UNION ".join(select.format(rows=f"{rows} x") for rows in of)


def _traced(table: str) -> str:
    select, columns, events = TABLES[table]
    branches = "".join(
        _BRANCH.format(when="ELSIF" if number else "IF", event=event, keys=_keys(select, columns, event))
        for number, event in enumerate(events)
    )
    function = _FUNCTION.format(table=table, branches=f"{branches}    END IF;")
    triggers = (
        _TRIGGER.format(event=event.lower(), EVENT=event, table=table, seen=_SEEN[event]) for event in events
    )
    return function + "".join(triggers)


def _untraced(table: str) -> str:
    gone = "".join(f"DROP TRIGGER trace_{event.lower()} ON {table};\n" for event in TABLES[table][2])
    return f"{gone}DROP FUNCTION iam_trace_{table}();\n"


TRACES = _KEY + "".join(map(_traced, TABLES)) + _REVOKED
TRACES += "REVOKE UPDATE, TRUNCATE ON accesscontrol_factchange FROM iam_web, iam_cross;\n"
TRACES_BACK = _REVOKED_BACK + "".join(map(_untraced, TABLES)) + "DROP FUNCTION iam_fact_key(text);\n"
