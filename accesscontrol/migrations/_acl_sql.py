"""Triggers that mark the ACLs which a change can move: on each table that the content of an ACL is read from.

Each says whose: application and tenant (null: any). Statement by statement, with the rows of before and after.
What a trigger cannot find is a null in ``application_id``, which the table refuses: no change goes unmarked.
"""

# Looked up one by one and by the key: joined, as many rows as a planner knows nothing of would be looked through
# as many times.
_OF_ROLE = "(SELECT r.application_id FROM applications_applicationrole r WHERE r.id = x.role_id)"
_OF_RESOURCE = "(SELECT s.application_id FROM applications_resource s WHERE s.id = {row}.resource_id)"
_SIDE = """(SELECT CASE c.type WHEN 'provision' THEN c.consumer_id WHEN 'access' THEN c.provider_id END
    FROM applications_contract c WHERE c.id = x.contract_id)"""
_MARKS = {
    "applications_availability": "x.application_id, x.tenant_id FROM {rows} x WHERE x.relation <> 'access'",
    "applications_applicationrole": "x.application_id, NULL::uuid FROM {rows} x",
    "applications_rolepermission": f"{_OF_ROLE}, NULL::uuid FROM {{rows}} x",
    "applications_contractgrant": f"{_OF_ROLE}, {_SIDE} FROM {{rows}} x",
    "applications_contractterm": f"{_OF_ROLE}, {_SIDE} FROM {{rows}} x",
    "applications_resource": "x.application_id, x.owner_tenant_id FROM {rows} x",
    "applications_resourceplace": f"{_OF_RESOURCE.format(row='x')}, x.owner_tenant_id FROM {{rows}} x",
    # One without permissions stands in no ACL.
    "accesscontrol_tenantrole": f"""{_OF_RESOURCE.format(row="p")}, x.tenant_id
        FROM {{rows}} x JOIN accesscontrol_tenantrolepermission p ON p.role_id = x.id""",
    "accesscontrol_tenantrolepermission": f"""{_OF_RESOURCE.format(row="x")}, x.tenant_id
        FROM {{rows}} x""",
}
TABLES = (*_MARKS, "applications_contract")
_TURNS = {
    "insert": "NEW TABLE AS fresh",
    "update": "OLD TABLE AS former NEW TABLE AS fresh",
    "delete": "OLD TABLE AS former",
}


def _marked(table: str, marks: str) -> str:
    into = "INSERT INTO accesscontrol_aclmark (application_id, tenant_id) SELECT DISTINCT"
    triggers = "\n".join(
        f"""CREATE TRIGGER aclmark_{verb} AFTER {verb.upper()} ON {table} REFERENCING {rows}
            FOR EACH STATEMENT EXECUTE FUNCTION iam_mark_{table}();"""
        for verb, rows in _TURNS.items()
    )
    return f"""
    CREATE FUNCTION iam_mark_{table}() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
    BEGIN
        IF TG_OP <> 'INSERT' THEN
            {into} {marks.format(rows="former")};
        END IF;
        IF TG_OP <> 'DELETE' THEN
            {into} {marks.format(rows="fresh")};
        END IF;
        RETURN NULL;
    END $$;
    {triggers}
    """


# A contract that carries roles keeps its sides and its type. Whoever changes them all the same is marked.
_CONTRACT = """
CREATE FUNCTION iam_mark_applications_contract() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO accesscontrol_aclmark (application_id, tenant_id)
    SELECT DISTINCT r.application_id, NULL::uuid FROM applications_contractterm t
    JOIN applications_applicationrole r ON r.id = t.role_id WHERE t.contract_id = NEW.id;
    RETURN NULL;
END $$;
CREATE TRIGGER aclmark_update AFTER UPDATE ON applications_contract FOR EACH ROW
    WHEN ((OLD.type, OLD.provider_id, OLD.consumer_id)
        IS DISTINCT FROM (NEW.type, NEW.provider_id, NEW.consumer_id))
    EXECUTE FUNCTION iam_mark_applications_contract();
"""
MARKING = "\n".join(_marked(table, marks) for table, marks in _MARKS.items()) + _CONTRACT
MARKING_BACK = "\n".join(f"DROP FUNCTION iam_mark_{table}() CASCADE;" for table in TABLES)
