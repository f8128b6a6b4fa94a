"""Pictures, drawn by hand: good ones, and the parts that bad ones are made of."""

import struct
import zlib

PNG = b"\x89PNG\r\n\x1a\n"
# Colour type → samples of a pixel.
_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}


def chunk(name: bytes, content: bytes = b"") -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def head(width: int = 32, height: int = 24, *, depth: int = 8, colours: int = 6, laced: int = 0) -> bytes:
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colours, 0, 0, laced))


def rows(width: int = 32, height: int = 24, *, depth: int = 8, colours: int = 6) -> bytes:
    """Without interlacing; each row has its filter first."""
    return (b"\0" + b"\x40" * -(-width * depth * _SAMPLES[colours] // 8)) * height


def png(*between: bytes, pixels: bytes | None = None, behind: bytes = b"") -> bytes:
    """A small one, with whatever stands between its head and its pixels, and behind its end."""
    packed = zlib.compress(rows() if pixels is None else pixels)
    return PNG + head() + b"".join(between) + chunk(b"IDAT", packed) + chunk(b"IEND") + behind


def segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def frame(
    width: int = 32, height: int = 24, colours: int = 3, *, marker: int = 0xC0, depth: int = 8
) -> bytes:
    return segment(marker, struct.pack(">BHHB", depth, height, width, colours) + b"\1\x11\0" * colours)


def jpeg(*between: bytes, scan: bytes = b"\x12\xff\x00\x34\xff\xd0\x56", behind: bytes = b"") -> bytes:
    """The parts of one; no decoder would like what is in it."""
    tables = segment(0xDB, b"\0" + b"\1" * 64) + segment(0xC4, b"\0" + b"\1" * 16)
    start = segment(0xDA, b"\3\1\0\2\x11\3\x11\0\x3f\0")
    parts = b"".join(between) or frame()
    return b"\xff\xd8" + segment(0xE0, b"JFIF\0") + tables + parts + start + scan + b"\xff\xd9" + behind
