"""When each job runs: the schedule of Celery's beat, in seconds. ``docs/operations.md`` says what they do."""

from typing import Any

JOBS: dict[str, dict[str, Any]] = {
    "availability": {"task": "applications.watch_boundaries", "schedule": 60.0},
    # They ask one question; those that a stopped worker has missed are nobody's any more.
    "boundaries": {"task": "applications.tell_boundaries", "schedule": 1.0, "options": {"expires": 5}},
    "sequence": {"task": "applications.sequence", "schedule": 5.0},
    "assignments": {"task": "accesscontrol.watch_boundaries", "schedule": 1.0, "options": {"expires": 5}},
    "acls": {"task": "accesscontrol.watch_acls", "schedule": 5.0, "options": {"expires": 5}},
    "acl-retention": {"task": "accesscontrol.prune_acls", "schedule": 3_600.0},
    "purge": {"task": "accesscontrol.purge_sign_ins", "schedule": 60.0, "options": {"expires": 55}},
    "logouts": {"task": "accesscontrol.tell_logouts", "schedule": 5.0, "options": {"expires": 5}},
    "signing-keys": {"task": "accesscontrol.rotate_signing_keys", "schedule": 3_600.0},
    "webhooks": {"task": "applications.deliver_webhooks", "schedule": 5.0},
    "exchange": {"task": "applications.publish_events", "schedule": 5.0, "options": {"expires": 5}},
    "webhook-records": {"task": "applications.tidy_webhooks", "schedule": 86_400.0},
    "event-retention": {"task": "applications.prune_events", "schedule": 3_600.0},
    "reminders": {"task": "applications.remind_of_ends", "schedule": 3_600.0},
    "usage": {"task": "applications.forget_usage", "schedule": 86_400.0},
    "history-chain": {"task": "tenants.chain_history", "schedule": 10.0},
    "addresses": {"task": "tenants.answer_addresses", "schedule": 5.0, "options": {"expires": 5}},
    "deleted-people": {"task": "tenants.erase_late", "schedule": 300.0},
    "history-partitions": {"task": "tenants.prepare_partitions", "schedule": 86_400.0},
    "history-check": {"task": "tenants.verify_history", "schedule": 86_400.0},
    "history-retention": {"task": "tenants.prune_history", "schedule": 86_400.0},
}
