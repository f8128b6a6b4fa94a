"""A picture from a stranger: what is kept of it, and what is none."""

import zlib
from typing import Any

import pytest

from tenants import pictures
from tenants.pictures import PictureRefused
from tests.support.drawing import PNG, chunk, frame, head, jpeg, png, rows, segment

SCRIPT = b"<script>alert(1)</script>"


def refused(data: bytes) -> str:
    with pytest.raises(PictureRefused) as caught:
        pictures.cleaned(data)
    assert caught.value.text
    return caught.value.word


def of_kind(depth: int, colours: int, laced: int = 0) -> bytes:
    pixels = rows(depth=depth, colours=colours)
    palette = chunk(b"PLTE", b"\1\2\3" * 2) if colours == 3 else b""
    first = head(depth=depth, colours=colours, laced=laced)
    return PNG + first + palette + chunk(b"IDAT", zlib.compress(pixels)) + chunk(b"IEND")


@pytest.mark.parametrize(("depth", "colours"), [(1, 0), (16, 0), (8, 2), (4, 3), (8, 4), (8, 6), (16, 6)])
def test_every_kind_of_png_is_taken(depth: int, colours: int) -> None:
    found = pictures.cleaned(of_kind(depth, colours))
    assert (found.kind, found.width, found.height) == ("png", 32, 24)
    assert pictures.cleaned(found.data) == found  # it is as clean as it can be


def test_of_a_png_only_the_picture_is_kept() -> None:
    told = [
        chunk(b"tEXt", b"Author\0Jane"),
        chunk(b"iCCP", b"p\0\0x"),
        chunk(b"eXIf", b"MM\0*"),
        chunk(b"acTL", b"x"),
    ]
    found = pictures.cleaned(png(*told, behind=SCRIPT))
    assert found == pictures.cleaned(png())
    for part in (b"Jane", b"iCCP", b"eXIf", b"acTL", SCRIPT):
        assert part not in found.data


def test_what_hides_in_packed_pixels_is_packed_anew() -> None:
    """Two ways of packing the same pixels come to the same file."""
    stored = zlib.compress(rows(), 0)
    other = PNG + head() + chunk(b"IDAT", stored) + chunk(b"IEND")
    assert pictures.cleaned(other) == pictures.cleaned(png())


@pytest.mark.parametrize(
    "data",
    [
        PNG,
        PNG + b"IHDR",
        PNG + head(),
        PNG + head() + chunk(b"IEND"),
        PNG + chunk(b"IEND") + head(),
        png(pixels=rows()[:-1]),
        png(pixels=rows() + b"\0"),
        png(pixels=b"\0" * 50_000_000),
        png()[:-20],
        png().replace(b"IDAT", b"IDAX"),
        png(chunk(b"PLTE", b"\1\2")),
        png(chunk(b"tRNS", b"\1" * 257)),
        PNG + head(depth=3) + chunk(b"IDAT", zlib.compress(rows())) + chunk(b"IEND"),
        PNG + head(colours=5) + chunk(b"IDAT", zlib.compress(rows())) + chunk(b"IEND"),
        PNG + head(colours=3) + chunk(b"IDAT", zlib.compress(rows(colours=3))) + chunk(b"IEND"),
        PNG + head(laced=2) + chunk(b"IDAT", zlib.compress(rows())) + chunk(b"IEND"),
        PNG + head() + chunk(b"IDAT", b"no zlib") + chunk(b"IEND"),
        PNG + b"\xff\xff\xff\xffIHDR",
    ],
    ids=range(18),
)
def test_a_broken_png_is_none(data: bytes) -> None:
    assert refused(data) in ("picture_broken", "picture_too_large")


def test_an_interlaced_png_is_counted_by_its_passes() -> None:
    """Of 32 × 24 pixels: seven small pictures, each row with its filter."""
    sizes = [(4, 3), (4, 3), (8, 3), (8, 6), (16, 6), (16, 12), (32, 12)]
    pixels = b"".join((b"\0" + b"\x40" * (4 * columns)) * count for columns, count in sizes)
    laced = PNG + head(laced=1) + chunk(b"IDAT", zlib.compress(pixels)) + chunk(b"IEND")
    assert pictures.cleaned(laced).width == 32
    assert refused(of_kind(8, 6, laced=1)) == "picture_broken"


def test_sizes_are_bounded() -> None:
    for width, height in ((15, 24), (24, 15), (1025, 24), (2**31, 2**31), (0, 0)):
        data = PNG + head(width, height) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND")
        assert refused(data) == "picture_size"
    assert refused(jpeg(frame(2000, 24))) == "picture_size"
    assert refused(png() + b"\0" * pictures.MOST_BYTES) == "picture_too_large"


def test_of_a_jpeg_only_the_picture_is_kept() -> None:
    told = [
        segment(0xE1, b"Exif\0\0where"),
        segment(0xFE, SCRIPT),
        segment(0xED, b"Photoshop"),
        segment(0xEE, b"Adobe" + b"\0" * 7 + b"tail"),
    ]
    found = pictures.cleaned(jpeg(*told, frame(), behind=SCRIPT))
    assert (found.kind, found.width, found.height) == ("jpeg", 32, 24)
    for part in (b"Exif", b"where", SCRIPT, b"Photoshop", b"JFIF", b"tail"):
        assert part not in found.data
    assert b"Adobe" in found.data
    assert found.data.endswith(b"\x56\xff\xd9")
    assert pictures.cleaned(found.data) == found


def test_a_progressive_jpeg_has_many_scans() -> None:
    more = segment(0xC4, b"\0" + b"\1" * 16) + segment(0xDA, b"\1\1\0\0\x3f\0") + b"\x77"
    found = pictures.cleaned(jpeg(frame(marker=0xC2), scan=b"\x12" + more))
    assert found.data.count(b"\xff\xda") == 2


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xd8\xff",
        b"\xff\xd8\xff\xd9",
        jpeg()[:-2],
        jpeg()[:40],
        jpeg(segment(0xFE, b"no frame")),
        jpeg(frame() + frame()),
        jpeg(frame(marker=0xC3)),
        jpeg(frame(marker=0xC9)),
        jpeg(frame(colours=4)),
        jpeg(frame(depth=12)),
        b"\xff\xd8" + segment(0xDA, b"\0") + b"\x12\xff\xd9",
        b"\xff\xd8\xff\xc0\x00\x01",
    ],
    ids=range(12),
)
def test_a_broken_jpeg_is_none(data: bytes) -> None:
    assert refused(data) == "picture_broken"


@pytest.mark.parametrize(
    "data",
    [b"", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"GIF89a", b"RIFF\0\0\0\0WEBP", SCRIPT, b"\0" * 100],
)
def test_other_kinds_are_not_taken_whatever_they_are_called(data: bytes) -> None:
    assert refused(data) == "picture_kind"


def test_a_picture_says_little_of_itself() -> None:
    shown: Any = repr(pictures.cleaned(png()))
    assert "data" not in shown


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (b"RIFF\x10\0\0\0WEBPVP8L", "WebP"),
        (b"GIF89a", "GIF"),
        (b"<?xml version='1.0'?><SVG xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b"RIFF\x10\0\0\0WAVE", "neither PNG nor JPEG"),
        (b"RIFF", "neither PNG nor JPEG"),
    ],
)
def test_why_another_kind_is_refused(data: bytes, named: str) -> None:
    with pytest.raises(PictureRefused) as refused:
        pictures.cleaned(data)
    assert (refused.value.word, named in refused.value.text) == ("picture_kind", True)
