"""The sentences of ``may``: one function per reason code."""

from datetime import datetime

from iam_portal.decision import Reason
from iam_portal.sentences import said, term


def role_assigned(
    key: str, application_id: str | None, by: str, since: datetime | None, group: str = ""
) -> Reason:
    """A role was given, directly or to a group."""
    through = said(" through the group %(group)s", {"group": group}) if group else ""
    text = said(
        "The role %(key)s was assigned by %(by)s%(through)s.", {"key": key, "by": by, "through": through}
    )
    return Reason("role_assigned", text, application_id=application_id, role=key, at=since)


def principal_inactive() -> Reason:
    """A deactivated person holds nothing."""
    return Reason("principal_inactive", said("This principal is not active."))


def role_by_other_way(key: str, application_id: str) -> Reason:
    """The role is granted, but not by the contract through which it was assigned."""
    text = said(
        "The role %(key)s is not granted by the relation through which it was assigned.", {"key": key}
    )
    return Reason("role_not_granted", text, application_id=application_id, role=key)


def confirmed_only(
    key: str, application_id: str, contract_id: str, provider: str, confirmed_at: datetime | None
) -> Reason:
    """The role grew; through an access contract only what its provider confirmed counts."""
    text = said(
        "The role %(key)s holds more since then; what it gained counts once %(provider)s confirms it.",
        {"key": key, "provider": provider},
    )
    return Reason(
        "confirmed_only",
        text,
        contract_id=contract_id,
        application_id=application_id,
        role=key,
        at=confirmed_at,
    )


def tenant_role_empty(key: str, application_id: str) -> Reason:
    """A tenant role none of whose permissions counts here."""
    text = said("No permission of the role %(key)s counts in this application now.", {"key": key})
    return Reason("role_not_granted", text, application_id=application_id, role=key)


def self_audience(application_id: str) -> Reason:
    """Nobody calls itself."""
    text = said("An application is never in the audience of its own token.")
    return Reason("self_audience", text, application_id=application_id)


def only_by_access(name: str, application_id: str, tenant: str) -> Reason:
    """The target works there on another tenant's data only."""
    text = said(
        "%(name)s is available in %(tenant)s by access contract only; its data belongs to the provider.",
        {"name": name, "tenant": tenant},
    )
    return Reason("role_not_granted", text, application_id=application_id)


def caller_not_available(name: str, application_id: str, tenant: str, tenant_id: str) -> Reason:
    """The caller has no part in the tenant."""
    text = said("%(name)s is not available in %(tenant)s.", {"name": name, "tenant": tenant})
    return Reason("caller_not_available", text, application_id=application_id, tenant_id=tenant_id)


def no_role_held(caller: str, caller_id: str, target: str, target_id: str, tenant: str) -> Reason:
    """The caller is there, the role is not."""
    text = said(
        "%(caller)s holds no role of %(target)s in %(tenant)s.",
        {"caller": caller, "target": target, "tenant": tenant},
    )
    return Reason("no_role_held", text, application_id=target_id)


def no_common_role(caller: str, target: str, target_id: str, tenant: str) -> Reason:
    """Of a token exchange: what one of both holds, the other does not."""
    text = said(
        "%(caller)s and whom it acts for hold no role of %(target)s in common in %(tenant)s.",
        {"caller": caller, "target": target, "tenant": tenant},
    )
    return Reason("no_common_role", text, application_id=target_id)


def permission_contained(
    key: str, application_id: str, resource: str, privilege: str, over: str = ""
) -> Reason:
    """The last link of a yes. ``over``: what contains the resource, where the role names that."""
    where = (
        said("%(over)s, which contains %(resource)s", {"over": over, "resource": resource})
        if over
        else resource
    )
    text = said(
        "The role %(key)s contains %(privilege)s on %(where)s.",
        {"key": key, "privilege": term(privilege, "privilege"), "where": where},
    )
    return Reason("permission_contained", text, application_id=application_id, role=key)


def permission_lacking(key: str, application_id: str, resource: str, privilege: str) -> Reason:
    """A role is held, and does not contain it."""
    text = said(
        "The role %(key)s does not contain %(privilege)s on %(resource)s.",
        {"key": key, "privilege": term(privilege, "privilege"), "resource": resource},
    )
    return Reason("permission_lacking", text, application_id=application_id, role=key)


def nothing_held(application_id: str) -> Reason:
    """No role counts on that data."""
    text = said("No role of the application counts here on the data of that organization.")
    return Reason("no_role_held", text, application_id=application_id)


def own_account(application_id: str) -> Reason:
    """What a person may without a role."""
    text = said("Everybody who is active may use his own account.")
    return Reason("own_account", text, application_id=application_id)


def resource_unknown(application_id: str) -> Reason:
    """Not declared at the moment, or not there for the asking tenant."""
    return Reason("resource_unknown", said("There is no such resource here."), application_id=application_id)


def assigned_there(key: str, application_id: str, tenant_id: str) -> Reason:
    """A role that another tenant gave to one's own application: by whom is that tenant's affair."""
    text = said("The organization that owns the data gave the role %(key)s to the application.", {"key": key})
    return Reason("role_assigned", text, application_id=application_id, role=key, tenant_id=tenant_id)


def permission_not_held(permission: tuple[str, str, str], named: str = "") -> Reason:
    """One cannot hand out what one does not hold. ``named``: the resource as people know it."""
    _, resource, privilege = permission
    may = term(privilege, "privilege")
    words = {"resource": resource, "privilege": privilege, "name": named, "may": may}
    text = said("This needs %(resource)s:%(privilege)s, which you do not hold.", words)
    if named:
        text = said(
            "This needs %(may)s on %(name)s (%(resource)s:%(privilege)s), which you do not hold.", words
        )
    return Reason("permission_not_held", text)


def token_narrowed() -> Reason:
    """Whoever asked for some roles only does not act as the whole application."""
    return Reason(
        "token_narrowed", said("The token carries some of the application's roles, not the application.")
    )


def not_access_manager() -> Reason:
    """Roles of applications are the Access Manager's to give."""
    return Reason("not_access_manager", said("Roles of applications are handed out by an Access Manager."))


def may_grant() -> Reason:
    """The yes."""
    return Reason("may_grant", said("You hold everything that is handed out."))
