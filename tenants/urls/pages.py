"""Pages of one organization, below ``t/<slug>/``."""

from django.urls import path

from tenants.views import (
    account,
    activity,
    confirming,
    factors,
    group_acts,
    groups,
    member_acts,
    own_account,
    partner_acts,
    partners,
    search,
    second_step,
    sessions,
    settings,
    settings_passwords,
    user_acts,
    users,
)

app_name = "tenants"

_factors = "account/factors"
_user = "users/<uuid:user_id>"
_group = "groups/<uuid:group_id>"
_member = f"{_group}/members/<uuid:user_id>"
_partner = "partners/<uuid:partnership_id>"

urlpatterns = [
    path("sign-in", sessions.SignIn.as_view(), name="session-start"),
    path("sign-out", sessions.SignOut.as_view(), name="session-end"),
    path("set-password", sessions.SetPassword.as_view(), name="password-set"),
    path("account", account.AccountDetail.as_view(), name="account-detail"),
    path("account/change", own_account.ChangeOwn.as_view(), name="account-change"),
    path("account/password", own_account.ChangePassword.as_view(), name="account-password"),
    path("account/email", own_account.ChangeAddress.as_view(), name="account-address"),
    path("account/email/proof", own_account.TakeProof.as_view(), name="account-address-proof"),
    path("account/email/prove", own_account.ProveAddress.as_view(), name="account-address-prove"),
    path("account/sessions/end-others", own_account.EndOthers.as_view(), name="account-others-end"),
    path("account/sessions/<uuid:session_id>/end", account.EndSession.as_view(), name="account-session-end"),
    path("sign-in/second", second_step.SecondStep.as_view(), name="session-second"),
    path("sign-in/set-up", second_step.SetUpFactor.as_view(), name="session-set-up"),
    path("sign-in/passkey", second_step.PasskeySignIn.as_view(), name="session-passkey"),
    path("account/confirm", confirming.ConfirmIdentity.as_view(), name="identity-confirm"),
    path(_factors, factors.FactorList.as_view(), name="factor-list"),
    path(f"{_factors}/app", factors.AddApp.as_view(), name="factor-app"),
    path(f"{_factors}/passkey", factors.AddPasskey.as_view(), name="factor-passkey"),
    path(f"{_factors}/codes", factors.RenewCodes.as_view(), name="factor-codes"),
    path(f"{_factors}/<uuid:factor_id>/remove", factors.RemoveFactor.as_view(), name="factor-remove"),
    path("users", users.UserList.as_view(), name="user-list"),
    path("users/invite", user_acts.InviteUser.as_view(), name="user-invite"),
    path(_user, users.UserDetail.as_view(), name="user-detail"),
    path(f"{_user}/change", user_acts.ChangeUser.as_view(), name="user-change"),
    path(f"{_user}/deactivate", user_acts.DeactivateUser.as_view(), name="user-deactivate"),
    path(f"{_user}/delete", user_acts.DeleteUser.as_view(), name="user-delete"),
    path(f"{_user}/reactivate", user_acts.ReactivateUser.as_view(), name="user-reactivate"),
    path(f"{_user}/send-link", user_acts.SendLink.as_view(), name="user-reset"),
    path(f"{_user}/reset-factors", user_acts.ResetFactors.as_view(), name="user-factors"),
    path("groups", groups.GroupList.as_view(), name="group-list"),
    path("groups/create", group_acts.CreateGroup.as_view(), name="group-create"),
    path(_group, groups.GroupDetail.as_view(), name="group-detail"),
    path(f"{_group}/change", group_acts.ChangeGroup.as_view(), name="group-change"),
    path(f"{_group}/move", group_acts.MoveGroup.as_view(), name="group-move"),
    path(f"{_group}/delete", group_acts.DeleteGroup.as_view(), name="group-delete"),
    path(f"{_member}/change", member_acts.ChangeMembership.as_view(), name="member-change"),
    path(f"{_member}/remove", member_acts.RemoveMember.as_view(), name="member-remove"),
    path("partners", partners.PartnerList.as_view(), name="partner-list"),
    path("partners/invite", partners.InvitePartner.as_view(), name="partner-invite"),
    path("partners/redeem", partners.RedeemInvitation.as_view(), name="partner-redeem"),
    path(_partner, partners.PartnerDetail.as_view(), name="partner-detail"),
    path(f"{_partner}/confirm", partner_acts.ConfirmPartner.as_view(), name="partner-confirm"),
    path(f"{_partner}/decline", partner_acts.DeclinePartner.as_view(), name="partner-decline"),
    path(f"{_partner}/revoke", partner_acts.RevokeInvitation.as_view(), name="partner-revoke"),
    path(f"{_partner}/end", partner_acts.EndPartnership.as_view(), name="partner-end"),
    path(f"{_partner}/accepting", partner_acts.AutoAcceptance.as_view(), name="partner-accepting"),
    path("search", search.Search.as_view(), name="search"),
    path("settings", settings.Settings.as_view(), name="settings"),
    path("settings/life-times", settings.ChangeLifetimes.as_view(), name="settings-lifetimes"),
    path("settings/passwords", settings_passwords.ChangePasswordRules.as_view(), name="settings-passwords"),
    path("settings/deleted-people", settings.ChangeDeletedPeople.as_view(), name="settings-deleted-people"),
    path("activity", activity.ActivityList.as_view(), name="activity-list"),
    path("activity/download", activity.ActivityDownload.as_view(), name="activity-download"),
    path("activity/<uuid:row_id>", activity.ActivityRow.as_view(), name="activity-row"),
]
