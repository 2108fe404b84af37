"""Which items of a section stand on the first page of a release, and on how many further pages the others do.

In: the sections of a release, and where each figure is traced. Out: `ShownSection`s, whose items are drawn in every language; all
languages divide them alike, so that no page grows beyond a megabyte in any.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence

import markupsafe

from pipeline.publish.content import Item, Section
from pipeline.publish.languages import LANGUAGES, language, speaking
from pipeline.publish.rendering import parts
from pipeline.publish.texts import slug

# Room for tables on a page of a megabyte, with its head, styles, legend and list of sources.
TABLES_BYTES = 800_000


@dataclasses.dataclass(frozen=True)
class Block:
    """An item of a section, drawn in every language."""

    item: Item
    drawn: Mapping[str, markupsafe.Markup]

    @functools.cached_property
    def size(self) -> int:
        """Bytes in the language that needs most: pages are divided alike in all of them."""
        return max(len(text.encode()) for text in self.drawn.values())

    def __html__(self) -> str:
        return self.drawn[language()]


@dataclasses.dataclass(frozen=True)
class FurtherPage:
    """A page with tables of one section that do not stand on the first page."""

    name: str  # of the file
    part: int
    parts: int
    tables: tuple[tuple[str, str], ...]  # (id, title)
    blocks: tuple[Block, ...]


@dataclasses.dataclass(frozen=True)
class ShownSection:
    """A section as it stands on the first page, and its further pages."""

    id: str
    title: str
    native: str
    lead: tuple[str, ...]
    blocks: tuple[Block, ...]
    pages: tuple[FurtherPage, ...]


def shown_sections(sections: Sequence[Section], links: Mapping[str, Mapping[str, str]]) -> list[ShownSection]:
    """Main items on the first page as long as there is room; the others on pages of their section. `links`: for each language."""
    room, shown = TABLES_BYTES, []
    for section, blocks in zip(sections, drawn_items(sections, links), strict=True):
        main = [block for block in blocks if block.item.is_main]
        further = [block for block in blocks if not block.item.is_main]
        size = sum(block.size for block in main)
        if size > room:
            main, further, size = [], [*main, *further], 0
        room -= size
        pages = _further_pages(f"tables_{slug(section.id.removeprefix('series-'))}", further)
        shown.append(ShownSection(section.id, section.title, section.native, section.lead, tuple(main), pages))
    return shown


def drawn_items(sections: Sequence[Section], links: Mapping[str, Mapping[str, str]]) -> list[list[Block]]:
    """The items of each section, in every language. `links`: for each language, observation id -> where it is traced."""
    drawn: list[list[dict[str, markupsafe.Markup]]] = [[{} for __ in section.items] for section in sections]
    for code in LANGUAGES:
        with speaking(code):
            draw = parts(links.get(code, {})).item
            for section, made in zip(sections, drawn, strict=True):
                for item, block in zip(section.items, made, strict=True):
                    block[code] = draw(item)
    return [
        [Block(item, block) for item, block in zip(section.items, made, strict=True)]
        for section, made in zip(sections, drawn, strict=True)
    ]


def _further_pages(stem: str, blocks: Sequence[Block]) -> tuple[FurtherPage, ...]:
    """As few pages as hold the items in their order."""
    groups: list[list[Block]] = []
    size = 0
    for block in blocks:
        if not groups or size + block.size > TABLES_BYTES:
            groups.append([])
            size = 0
        groups[-1].append(block)
        size += block.size
    return tuple(
        FurtherPage(
            f"{stem}{f'-{part}' if part > 1 else ''}.html",
            part,
            len(groups),
            tuple((block.item.table.id, block.item.table.title) for block in group if block.item.table),
            tuple(group) if len(group) > 1 else (_opened(group[0]),),
        )
        for part, group in enumerate(groups, 1)
    )


def _opened(block: Block) -> Block:
    """The only table of a page is open: whoever came there has asked for it."""
    if not block.item.collapsed:
        return block
    drawn = {code: str(text).replace("<details>", "<details open>", 1) for code, text in block.drawn.items()}
    return Block(block.item, {code: markupsafe.Markup(text) for code, text in drawn.items()})
