"""One sound row of every table that has a constraint, written without any action."""

from functools import cached_property

from accesscontrol.models import AclEntry, Assignment, TenantRole, TenantRolePermission
from applications import models as sharing
from tenants import models as who
from tenants.models import Tenant, since
from tests.support.factories import NOW, make_tenant
from tests.support.violations_of_sharing import RowsOfSharing
from tests.support.violations_of_signing_in import RowsOfSigningIn

ALWAYS = since(NOW)


class World(RowsOfSharing, RowsOfSigningIn):
    """Rows come into being when they are first asked for."""

    def __init__(self) -> None:
        self.tenant, self.other = make_tenant("acme"), make_tenant("beta")

    @cached_property
    def branding(self) -> who.Branding:
        return who.Branding.objects.create(tenant=self.tenant, colour="#0b5394")

    def _user(self, name: str) -> who.User:
        return who.User.objects.create(
            tenant=self.tenant, username=name, email=f"{name}@example.org", display_name=name, created_at=NOW
        )

    @cached_property
    def user(self) -> who.User:
        assert self.other_user
        return self._user("jane")

    @cached_property
    def other_user(self) -> who.User:
        return self._user("other")

    @cached_property
    def scim_token(self) -> who.ScimToken:
        given = {"note": "n", "welcome": "none", "digest": "d", "pepper": 1, "hint": "h", "during": ALWAYS}
        return who.ScimToken.objects.create(tenant=self.tenant, made_by=self.user, **given)

    @cached_property
    def external_id(self) -> who.ExternalId:
        return who.ExternalId.objects.create(tenant=self.tenant, user=self.user, value="1")

    @cached_property
    def group(self) -> who.Group:
        who.Group.objects.create(tenant=self.tenant, name="Team", during=ALWAYS)
        return who.Group.objects.create(tenant=self.tenant, name="Top", during=ALWAYS)

    @cached_property
    def placement(self) -> who.GroupPlacement:
        team = who.Group.objects.create(tenant=self.tenant, name="Depot", during=ALWAYS)
        return who.GroupPlacement.objects.create(
            tenant=self.tenant, group=team, parent=self.group, during=ALWAYS
        )

    @cached_property
    def membership(self) -> who.Membership:
        return who.Membership.objects.create(
            tenant=self.tenant, group=self.group, user=self.user, during=ALWAYS
        )

    @cached_property
    def activity(self) -> who.UserActivity:
        return who.UserActivity.objects.create(tenant=self.tenant, user=self.user, during=ALWAYS)

    @cached_property
    def reply(self) -> who.IdempotentReply:
        return who.IdempotentReply.objects.create(
            tenant=self.tenant, slot="s", asked="a", status=201, reply="{}", expires_at=NOW
        )

    @cached_property
    def link(self) -> who.UserLink:
        return who.UserLink.objects.create(
            tenant=self.tenant, user=self.user, purpose="reset", digest="d", created_at=NOW, expires_at=NOW
        )

    @cached_property
    def session(self) -> who.UserSession:
        moments = {"created_at": NOW, "seen_at": NOW, "expires_at": NOW}
        return who.UserSession.objects.create(tenant=self.tenant, user=self.user, digest="d", **moments)

    @cached_property
    def kept_input(self) -> who.KeptInput:
        return who.KeptInput.objects.create(
            tenant=self.tenant, user=self.user, digest="d", sealed="s", expires_at=NOW
        )

    @cached_property
    def history_link(self) -> who.HistoryLink:
        return who.HistoryLink.objects.create(tenant=self.tenant, position=1, event_id=1, digest="")

    @cached_property
    def history_anchor(self) -> who.HistoryAnchor:
        sums = {"digest": "", "links_digest": "", "seal": ""}
        return who.HistoryAnchor.objects.create(
            tenant=self.tenant, month=NOW.date(), made_at=NOW, count=1, spans=[[1, 1]], position=1, **sums
        )

    @cached_property
    def tenant_suspension(self) -> who.TenantSuspension:
        return who.TenantSuspension.objects.create(tenant=self.tenant, during=ALWAYS, by_name="x")

    @cached_property
    def partnership(self) -> who.Partnership:
        return who.Partnership.objects.create(
            inviter=self.tenant,
            invitee=self.other,
            state="confirmed",
            token_digest="t",
            invited_at=NOW,
            expires_at=NOW,
        )

    @cached_property
    def auto_accept(self) -> who.AutoAccept:
        return who.AutoAccept.objects.create(
            partnership=self.partnership, tenant=self.tenant, contract_type="access"
        )

    @cached_property
    def application(self) -> sharing.Application:
        return sharing.Application.objects.create(
            id="acme.meter", owner=self.tenant, name="meter", display_name="Meter", during=ALWAYS
        )

    @cached_property
    def application_suspension(self) -> sharing.ApplicationSuspension:
        return sharing.ApplicationSuspension.objects.create(
            application=self.application, during=ALWAYS, by_name="x"
        )

    @cached_property
    def service_account(self) -> sharing.ServiceAccount:
        return sharing.ServiceAccount.objects.create(application=self.application, tenant=self.tenant)

    @cached_property
    def resource(self) -> sharing.Resource:
        return sharing.Resource.objects.create(
            application=self.application,
            type="urn:x",
            key="machines",
            name="M",
            during=ALWAYS,
        )

    @cached_property
    def place(self) -> sharing.ResourcePlace:
        return sharing.ResourcePlace.objects.create(
            resource=self.resource, privileges=["read"], during=ALWAYS
        )

    @cached_property
    def role(self) -> sharing.ApplicationRole:
        return sharing.ApplicationRole.objects.create(
            application=self.application, key="viewer", name="V", during=ALWAYS
        )

    @cached_property
    def permission(self) -> sharing.RolePermission:
        return sharing.RolePermission.objects.create(
            role=self.role, resource=self.resource, privilege="read", during=ALWAYS
        )

    @cached_property
    def required(self) -> sharing.RequiredRole:
        return sharing.RequiredRole.objects.create(
            application=self.application,
            wanted_application="other.application",
            wanted_role="viewer",
            during=ALWAYS,
        )

    @cached_property
    def contract(self) -> sharing.Contract:
        return sharing.Contract.objects.create(
            provider=self.tenant,
            consumer=self.other,
            type="provision",
            state="accepted",
            starts_at=NOW,
            created_at=NOW,
            proposed_at=NOW,
            answered_at=NOW,
        )

    @cached_property
    def term(self) -> sharing.ContractTerm:
        return sharing.ContractTerm.objects.create(
            contract=self.contract, role=self.role, during=ALWAYS, confirmed_at=NOW
        )

    @cached_property
    def pause(self) -> sharing.ContractPause:
        return sharing.ContractPause.objects.create(contract=self.contract, during=ALWAYS, by_name="x")

    @cached_property
    def grant(self) -> sharing.ContractGrant:
        return sharing.ContractGrant.objects.create(contract=self.contract, role=self.role, during=ALWAYS)

    @cached_property
    def availability(self) -> sharing.Availability:
        return sharing.Availability.objects.create(
            tenant=self.other,
            application=self.application,
            relation="provision",
            contract=self.contract,
            scope_tenant=self.other,
            during=ALWAYS,
        )

    @cached_property
    def announced(self) -> sharing.Announced:
        return sharing.Announced.objects.create(
            tenant=self.tenant, application=self.application, available=True, at=NOW
        )

    @cached_property
    def event(self) -> sharing.Event:
        return sharing.Event.objects.create(
            type="x", tenant=self.tenant, subject="x", at=NOW, data={}, position=10**9
        )

    @cached_property
    def client(self) -> sharing.Client:
        return sharing.Client.objects.create(
            application=self.application,
            client_id="acme.meter",
            client_type="confidential",
            authorization_grant_type="client-credentials",
            client_secret="",
            hash_client_secret=False,
        )

    @cached_property
    def public(self) -> sharing.Client:
        return sharing.Client.objects.create(
            application=self.application,
            client_id="acme.meter-frontend",
            client_type="public",
            authorization_grant_type="authorization-code",
            client_secret="",
            hash_client_secret=False,
            token_endpoint_auth_method="none",
        )

    @cached_property
    def tenant_role(self) -> TenantRole:
        return TenantRole.objects.create(tenant=self.tenant, key="mine", name="Mine", during=ALWAYS)

    @cached_property
    def tenant_permission(self) -> TenantRolePermission:
        return TenantRolePermission.objects.create(
            tenant=self.tenant,
            role=self.tenant_role,
            resource=self.resource,
            privilege="read",
            during=ALWAYS,
        )

    @cached_property
    def acl_entry(self) -> AclEntry:
        return AclEntry.objects.create(
            application=self.application, tenant=self.tenant, type="urn:x", key="x", revision=1
        )

    @cached_property
    def assignment(self) -> Assignment:
        return Assignment.objects.create(
            tenant=self.tenant,
            user=self.user,
            application_role=self.role,
            during=ALWAYS,
            created_at=NOW,
            by_name="x",
        )


__all__ = ["Tenant", "World"]
