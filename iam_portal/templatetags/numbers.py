"""Numbers in the reader's form."""

from django.utils.formats import number_format


def grouped(number: int) -> str:
    """``12,345`` in English."""
    return number_format(number, force_grouping=True)
