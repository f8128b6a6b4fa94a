"""What people type on the pages of an organization. Forms check the words; actions check the rules."""

from tenants.forms.entry import (
    AddressForm,
    ChangedPasswordForm,
    EntryForm,
    OrganizationForm,
    PasswordForm,
    SignInForm,
)
from tenants.forms.partners import AutoAcceptForm, CodeForm, PartnerForm
from tenants.forms.people import (
    ChosenPlaceForm,
    EndForm,
    GroupForm,
    MemberForm,
    NewGroupForm,
    OwnForm,
    PlaceForm,
    RevisedGroupForm,
    RevisedUserForm,
    UserForm,
)
from tenants.forms.record import RecordForm
from tenants.forms.rows import AboutRow, SpanForm, TypedNameForm, moment_input

__all__ = [
    "AboutRow",
    "AddressForm",
    "AutoAcceptForm",
    "ChangedPasswordForm",
    "ChosenPlaceForm",
    "CodeForm",
    "EndForm",
    "EntryForm",
    "GroupForm",
    "MemberForm",
    "NewGroupForm",
    "OrganizationForm",
    "OwnForm",
    "PartnerForm",
    "PasswordForm",
    "PlaceForm",
    "RecordForm",
    "RevisedGroupForm",
    "RevisedUserForm",
    "SignInForm",
    "SpanForm",
    "TypedNameForm",
    "UserForm",
    "moment_input",
]
