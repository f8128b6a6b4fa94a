"""The language and the zone that a person has chosen, for as long as one request of his is answered."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.utils import timezone, translation

from tenants.models import User


@contextmanager
def kept() -> Iterator[None]:
    """What counted before counts afterwards: the thread answers somebody else next."""
    zone = timezone.get_current_timezone_name()
    with translation.override(translation.get_language()):
        try:
            yield
        finally:
            if timezone.get_current_timezone_name() != zone:
                timezone.deactivate()


def use(user: User) -> None:
    """From here on. What was not chosen stays as the browser and the installation have it."""
    if user.language:
        translation.activate(user.language)
    if user.time_zone:
        timezone.activate(user.time_zone)
