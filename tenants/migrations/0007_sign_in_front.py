"""The front of the sign-in: languages and zones of people, proofs of addresses, who asked for an organization."""

import django.db.models.functions.text
import tenants.models.users
from django.db import migrations, models

# As before, and with it goes the address of a sign-in as this person that was refused: it may be his own.
ERASE = """
CREATE OR REPLACE FUNCTION iam_erase_person(person uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    home text := current_setting('iam.tenant', true);
    pseudonym text;
    place uuid;
BEGIN
    SELECT u.display_name INTO pseudonym FROM tenants_user u JOIN tenants_tenant t ON t.id = u.tenant_id
        WHERE u.id = person AND u.tenant_id::text = home AND u.deleted_at IS NOT NULL
            AND t.history_keeps = 'pseudonym';
    IF pseudonym IS NULL THEN
        RAISE EXCEPTION 'nobody to erase' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    FOR place IN SELECT id FROM tenants_tenant LOOP
        PERFORM set_config('iam.tenant', place::text, true);
        UPDATE tenants_historyperson p SET
            salt = '',
            actor_name = CASE WHEN e.acted THEN left(pseudonym, 200) ELSE p.actor_name END,
            source_address = CASE WHEN e.acted OR e.tried THEN '' ELSE p.source_address END,
            subject_name = CASE WHEN e.told_of THEN left(pseudonym, 200) ELSE p.subject_name END
        FROM (
            SELECT id, actor_kind = 'user' AND actor_id = person::text AS acted,
                subject_kind = 'user' AND subject_id = person::text AS told_of,
                action = 'session.refused' AS tried
            FROM tenants_historyevent
            WHERE tenant_id = place AND (
                (actor_kind = 'user' AND actor_id = person::text)
                OR (subject_kind = 'user' AND subject_id = person::text))
        ) e
        WHERE p.event_id = e.id AND p.tenant_id = place AND (
            (e.acted AND (p.actor_name <> left(pseudonym, 200) OR p.source_address <> ''))
            OR (e.tried AND p.source_address <> '')
            OR (e.told_of AND p.subject_name <> left(pseudonym, 200)));
    END LOOP;
    PERFORM set_config('iam.tenant', home, true);
END $$;
"""
ERASE_BACK = """
CREATE OR REPLACE FUNCTION iam_erase_person(person uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    home text := current_setting('iam.tenant', true);
    pseudonym text;
    place uuid;
BEGIN
    SELECT u.display_name INTO pseudonym FROM tenants_user u JOIN tenants_tenant t ON t.id = u.tenant_id
        WHERE u.id = person AND u.tenant_id::text = home AND u.deleted_at IS NOT NULL
            AND t.history_keeps = 'pseudonym';
    IF pseudonym IS NULL THEN
        RAISE EXCEPTION 'nobody to erase' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    FOR place IN SELECT id FROM tenants_tenant LOOP
        PERFORM set_config('iam.tenant', place::text, true);
        UPDATE tenants_historyperson p SET
            salt = '',
            actor_name = CASE WHEN e.acted THEN left(pseudonym, 200) ELSE p.actor_name END,
            source_address = CASE WHEN e.acted THEN '' ELSE p.source_address END,
            subject_name = CASE WHEN e.told_of THEN left(pseudonym, 200) ELSE p.subject_name END
        FROM (
            SELECT id, actor_kind = 'user' AND actor_id = person::text AS acted,
                subject_kind = 'user' AND subject_id = person::text AS told_of
            FROM tenants_historyevent
            WHERE tenant_id = place AND (
                (actor_kind = 'user' AND actor_id = person::text)
                OR (subject_kind = 'user' AND subject_id = person::text))
        ) e
        WHERE p.event_id = e.id AND p.tenant_id = place AND (
            (e.acted AND (p.actor_name <> left(pseudonym, 200) OR p.source_address <> ''))
            OR (e.told_of AND p.subject_name <> left(pseudonym, 200)));
    END LOOP;
    PERFORM set_config('iam.tenant', home, true);
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("tenants", "0006_second_factors"),
    ]

    operations = [
        migrations.CreateModel(
            name="OrganizationsAsked",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("digest", models.CharField(max_length=64)),
                ("source_address", models.CharField(max_length=64)),
                ("sealed", models.TextField(blank=True)),
                ("at", models.DateTimeField()),
            ],
        ),
        migrations.AddField(
            model_name="tenant",
            name="password_length",
            field=models.PositiveSmallIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="user",
            name="language",
            field=models.CharField(
                blank=True, max_length=10, validators=[tenants.models.users.known_language]
            ),
        ),
        migrations.AddField(
            model_name="user",
            name="time_zone",
            field=models.CharField(blank=True, max_length=64, validators=[tenants.models.users.known_zone]),
        ),
        migrations.AddField(
            model_name="userlink",
            name="email",
            field=models.EmailField(blank=True, max_length=254),
        ),
        migrations.AlterField(
            model_name="userlink",
            name="purpose",
            field=models.CharField(
                choices=[("invitation", "invitation"), ("reset", "reset"), ("email", "proof of an address")],
                max_length=12,
            ),
        ),
        migrations.AddIndex(
            model_name="user",
            index=models.Index(
                django.db.models.functions.text.Lower("email"),
                condition=models.Q(("deleted_at", None)),
                name="user_by_email",
            ),
        ),
        migrations.AddConstraint(
            model_name="tenant",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("password_length", None), ("password_length__range", (12, 64)), _connector="OR"
                ),
                name="tenant_password_length",
                violation_error_message="Passwords of this length are not asked for.",
            ),
        ),
        migrations.AddConstraint(
            model_name="userlink",
            constraint=models.CheckConstraint(
                condition=models.Q(("email", ""), ("purpose", "email"), _connector="OR"),
                name="userlink_address_of_its_purpose",
                violation_error_message="Only the proof of an address names one.",
            ),
        ),
        migrations.AddIndex(
            model_name="organizationsasked",
            index=models.Index(fields=["digest", "at"], name="organizationsasked_by_address"),
        ),
        migrations.AddIndex(
            model_name="organizationsasked",
            index=models.Index(fields=["source_address", "at"], name="organizationsasked_by_source"),
        ),
        migrations.AddIndex(
            model_name="organizationsasked",
            index=models.Index(fields=["at"], name="organizationsasked_by_age"),
        ),
        migrations.AddIndex(
            model_name="signinfailure",
            index=models.Index(fields=["source_address", "at"], name="signinfailure_by_source"),
        ),
        migrations.RunSQL(ERASE, ERASE_BACK),
    ]
