"""People who are deleted: their rows stay without names, which then are free; their names leave history."""

from django.db import migrations, models
from django.db.models.functions import Lower

# As the owner, because the web's role cannot rewrite names beside history. It does it for nobody but a person
# of the tenant in scope who was deleted, where pseudonyms are kept, and only to the name that his row has
# since. Every tenant is looked through: an act across tenants has left its actor's name in each of them. One
# after the other, because the wall binds the owner, too. Who called himself like his pseudonym has left an
# address all the same.
ERASE = """
CREATE FUNCTION iam_erase_person(person uuid) RETURNS void
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
REVOKE ALL ON FUNCTION iam_erase_person(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION iam_erase_person(uuid) TO iam_web;
"""
ERASE_BACK = """
DROP FUNCTION iam_erase_person(uuid);
"""


def _once(column: str, message: str, condition: models.Q) -> models.UniqueConstraint:
    return models.UniqueConstraint(
        "tenant",
        Lower(column),
        condition=condition,
        name=f"user_{column}_once",
        violation_error_message=message,
    )


class Migration(migrations.Migration):
    dependencies = [
        ("tenants", "0003_idempotent_replies"),
    ]

    operations = [
        migrations.AddField(
            model_name="tenant",
            name="history_keeps",
            field=models.CharField(
                choices=[("name", "the name"), ("pseudonym", "a pseudonym")], default="name", max_length=10
            ),
        ),
        migrations.AddField(
            model_name="user",
            name="deleted_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="user",
            name="late_until",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddIndex(
            model_name="user",
            index=models.Index(
                condition=models.Q(("late_until__isnull", False)),
                fields=["late_until"],
                name="user_by_late_names",
            ),
        ),
        migrations.RemoveConstraint(model_name="user", name="user_username_once"),
        migrations.RemoveConstraint(model_name="user", name="user_email_once"),
        migrations.AddConstraint(
            model_name="user",
            constraint=_once(
                "username", "This user name is taken in this organization.", models.Q(("deleted_at", None))
            ),
        ),
        migrations.AddConstraint(
            model_name="user",
            constraint=_once(
                "email", "This e-mail address is taken in this organization.", models.Q(("deleted_at", None))
            ),
        ),
        migrations.AddIndex(
            model_name="usersession",
            index=models.Index(fields=["expires_at"], name="usersession_by_end"),
        ),
        migrations.RunSQL(ERASE, ERASE_BACK),
    ]
