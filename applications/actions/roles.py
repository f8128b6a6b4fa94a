"""What follows when a declared role ends: permissions and terms end with it."""

from collections.abc import Sequence
from datetime import datetime

from applications.actions.terms import take_away
from applications.models import ApplicationRole, ContractTerm, RolePermission
from applications.signals import roles_ended
from tenants.models.spanned import clipped


def retire_roles(roles: Sequence[ApplicationRole], *, at: datetime) -> None:
    """Close the roles and all that rests on them. The caller stands in the frame ``moving``."""
    ids = [role.id for role in roles]
    ApplicationRole.objects.filter(id__in=ids).update(during=clipped(at))
    RolePermission.objects.filter(role_id__in=ids).close(at)
    take_away(ContractTerm.objects.filter(role_id__in=ids), at)
    roles_ended.send(sender=ApplicationRole, roles=list(roles), at=at)
