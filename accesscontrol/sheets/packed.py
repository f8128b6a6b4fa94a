"""A workbook is a ZIP archive: looked at before anything of it is unpacked, and unpacked within bounds.

What an archive says of its own sizes is not believed: what comes out is counted. Each part is read once.
"""

import io
import zlib
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from accesscontrol.sheets.refused import broken
from iam_portal.sentences import said

LARGEST = 4 * 1024 * 1024  # bytes, packed
UNPACKED = 32 * 1024 * 1024  # bytes of all parts that are read
MOST_PARTS = 200
MARKS = 2_500_000  # "<" in all parts that are read: the largest workbook has two million
# Programs, other files and places of the world: a workbook of ours has none.
_REFUSED = {
    "vbaproject": said("programs (macros)"),
    "macrosheets/": said("programs (macros)"),
    "externallinks/": said("links to other files"),
    "connections.xml": said("connections to other places"),
    "querytables/": said("connections to other places"),
    "embeddings/": said("embedded files"),
    "activex/": said("programs (macros)"),
}
_NO_WORKBOOK = "This is no workbook (.xlsx). Nothing was changed."


class Package:
    """The parts of a workbook by their names."""

    def __init__(self, raw: bytes) -> None:
        if len(raw) > LARGEST:
            raise broken(said("The workbook is larger than %(most)d MiB.", {"most": LARGEST >> 20}))
        try:
            self._archive = ZipFile(io.BytesIO(raw))
        except (BadZipFile, ValueError, NotImplementedError, OSError):
            raise broken(_NO_WORKBOOK) from None
        self._left, self._marks = UNPACKED, MARKS
        self._parts = _parts(self._archive)

    def part(self, name: str) -> bytes | None:
        """One of them, within what is left; None where it is not there."""
        found = self._parts.get(name.lower())
        if found is None:
            return None
        try:
            with self._archive.open(found) as stream:
                text = stream.read(self._left + 1)
        except (BadZipFile, zlib.error, EOFError, ValueError, RuntimeError, OSError, OverflowError):
            raise broken(_NO_WORKBOOK) from None
        self._left -= len(text)
        if self._left < 0:
            raise broken(
                said("Unpacked, the workbook is larger than %(most)d MiB.", {"most": UNPACKED >> 20})
            )
        self._marks -= text.count(b"<")  # also in UTF-16; empty elements pack into nothing
        if self._marks < 0:
            raise broken(said("There is too much in the workbook."))
        return text


def _parts(archive: ZipFile) -> dict[str, ZipInfo]:
    listed = archive.infolist()
    if len(listed) > MOST_PARTS:
        raise broken(said("The workbook has more than %(most)d parts.", {"most": MOST_PARTS}))
    parts: dict[str, ZipInfo] = {}
    for one in listed:
        name = one.filename.lower()
        for sign, what in _REFUSED.items():
            if sign in name:
                text = said("The workbook holds %(what)s. Save it without them, as .xlsx.", {"what": what})
                raise broken(text)
        # Two of one name: each program would read another. Encrypted, or packed in a way of its own.
        if name in parts or one.flag_bits & 1 or one.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
            raise broken(_NO_WORKBOOK)
        parts[name] = one
    return parts
