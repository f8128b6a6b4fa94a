"""What planted SQL can read without a seal: each table before the wall, and why that does no harm.

``OPEN`` of test_walls.py says why those that name a tenant stand here; this says of all what is in them.
"""

import pytest
from django.db import connection

from tests.architecture.test_walls import OPEN, WALLED, rows

SHARING = "who shares what with whom: names and numbers of organizations, no person of theirs"
PUBLIC = "public halves, and names that others know: proves nothing"
NUMBERS = "ids, moments and numbers"
TOOLKIT = "a library's table, which stays empty"
# Table → what somebody learns who reads all of it.
READABLE = {
    "tenants_tenant": "names and settings of organizations",
    "tenants_tenantsuspension": SHARING,
    "tenants_partnership": SHARING,
    "tenants_autoaccept": SHARING,
    "tenants_organizationsasked": "digests of addresses, sealed ones, networks that asked",
    "tenants_tally": "keyed digests and numbers",
    "tenants_eventservice": NUMBERS,
    "tenants_jobstate": NUMBERS,
    "applications_application": SHARING,
    "applications_applicationrole": SHARING,
    "applications_applicationsuspension": SHARING,
    "applications_rolepermission": SHARING,
    "applications_requiredrole": SHARING,
    "applications_serviceaccount": NUMBERS,
    "applications_client": PUBLIC,
    "applications_clientsecret": "keyed digests of 256 random bits: without the pepper they prove nothing",
    "applications_clientkey": PUBLIC,
    "applications_clientcertificate": PUBLIC,
    "applications_trustedissuer": PUBLIC,
    "applications_usedassertion": "ids that were used",
    "applications_contract": SHARING,
    "applications_contractgrant": SHARING,
    "applications_contractpause": SHARING,
    "applications_contractterm": SHARING,
    "applications_amendment": SHARING,
    "applications_amendmentrole": SHARING,
    "applications_contractreminder": NUMBERS,
    "applications_contracttold": NUMBERS,
    "applications_availability": NUMBERS,
    "applications_announced": NUMBERS,
    "applications_watermark": NUMBERS,
    "applications_usagebatch": NUMBERS,
    "accesscontrol_aclmark": NUMBERS,
    "accesscontrol_aclrevision": NUMBERS,
    "accesscontrol_factchange": NUMBERS,
    "accesscontrol_usedproof": "digests of proofs that were used",
    "accesscontrol_signingkey": "public halves; private ones sealed by the ring, which is in no database",
    "auth_group": TOOLKIT,
    "auth_group_permissions": TOOLKIT,
    "auth_permission": TOOLKIT,
    "django_content_type": TOOLKIT,
    "django_migrations": "which release this is",
    "oauth2_provider_devicegrant": TOOLKIT,
}
# Columns by which somebody could act as another, or read him, if they held the value itself.
SECRET = ("secret", "password", "token", "private", "seed", "code", "email", "address")
# Those before the wall: what is in them is not the value.
HELD = {
    "applications_client.client_secret": "always empty: secrets have rows of their own",
    "applications_client.token_endpoint_auth_method": "a word",
    "tenants_partnership.token_digest": "of a link's 256 random bits",
    "accesscontrol_signingkey.private_sealed": "by the ring, which is in no database",
    "auth_permission.codename": TOOLKIT,
    "oauth2_provider_devicegrant.device_code": TOOLKIT,
    "oauth2_provider_devicegrant.user_code": TOOLKIT,
    "tenants_organizationsasked.source_address": "a network, which is nobody's name",
}
_READABLE = """
    SELECT relname FROM pg_class
    WHERE relkind IN ('r', 'p', 'v', 'm', 'f') AND relnamespace = 'public'::regnamespace
      AND NOT relispartition AND has_table_privilege('iam_web', oid, 'SELECT')
"""
_COLUMNS = """
    SELECT table_name || '.' || column_name FROM information_schema.columns
    WHERE table_schema = 'public' AND table_name = ANY(%s) AND column_name ~ %s
      AND data_type IN ('text', 'character varying', 'bytea', 'jsonb')
"""


def test_what_stands_before_the_wall_is_known(db: None) -> None:
    found = {name for (name,) in rows(_READABLE)}
    assert found - set(WALLED) == set(READABLE)
    assert set(OPEN) <= set(READABLE)


def test_no_column_before_the_wall_holds_a_secret_or_an_address(db: None) -> None:
    found = {name for (name,) in rows(_COLUMNS, list(READABLE), "|".join(SECRET))}
    assert found == set(HELD)


def test_of_other_sessions_the_webs_login_reads_its_own_alone(db: None) -> None:
    """Neither what the owner does, nor where anybody comes from who is another."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_has_role('iam_web', 'pg_read_all_stats', 'member')")
        assert cursor.fetchone() == (False,)
        cursor.execute("SELECT pg_has_role('iam_web', 'pg_monitor', 'member')")
        assert cursor.fetchone() == (False,)


@pytest.mark.parametrize("table", ["auth_group", "oauth2_provider_devicegrant"])
def test_what_is_said_to_stay_empty_is(db: None, table: str) -> None:
    assert rows(f"SELECT count(*) FROM {table}") == [(0,)]
