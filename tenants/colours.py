"""The colour of an organization: what can be read on it and beside it (WCAG 2.2, 1.4.3), in both themes.

One colour cannot be read on white and on black at once; so a person chooses the light theme's, and the dark
theme has the nearest of the same hue that passes there.
"""

import colorsys
import re
from collections.abc import Callable

Rgb = tuple[float, float, float]

ENOUGH = 4.5
LIGHTEST, DARKEST = "#ffffff", "#101214"  # what is written on the colour, in the light theme and in the dark
# The least favourable grounds of the console: the current item of the navigation, in either theme.
LIGHT_GROUND, DARK_GROUND = "#e5e8ec", "#272a30"
_STEP = 0.0625
_GRAMMAR = re.compile(r"#[0-9a-f]{6}")


def is_colour(text: str) -> bool:
    """``#1d4ed8``: lower-case, six digits."""
    return _GRAMMAR.fullmatch(text) is not None


def contrast(one: str, other: str) -> float:
    """From 1 (the same) to 21 (black and white)."""
    first, second = sorted((_luminance(one), _luminance(other)))
    return (second + 0.05) / (first + 0.05)


def passes(colour: str) -> bool:
    """Whether white can be read on it, and it on the light grounds."""
    return contrast(colour, LIGHT_GROUND) >= ENOUGH


def nearest(colour: str) -> str:
    """The same hue, only so much darker that it passes; itself where it does."""
    return _moved(colour, passes, towards=0.0)


def for_dark(colour: str) -> str:
    """Its counterpart in the dark theme: so much lighter that it is read on dark grounds, and dark on it."""
    return _moved(colour, lambda other: contrast(other, DARK_GROUND) >= ENOUGH, towards=1.0)


def stylesheet(colour: str) -> str:
    """What makes it the console's colour. A function of the colour alone."""
    dark = for_dark(colour)
    pairs = {
        "--tblr-primary": (colour, dark),
        "--tblr-primary-darken": (_shifted(colour, -_STEP), _shifted(dark, _STEP)),
        "--tblr-link-color": (colour, dark),
        "--tblr-link-hover-color": (_shifted(colour, -_STEP), _shifted(dark, _STEP)),
    }
    rules = "".join(f"{name}:light-dark({light},{other});" for name, (light, other) in pairs.items())
    on = f"color:light-dark({LIGHTEST},{DARKEST})"
    return f":root{{{rules}}}.btn-primary,.btn-primary:hover{{{on}}}\n"


def _luminance(colour: str) -> float:
    parts = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in _parts(colour)]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def _moved(colour: str, holds: Callable[[str], bool], *, towards: float) -> str:
    if holds(colour):
        return colour
    hue, light, full = colorsys.rgb_to_hls(*_parts(colour))
    steps = 256
    for step in range(1, steps + 1):
        found = _written(colorsys.hls_to_rgb(hue, light + (towards - light) * step / steps, full))
        if holds(found):
            return found
    raise AssertionError("Black and white are read on everything.")


def _shifted(colour: str, step: float) -> str:
    hue, light, full = colorsys.rgb_to_hls(*_parts(colour))
    return _written(colorsys.hls_to_rgb(hue, min(1.0, max(0.0, light + step)), full))


def _parts(colour: str) -> Rgb:
    red, green, blue = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    return red, green, blue


def _written(parts: Rgb) -> str:
    return "#" + "".join(f"{round(part * 255):02x}" for part in parts)
