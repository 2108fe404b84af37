"""Templates to pages: what every page has in common, and what stands between publishers' words and a browser.

In: the name of a template of `templates/`, and the words of a page. Out: the page, in the language that is spoken. Publishers'
words pass through automatic escaping; what enters unescaped is `pipeline.publish.markup`, the lines of `pipeline.publish.traces`
and the JSON-LD of `pipeline.publish.citation`, escaped there, and our own script. A page allows its browser that script and
nothing from elsewhere.
"""

from __future__ import annotations

import base64
import functools
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2
import markupsafe

from pipeline.model import EDITIONS
from pipeline.publish.labels import edition_word
from pipeline.publish.languages import LANGUAGES, file_name, language, other_language
from pipeline.publish.marks import MARKS
from pipeline.publish.markup import chart_data, drawing, in_code, in_css, link_to, linked, plain_said, points_table, rows
from pipeline.publish.texts import clean
from pipeline.publish.words import _, declared, listed, ngettext, page_name, said
from pipeline.sources.catalogue import are_synthetic


def parts(links: Mapping[str, str], base: str = "") -> Any:
    """The macros of parts.html.j2. `links`: observation id -> where it is traced; `base` stands in front of every link."""
    return environment().get_template("parts.html.j2").make_module(_shared_words(links, base))


def _shared_words(links: Mapping[str, str], base: str) -> dict[str, Any]:
    return {
        "marks": MARKS,
        "editions": EDITIONS,
        "edition_word": edition_word,
        "links": links,
        "base": base,
        "language": language(),
        "filter_words": str(_("{shown} of {all} rows", shown="{shown}", all="{all}")),
        "other_language": other_language(),
    }


def render(template: str, name: str, *, links: Mapping[str, str] | None = None, base: str = "", **words: Any) -> str:
    """A page from its template, in the language that is spoken; `name` is the file of the English one.

    Whatever control characters came in with the words are made visible.
    """
    # Real and made-up sources are never declared together, so one of them tells.
    words |= {"synthetic": are_synthetic()}
    others = [(code, title, file_name(name, code)) for code, title in LANGUAGES.items()]
    return clean(environment().get_template(template).render(**_shared_words(links or {}, base), languages=others, **words))


@functools.cache
def environment() -> jinja2.Environment:
    """The templates with escaping always on and unknown names refused."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    made.globals |= {"_": said, "ngettext": ngettext, "declared": declared, "listed": listed, "page_name": page_name}
    made.globals |= {"link_to": link_to, "link_end": markupsafe.Markup("</a>"), "code": in_code}
    made.filters["said"] = plain_said
    made.filters["in_css"] = in_css
    made.filters["rows"] = rows
    made.filters["drawing"] = drawing
    made.filters["chart_data"] = chart_data
    made.filters["linked"] = linked
    made.filters["points_table"] = points_table
    script = (Path(__file__).parent / "templates" / "page.js").read_text(encoding="utf-8")
    made.globals["script"] = markupsafe.Markup(script)
    made.globals["script_hash"] = f"sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}"
    return made
