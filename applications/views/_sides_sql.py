"""Both sides of what a tenant has with others, as SQL: each by an index that holds all that is asked.

Of both together the planner reads every row: thousands lie on as many pages.
"""

# Where a contract stands, as ``standing_then`` says, but for pauses: what is paused is in force here.
_THERE = """CASE
    WHEN answered_at <= %(at)s AND state <> 'accepted' THEN state
    WHEN proposed_at IS NULL OR proposed_at > %(at)s THEN 'draft'
    WHEN answered_at IS NULL OR answered_at > %(at)s THEN
        CASE WHEN ends_at <= %(at)s OR answer_by <= %(at)s THEN 'lapsed' ELSE 'proposed' END
    WHEN ends_at <= %(at)s THEN 'ended'
    WHEN starts_at > %(at)s THEN 'scheduled'
    ELSE 'in_force' END"""
_CONTRACTS = """
SELECT {other}_id AS partner, {provided} AS provided, type, {there} AS there, id FROM applications_contract c
WHERE {side}_id = %(tenant)s AND type = ANY(%(types)s) AND {known}{narrowed}"""
_PARTNERSHIPS = """
SELECT {other}_id AS partner, id, confirmed_at FROM tenants_partnership
WHERE {side}_id = %(tenant)s AND confirmed_at <= %(at)s
    AND (ended_at IS NULL OR ended_at > %(at)s){narrowed}"""
_CALLED = " AND {other}_id IN (SELECT id FROM tenants_tenant WHERE upper(name) LIKE upper(%(within)s))"
_CARRYING = """ AND EXISTS (
    SELECT FROM applications_contractterm t JOIN applications_applicationrole r ON r.id = t.role_id
    WHERE t.contract_id = ANY(ARRAY[c.id]) AND r.application_id = %(application)s
        AND (t.removed_at IS NULL OR t.removed_at > %(at)s))"""


def contracts(*, since: bool, called: bool = False, carrying: bool = False) -> str:
    """With partner, direction and where they stand at ``at``. A draft of a partner is not known yet.

    ``since``: those that were there at the moment; ``called``: whose partner's name contains ``within``;
    ``carrying``: with a role of the ``application``.
    """
    narrowed = (_CALLED if called else "") + (_CARRYING if carrying else "")
    provided = "created_at <= %(at)s" if since else "TRUE"
    received = "proposed_at <= %(at)s" if since else "proposed_at IS NOT NULL"
    sides = (("provider", "consumer", "TRUE", provided), ("consumer", "provider", "FALSE", received))
    return " UNION ALL ".join(
        _CONTRACTS.format(
            side=side,
            other=other,
            provided=out,
            known=known,
            there=_THERE,
            narrowed=narrowed.format(other=other),
        )
        for side, other, out, known in sides
    )


def partnerships(*, called: bool = False) -> str:
    """Partner, partnership and when it was confirmed, of those that were so at ``at``."""
    return " UNION ALL ".join(
        _PARTNERSHIPS.format(side=side, other=other, narrowed=(_CALLED if called else "").format(other=other))
        for side, other in (("inviter", "invitee"), ("invitee", "inviter"))
    )
