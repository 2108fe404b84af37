"""What charts are drawn with: elements of SVG as text, places on a scale, and round numbers for its marks.

In: numbers and publishers' words. Out: markup that is safe on a page: words are escaped, colours are the page's CSS variables. No
text is measured with a font, since a reader's machine may have another: room is reckoned with the usual width of a letter.
"""

from __future__ import annotations

import dataclasses
import functools
import html
import itertools
import math
import re
import unicodedata
from collections.abc import Iterable, Sequence

FONT = "Arial, Helvetica, 'Liberation Sans', 'Noto Sans', sans-serif"
FONT_SIZE = 12
_LETTER_WIDTH = 6.7
# What may begin a line: a word with the blanks behind it, or an East Asian letter with what may not be parted from it.
_PIECE = re.compile(r"[（「『【]*(?:[^\s\u3000-\uffef]+|[\u3000-\uffef])[）」』】、。：；・ー]*\s*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ufffe\uffff\ud800-\udfff]")


def number(value: float) -> str:
    """A coordinate: a tenth of a pixel is as fine as anyone can see."""
    return f"{round(value, 1) + 0.0:g}"


def text(words: str, x: float, y: float, *, anchor: str = "start", style: str = "fill:var(--chart-text)", more: str = "") -> str:
    """Words with their foot at (x, y); `anchor` start, middle or end."""
    placed = f'x="{number(x)}" y="{number(y)}"' + (f' text-anchor="{anchor}"' if anchor != "start" else "")
    return f'<text {placed} style="{style}"{more}>{shown(words)}</text>'


def shown(words: str) -> str:
    """Words as the text of an element: escaped, without what XML cannot hold."""
    return html.escape(_CONTROL.sub("\ufffd", str(words)))


def line(x1: float, y1: float, x2: float, y2: float, style: str = "stroke:var(--chart-grid)") -> str:
    return f'<path d="M{number(x1)} {number(y1)}L{number(x2)} {number(y2)}" style="{style}"/>'


def mark_title(words: str) -> str:
    """What a mark says to whoever points at it."""
    return f"<title>{shown(words)}</title>"


def bar(x: float, y: float, width: float, height: float, series: int, *, provisional: bool, told: str) -> str:
    """A bar in the colour of the series, which tells its figure; a provisional one is light, with a dashed edge."""
    colour = f"var(--series-{series})"
    state = "fill-opacity:.4;stroke-dasharray:4 3" if provisional else "fill-opacity:.95"
    place = f'x="{number(x)}" y="{number(y)}" width="{number(max(width, 0))}" height="{number(max(height, 0))}"'
    title = mark_title(told)
    return f'<rect {place} rx="1" style="fill:{colour};stroke:{colour};stroke-width:1.2;{state}">{title}</rect>'


def outline(x: float, y: float, width: float, height: float) -> str:
    """A frame that says nothing but where a place is; no rectangle, because rectangles are figures."""
    path = f"M{number(x)} {number(y)}h{number(width)}v{number(height)}h{number(-width)}z"
    return f'<path d="{path}" style="fill:none;stroke:var(--chart-grid)"/>'


def shade(x: float, y: float, width: float, height: float, share: float, told: str) -> str:
    """A square as dark as a share (0 to 1), which tells its figure."""
    place = f'x="{number(x)}" y="{number(y)}" width="{number(width)}" height="{number(height)}"'
    return f'<rect {place} style="fill:var(--series-1);fill-opacity:{0.06 + 0.94 * share:.2f}">{mark_title(told)}</rect>'


def disc(x: float, y: float, radius: float, told: str) -> str:
    """A disc, never too small to be seen, which tells its figure."""
    place = f'cx="{number(x)}" cy="{number(y)}" r="{number(max(radius, 1.2))}"'
    return f'<circle {place} style="fill:var(--series-1);fill-opacity:.85">{mark_title(told)}</circle>'


def drawing(width: float, height: float, parts: Iterable[str]) -> str:
    """The whole: it fills a narrow page and never grows beyond its own size."""
    size = f'viewBox="0 0 {number(width)} {number(height)}" style="max-width:{number(width)}px"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="{FONT}" font-size="{FONT_SIZE}">'
    return f"{head}{''.join(parts)}</svg>"


def width_of(words: str) -> float:
    """The usual width of words at FONT_SIZE (East Asian letters are square)."""
    return _width_of(str(words))


@functools.lru_cache(maxsize=4096)
def _width_of(words: str) -> float:
    return sum(_letter_width(sign) for sign in words)


def cut_to(words: str, room: float) -> str:
    """The words as far as they fit into so many pixels."""
    words = str(words)
    fitting = sum(1 for end in itertools.accumulate(_letter_width(sign) for sign in words) if end <= room)
    return words if fitting == len(words) else f"{words[: max(fitting - 1, 0)]}…"


def folded(words: str, room: float) -> list[str]:
    """The words in lines of at most so many pixels at the usual size; a word that is longer has a line of its own."""
    if width_of(words) <= room:
        return [words] if words else []
    lines: list[str] = []
    left = 0.0
    for piece in _PIECE.findall(words):
        wide = width_of(piece.rstrip())
        if lines and wide <= left:
            lines[-1] += piece
        else:
            lines.append(piece)
            left = room
        left -= width_of(piece)
    return [line.rstrip() for line in lines]


def two_lines(words: str, room: float) -> list[str]:
    """The words in one line or two of so many pixels; what does not fit into the second is cut."""
    first, *more = folded(words, room) or [""]
    rest = words[len(first) :].strip() if more else ""
    return [cut_to(first, room), *([cut_to(rest, room)] if rest else [])]


def _letter_width(sign: str) -> float:
    return FONT_SIZE if unicodedata.east_asian_width(sign) in "WF" else _LETTER_WIDTH


@dataclasses.dataclass(frozen=True)
class Scale:
    """Values on a stretch of pixels, with round marks: the first and the last mark are its ends."""

    marks: tuple[float, ...]
    labels: tuple[str, ...]
    start: float  # the pixel of the first mark
    end: float  # the pixel of the last mark
    divisor: int = 1  # how many of the values' unit one of the marks' unit is

    @classmethod
    def over(cls, values: Iterable[float], start: float, end: float, count: int, divisor: int = 1) -> Scale:
        """From the least value (or 0) to the greatest, in about `count` steps of 1, 2 or 5 times a power of ten."""
        known = [0.0, *(value / divisor for value in values)]
        least, greatest = min(known), max(known)
        # A range too small for a floating-point step is none.
        step, places = _step(each if (each := (greatest - least) / count) > 1e-300 else 1.0)
        first, last = math.floor(least / step + 1e-9), max(math.ceil(greatest / step - 1e-9), 1)
        marks = tuple(round(place * step, places) for place in range(first, last + 1))
        return cls(marks, tuple(f"{mark:,.{places}f}" for mark in marks), start, end, divisor)

    def __call__(self, value: float) -> float:
        first, last = self.marks[0], self.marks[-1]
        return self.start + (value / self.divisor - first) / (last - first) * (self.end - self.start)

    def marked(self) -> Sequence[tuple[float, str]]:
        """The pixel and the words of each mark."""
        return [(self(mark * self.divisor), label) for mark, label in zip(self.marks, self.labels, strict=True)]


def _step(least: float) -> tuple[float, int]:
    """The round number that is not less, and how many decimal places it has."""
    power = math.floor(math.log10(least))
    for factor in (1, 2, 5, 10):
        if factor * 10.0**power >= least * (1 - 1e-9):
            step = factor * 10.0**power
            return step, max(0, -math.floor(math.log10(step) + 1e-9))
    raise AssertionError(f"no step for {least}")
