"""Groups: a tree inside a tenant. Placement and membership have spans."""

import uuid

from django.contrib.postgres.fields import DateTimeRangeField
from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Lower

from tenants.models.spanned import Spanned, no_overlap, still_open
from tenants.models.tenants import Tenant
from tenants.models.users import User


class Group(models.Model):
    """A named set of users; what is assigned to it flows to its subgroups."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="groups")
    name = models.CharField(max_length=120)
    description = models.CharField(max_length=500, blank=True)
    during = DateTimeRangeField()
    revision = models.PositiveIntegerField(default=1)

    objects = Spanned.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "tenant",
                Lower("name"),
                condition=still_open(),
                name="group_name_once",
                violation_error_message="There is a group of this name already.",
            )
        ]
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class GroupPlacement(models.Model):
    """Where a group hangs, for a span. A group without a placement is a root. A trigger refuses loops."""

    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="+")
    group = models.ForeignKey(Group, on_delete=models.CASCADE, related_name="placements")
    parent = models.ForeignKey(Group, on_delete=models.CASCADE, related_name="child_placements")
    during = DateTimeRangeField()

    objects = Spanned.as_manager()

    class Meta:
        constraints = [
            no_overlap("groupplacement_no_overlap", ["group"], "This group has a place already."),
            models.CheckConstraint(
                condition=~Q(group=F("parent")),
                name="groupplacement_not_itself",
                violation_error_message="A group cannot contain itself.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.group_id} below {self.parent_id}"


class Memberships(Spanned):
    """Queries over memberships."""

    def of_user(self, user: User) -> "Memberships":
        """Those of one person. Groups are to be read after them: joined, all of the tenant's were looked at.

        By an array: by the value alone the planner takes the index that keeps memberships apart, where people
        come second, and reads all of it.
        """
        asked = Value(user.pk, output_field=models.UUIDField())
        at_hand = Func(
            F("user_id"),
            asked,
            template="(%(expressions)s)))",
            arg_joiner=" = ANY(ARRAY(SELECT ",
            output_field=models.BooleanField(),
        )
        return self.filter(at_hand, tenant_id=user.tenant_id)


class Membership(models.Model):
    """A user in a group, for a span."""

    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="+")
    group = models.ForeignKey(Group, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    during = DateTimeRangeField()

    objects = Memberships.as_manager()

    class Meta:
        constraints = [
            no_overlap("membership_no_overlap", ["group", "user"], "This user is a member already.")
        ]
        indexes = [models.Index(fields=["tenant", "user"], name="membership_by_user")]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.group_id}"
