"""The page of a release: content in, one self-contained HTML file out.

In: `Content`, the declared sources and snapshots. Out: text. Publishers' words pass through automatic escaping; what enters
unescaped is the drawings that `pipeline.publish.charts` made, and the JSON-LD of `pipeline.publish.citation`, escaped there.
"""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
import markupsafe

from pipeline.model import EDITIONS, Period, Snapshot
from pipeline.publish.charts import Chart
from pipeline.publish.content import Content, plain_text
from pipeline.publish.tables import MARKS, clean, period_label, slug
from pipeline.sources.catalogue import Source

METHODS: tuple[str, ...] = (
    "Where several publications print one figure, all are kept. The declared order of the sources picks the one that leads: the "
    "annual crime book before the rolling monthly file, that before figures quoted by the press. The others stand beside it with "
    "the difference.",
    "A figure that was printed rounded keeps its precision: ± is half of the printed unit. Sums and changes of rounded figures "
    "carry it on.",
    "Nothing is added across an overlay, a break in the classification, two meanings of loss, or a total and its parts.",
    "A change on the year is not computed across a break in the series [b]. A change between a final and a provisional figure "
    "says so.",
    "US dollars are converted at the average rate of the period: months one by one where all of them are known, else at the "
    "average of the months' rates. Losses are in current prices.",
    "Loss per case divides by what its name says: all cases recognised (attempts included), completed cases, or cases with a "
    "loss.",
)
SOURCE_FACTS: tuple[tuple[str, str], ...] = (
    ("publisher", "Publisher"),
    ("unit_of_count", "Counts"),
    ("loss_concept", "Meaning of loss"),
    ("date_basis", "Date of a case"),
    ("coverage", "Coverage"),
    ("calendar", "Expected calendar"),
    ("licence", "Licence"),
    ("attribution", "Attribution"),
    ("owner", "Owner here"),
    ("homepage", "Home page"),
)
FREQUENCY_TITLES = {"annual": "Annual", "quarterly": "Quarterly", "monthly": "Monthly"}


def release_page(
    content: Content,
    *,
    sources: Sequence[Source],
    snapshots: Sequence[Snapshot],
    as_of: dt.date | None,
    code_version: str,
    release_id: str,
    files: Sequence[tuple[str, str]],
    citation: str,
    json_ld: str,
) -> str:
    """The page's HTML. `files` are (name, description) of what lies beside it; `json_ld` is safe within a script element."""
    as_of_text = f"Figures known by {as_of.isoformat()}" if as_of else "All figures known when it was made"
    return render(
        "release.html.j2",
        content=content,
        frequency_word=FREQUENCY_TITLES.get(content.period.frequency, content.period.frequency),
        release_id=release_id,
        code_version=code_version,
        as_of_text=as_of_text,
        source_list=[source_view(source, snapshots) for source in sources],
        methods=METHODS,
        files=files,
        citation=citation,
        json_ld=markupsafe.Markup(json_ld),
    )


def render(template: str, **words: Any) -> str:
    """A page from its template; whatever control characters came in with the words are made visible."""
    return clean(environment().get_template(template).render(marks=MARKS, editions=EDITIONS, **words))


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
    made.filters["drawing"] = drawing
    return made


def drawing(chart: Chart) -> markupsafe.Markup:
    """The chart's SVG with title and description for those who cannot see it."""
    name = f"chart-{slug(chart.id)}"
    head = markupsafe.Markup('<title id="{0}-title">{1}</title><desc id="{0}-desc">{2}</desc>').format(
        name, clean(chart.title), clean(chart.description)
    )
    attributes = f' role="img" aria-labelledby="{name}-title {name}-desc"'
    start = chart.svg.index(">")
    return markupsafe.Markup(chart.svg[:start] + attributes + ">") + head + markupsafe.Markup(chart.svg[start + 1 :])


def source_view(source: Source, snapshots: Sequence[Snapshot] = ()) -> dict[str, Any]:
    """What a page says of a source: facts, breaks, caveats, and the snapshots that were used."""
    homepage = str(source.meta.get("homepage", ""))
    return {
        "anchor": slug(source.id),
        "title": clean(f"{source.title} ({source.id})"),
        "title_ja": clean(source.meta.get("title_ja", "")),
        "facts": [(words, clean(text)) for key, words in SOURCE_FACTS if (text := plain_text(source.meta.get(key)))],
        # A link must lead to the web and nowhere else: no publisher's text becomes a script.
        "link": homepage if homepage.startswith(("https://", "http://")) else "",
        "breaks": [_break_text(entry) for entry in source.breaks],
        "caveats": [clean(plain_text(line)) for line in _as_list(source.meta.get("caveats"))],
        "snapshots": [
            {"id": clean(item.id), "text": _snapshot_text(item)}
            for item in sorted(snapshots, key=lambda s: s.order)
            if item.source == source.id
        ],
    }


def _as_list(value: Any) -> list[Any]:
    return [] if value is None else list(value) if isinstance(value, list | tuple) else [value]


def _break_text(entry: Mapping[str, Any]) -> str:
    which = entry.get("native_types") or entry.get("measures")
    what = "all figures" if entry.get("all") or not which else plain_text(which)
    when = _period_words(str(entry.get("from", "")))
    text = f"{entry.get('table', 'all tables')}, from {when}, {what}: {plain_text(entry.get('reason'))}"
    evidence = plain_text(entry.get("evidence"))
    return clean(f"{text}. Evidence: {evidence}" if evidence else text)


def _period_words(code: str) -> str:
    return period_label(code) if code and _is_period(code) else code


def _is_period(code: str) -> bool:
    try:
        Period.parse(code)
    except ValueError:
        return False
    except Exception:  # UsageError: the declaration may use words
        return False
    return True


def _snapshot_text(item: Snapshot) -> str:
    published = f", published {item.published}" if item.published else ""
    late = ", loaded after the fact" if item.retrospective else ""
    return clean(
        f"{item.file}{published}, known from {item.known_at.isoformat()}{late}, {item.edition}. "
        f"From: {item.origin}. sha256 {item.sha256}"
    )
