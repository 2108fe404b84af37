"""The figures of a page that lead nowhere: what tests of whole pages ask."""

from __future__ import annotations

import re

_LINE = re.compile(r"<tr\b.*?</tr>", re.DOTALL)
_FIGURE = re.compile(r'<td class="num"[^>]*>(.*?)</td>', re.DOTALL)
_MARK = re.compile(r"<abbr>.*?</abbr>")
_TAG = re.compile(r"<[^>]+>")
# Where the way ends: a line of a trace names its cells and its snapshot, one of the list of files has the file's own hash.
_END = re.compile(r' href="#snapshots?[-"]|<td>[0-9a-f]{64}</td>')


def untraced(page: str) -> list[str]:
    """The texts of the cells of figures without a link; a mark in place of a value is no figure."""
    return [
        _TAG.sub("", figure)
        for line in _LINE.findall(page)
        if not _END.search(line)
        for figure in _FIGURE.findall(line)
        if "<a href=" not in figure and re.search(r"\d", _TAG.sub("", _MARK.sub("", figure)))
    ]
