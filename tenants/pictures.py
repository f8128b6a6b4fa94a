"""A picture from a stranger, as one that can be shown: PNG or JPEG by its content, with nothing beside it.

It is not stored as it came: of a PNG the pixels are unpacked, counted and packed anew; of a JPEG only those
parts are kept that a picture is drawn from. So no text, position of a camera, script or second file comes
along. SVG is a document that can hold scripts, and is not taken.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from iam_portal.sentences import said

MOST_BYTES = 64 * 1024
LEAST_SIDE, MOST_SIDE = 16, 1024  # pixels
_PNG = b"\x89PNG\r\n\x1a\n"
# Colour type of a PNG → samples of a pixel, and the depths that it may have (PNG §11.2.2).
_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
# Of a JPEG: tables, frames (baseline, extended, progressive), restart interval.
_FRAMES = (0xC0, 0xC1, 0xC2)
_TABLES = (0xC4, 0xDB, 0xDD)
_ADOBE = 0xEE  # how its colours are coded: without it a picture may come out in wrong ones
_SCAN, _END = 0xDA, 0xD9


class PictureRefused(ValueError):
    """Why it is not taken: a stable word, and a sentence for people."""

    def __init__(self, word: str, text: str) -> None:
        super().__init__(text)
        self.word, self.text = word, text


@dataclass(frozen=True, slots=True)
class Picture:
    """What is stored and served. ``kind`` is ``png`` or ``jpeg``."""

    kind: str
    width: int
    height: int
    data: bytes = field(repr=False)


def cleaned(data: bytes) -> Picture:
    """The picture alone; PictureRefused for everything that is none, whatever it is called."""
    if len(data) > MOST_BYTES:
        raise PictureRefused(
            "picture_too_large",
            said("The file is larger than %(most_bytes)s kB.", {"most_bytes": MOST_BYTES // 1024}),
        )
    if data.startswith(_PNG):
        found = _png(data)
    elif data.startswith(b"\xff\xd8\xff"):
        found = _jpeg(data)
    else:
        raise PictureRefused("picture_kind", _not_taken(data))
    return found


def _not_taken(data: bytes) -> str:
    """Named where people know it as a picture: the browser shows it to them, so why is it refused?"""
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return said("A WebP picture is not taken: save it as PNG or JPEG.")
    if data.startswith(b"GIF8"):
        return said("A GIF picture is not taken: save it as PNG or JPEG.")
    if b"<svg" in data[:1000].lower():
        return said("An SVG picture can hold scripts and is not taken: save it as PNG.")
    return said("The file is neither PNG nor JPEG, whatever it is called.")


def _broken() -> PictureRefused:
    return PictureRefused("picture_broken", "The picture is broken, or of a kind that is not taken.")


def _sized(width: int, height: int) -> None:
    if not (LEAST_SIDE <= width <= MOST_SIDE and LEAST_SIDE <= height <= MOST_SIDE):
        text = said(
            "Each side has from %(least_side)s to %(most_side)s pixels; this one has %(width)s × %(height)s.",
            {"least_side": LEAST_SIDE, "most_side": MOST_SIDE, "width": width, "height": height},
        )
        raise PictureRefused("picture_size", text)


def _png(data: bytes) -> Picture:
    chunks = list(_chunks(data))
    if not chunks or chunks[0][0] != b"IHDR" or len(chunks[0][1]) != 13 or chunks[-1][0] != b"IEND":
        raise _broken()
    head = chunks[0][1]
    width, height, depth, colours, packing, filtering, laced = struct.unpack(">IIBBBBB", head)
    _sized(width, height)
    if depth not in _DEPTHS.get(colours, ()) or (packing, filtering) != (0, 0) or laced > 1:
        raise _broken()
    kept = {name: content for name, content in chunks if name in (b"PLTE", b"tRNS")}
    if len(kept.get(b"PLTE", b"")) not in range(0, 769, 3) or len(kept.get(b"tRNS", b"")) > 256:
        raise _broken()
    if colours == 3 and b"PLTE" not in kept:
        raise _broken()
    size = _unpacked_size(width, height, depth * _SAMPLES[colours], laced)
    pixels = _unpacked(b"".join(content for name, content in chunks if name == b"IDAT"), size)
    parts = [(b"IHDR", head), *((name, kept[name]) for name in (b"PLTE", b"tRNS") if name in kept)]
    parts += [(b"IDAT", zlib.compress(pixels, 9)), (b"IEND", b"")]
    return Picture("png", width, height, _PNG + b"".join(_chunk(*part) for part in parts))


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """To the first IEND; what stands behind it is left there."""
    place = len(_PNG)
    while place + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, place)
        name, end = data[place + 4 : place + 8], place + 8 + length
        if end + 4 > len(data) or struct.unpack_from(">I", data, end)[0] != zlib.crc32(data[place + 4 : end]):
            raise _broken()
        yield name, data[place + 8 : end]
        if name == b"IEND":
            return
        place = end + 4


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def _unpacked_size(width: int, height: int, bits: int, laced: int) -> int:
    """Bytes of the rows, each with its filter; of seven pictures in one when they are interlaced."""
    passes = _ADAM7 if laced else ((0, 0, 1, 1),)
    sizes = [(-(-(width - x) // dx), -(-(height - y) // dy)) for x, y, dx, dy in passes]
    return sum(rows * (1 + -(-columns * bits // 8)) for columns, rows in sizes if columns > 0 and rows > 0)


def _unpacked(packed: bytes, size: int) -> bytes:
    """No more than the picture has: a small file can hold gigabytes."""
    unpacking = zlib.decompressobj()
    try:
        pixels = unpacking.decompress(packed, size + 1)
    except zlib.error as error:
        raise _broken() from error
    if len(pixels) != size or not unpacking.eof:
        raise _broken()
    return pixels


def _jpeg(data: bytes) -> Picture:
    place, size, kept = 2, None, [b"\xff\xd8"]
    while True:
        marker, content, place = _segment(data, place)
        if marker == _END:
            break
        if marker in _FRAMES:
            size = _frame(content, size)
        if marker in _FRAMES or marker in _TABLES or (marker == _ADOBE and content.startswith(b"Adobe")):
            kept.append(_written(marker, content[:12] if marker == _ADOBE else content))
        elif marker == _SCAN and size is not None:
            end = _end_of_scan(data, place)
            kept += [_written(marker, content), data[place:end]]
            place = end
        elif not (0xE0 <= marker <= 0xEF or marker == 0xFE):
            raise _broken()
    if size is None or len(kept) < 5:
        raise _broken()
    return Picture("jpeg", *size, b"".join(kept) + b"\xff\xd9")


def _segment(data: bytes, place: int) -> tuple[int, bytes, int]:
    """A marker, what it holds, and where the next one stands."""
    while data[place : place + 2] == b"\xff\xff":  # it may be filled up
        place += 1
    if place + 2 > len(data) or data[place] != 0xFF:
        raise _broken()
    marker = data[place + 1]
    if marker == _END:
        return marker, b"", place + 2
    if place + 4 > len(data):
        raise _broken()
    (length,) = struct.unpack_from(">H", data, place + 2)
    end = place + 2 + length
    if length < 2 or end > len(data):
        raise _broken()
    return marker, data[place + 4 : end], end


def _frame(content: bytes, before: tuple[int, int] | None) -> tuple[int, int]:
    """Width and height, of the one frame there is: grey, or three colours of eight bits."""
    if before is not None or len(content) < 6:
        raise _broken()
    depth, height, width, colours = struct.unpack_from(">BHHB", content)
    if depth != 8 or colours not in (1, 3) or len(content) != 6 + 3 * colours:
        raise _broken()
    _sized(width, height)
    return width, height


def _end_of_scan(data: bytes, place: int) -> int:
    """Where the next marker stands: in what is coded, FF is followed by 00 or by a restart."""
    while (place := data.find(b"\xff", place)) >= 0 and place + 1 < len(data):
        if data[place + 1] != 0 and not 0xD0 <= data[place + 1] <= 0xD7:
            return place
        place += 2
    raise _broken()


def _written(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content
