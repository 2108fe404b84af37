"""The pages in Japanese: every message is translated, no page holds English of ours, the figures are those of the English one."""

from __future__ import annotations

import ast
import functools
import html.parser
import re
from decimal import Decimal
from pathlib import Path

import pytest
from markupsafe import escape

from pipeline import reference
from pipeline.aggregate.derive import steps_in_words
from pipeline.model import MEASURES, Period
from pipeline.publish import languages, period, release, site, table_notes, words
from pipeline.publish.evidence import Evidence
from pipeline.publish.measures import counting, measure_meaning, measure_title, unit_short
from pipeline.publish.number_texts import spoken_money
from pipeline.publish.period_labels import period_japanese, period_label
from pipeline.sources import catalogue
from pipeline.sources.ftc_csn import layouts as ftc_csn
from tests import publish_sample as sample
from tests.shipped import INBOX, everything
from tools import messages

pytestmark = pytest.mark.slow(seconds=15)
# Two Latin words one after the other are a piece of a sentence; one is of two persons.
ENGLISH = re.compile(r"[A-Za-z][a-z]+[ ,;:]+[A-Za-z]*[a-z]{2,}")
NAME = "McKenzie and Gamba"
# What nobody but the samples of the tests says: names of checks, an explanation, a decision of somebody.
OF_SAMPLES = ("It waits", "one is early", "types add up")


class Reader(html.parser.HTMLParser):
    """The words that a page shows in its own language (`texts`: texts, titles and labels, without code, addresses and what is
    marked) and those that it marks as English (`marked`)."""

    silent = frozenset({"script", "style", "code"})
    void = frozenset({"meta", "link", "br", "img", "input", "hr"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[tuple[str, bool]] = []  # tag, whether what is in it is in the page's language
        self.texts: list[str] = []
        self.marked: list[str] = []
        self.english = 0  # how many of the open elements stand in one that is marked as English
        self.language = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "html":
            self.language = found["lang"]
        own = self.open[-1][1] if self.open else True
        if "lang" in found:
            own = found["lang"] == self.language
        own = own and tag not in self.silent and found.get("translate") != "no"
        if own and tag != "meta":
            self.texts += [found[name] for name in ("title", "aria-label", "placeholder") if found.get(name)]
        if self.english or (found.get("lang") == "en" and self.language != "en"):
            self.english += tag not in self.void
            self.marked += [""] if self.english == 1 else []
        if tag not in self.void:
            self.open.append((tag, own))

    def handle_endtag(self, tag: str) -> None:
        while self.open:
            self.english = max(0, self.english - 1)
            if self.open.pop()[0] == tag:
                break

    def handle_data(self, data: str) -> None:
        if self.english and not any(tag in self.silent for tag, __ in self.open):
            self.marked[-1] += data
        if self.open and self.open[-1][1] and data.strip():
            self.texts.append(data.strip())


def read(page: bytes) -> Reader:
    reader = Reader()
    reader.feed(page.decode())
    return reader


@functools.cache
def own_words() -> frozenset[str]:
    """What others call things, in English: types, the documents that a source names, sources and series of reference."""
    view = everything()
    labels = {row["native_code"] for source in catalogue.sources() for row in messages._rows(source.folder / "crosswalk.csv")}
    names = {item.source for item in reference.series()} | {source.id for source in catalogue.sources()}
    documents = {
        row["origin"]
        for path in sorted(INBOX.glob("*/deliveries.csv"))
        for row in messages._rows(path)
        if not messages.NAMED_DOCUMENT.fullmatch(row["origin"])
    }
    return frozenset({*view["native_type"], *labels, *names, *documents})


def is_own(text: str) -> bool:
    """Whether English that a page marks as such is somebody else's: a label, a quotation, a row of codes, an address."""
    quoted, listed = text.startswith('"'), any(all(part in own_words() for part in text.split(sign)) for sign in ("; ", ", "))
    codes = all(re.fullmatch(r"[\w ]+=.*", part) for part in text.split(";"))
    return (
        quoted
        or listed
        or codes
        or text in own_words()
        or text in OF_SAMPLES
        or bool(re.match(r"\S*(?:://|[\w-]+/[\w-]+:)", text))
    )


@pytest.fixture(scope="module", params=["2012", "2018", "2024", "2025", "2025-Q1", "2025-05"])
def built(request: pytest.FixtureRequest) -> dict[str, bytes]:
    return release.build(sample.given(request.param, everything(), sources=catalogue.sources()))


@pytest.fixture(scope="module")
def pages() -> dict[str, bytes]:
    """Those of the site, and of a period."""
    evidence = Evidence(snapshots=sample.snapshots(), derivation_steps=steps_in_words())
    record = period.new_record(Period.parse("2025"))
    return {
        **site.build([], everything(), catalogue.sources(), evidence),
        **{f"period/{name}": content for name, content in period.pages(record).items()},
        **period.previews("embargo.html", Period.parse("2025"), "0123456789ab", "2026-09-20T00:00Z", ["It waits"]),
    }


def english_of_ours(page: bytes) -> list[str]:
    """What stands in English on a Japanese page though it is ours: a message that has a translation, or a piece of a sentence.

    What is marked as English must be somebody else's: a note of ours that no message fits is marked, too.
    """
    known = {said for said, translated in languages.catalogue("ja").items() if translated != said and len(said) > 2}
    found = read(page)
    marked = [text for text in found.marked if ENGLISH.search(text) and not is_own(text)]
    return [text for text in found.texts if text in known or ENGLISH.search(text.replace(NAME, ""))] + marked


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_title_of_a_series_is_not_that_of_another(language: str) -> None:
    """Two tables of one workbook, and two entries of its contents, would have one name."""
    families: dict[str, set[str]] = {}
    with languages.speaking(language):
        for source in catalogue.sources():
            for table in source.tables.values():
                families.setdefault(str(words.declared(table.title)), set()).add(table.family)
    assert families
    assert {title: found for title, found in families.items() if len(found) > 1} == {}


def test_every_message_is_in_the_catalogue_and_translated_and_no_other_is() -> None:
    found, catalog = messages.messages(), messages.read("ja")
    assert {message.id for message in catalog if message.id} == set(found)
    assert messages.lacking(catalog) == []
    assert len(found) > 1_500
    assert messages.written(messages.updated("ja", catalog, found)) == languages.catalogue_path("ja").read_bytes()


def test_no_page_of_a_release_in_japanese_holds_english_of_ours(built: dict[str, bytes]) -> None:
    japanese = {name: page for name, page in built.items() if name.endswith(".ja.html")}
    assert {name.replace(".ja.html", ".html") for name in japanese} == {
        name for name in built if re.fullmatch(r"[^.]+\.html", name)
    }
    for name, page in japanese.items():
        assert page.startswith(b'<!doctype html>\n<html lang="ja">'), name
        assert english_of_ours(page) == [], name


def test_no_page_of_the_site_in_japanese_holds_english_of_ours(pages: dict[str, bytes]) -> None:
    japanese = [name for name in pages if name.endswith(".ja.html")]
    assert len(japanese) >= 14
    for name in japanese:
        assert english_of_ours(pages[name]) == [], name


def test_english_that_is_left_over_is_found() -> None:
    marked = '<p lang="en">Counterfeit Merchandise</p><td translate="no">rows of it</td>'
    page = f'<html lang="ja"><p>{{}}</p>{marked}</html>'
    assert english_of_ours(page.format("被害額").encode()) == []
    assert english_of_ours(page.format("not ranked").encode()) == ["not ranked"]
    assert english_of_ours(page.format("Loss").encode()) == ["Loss"]
    note = '<span lang="en">the publisher <b>rounds</b> at will</span>'
    assert english_of_ours(page.format(note).encode()) == ["the publisher rounds at will"]
    for own in (
        "Advance fee or <b>loan</b> scams",
        "&quot;some 56.5 bn yen&quot;",
        "https://example.com/ (a blog that quotes it)",
    ):
        assert english_of_ours(page.format(f'<span lang="en">{own}</span>').encode()) == (
            [] if "loan" not in own else ["Advance fee or loan scams"]
        )


def notes() -> list[str]:
    """Every note on a figure that can come out of the shipped files, and those that readers of other files make."""
    corrections = [
        f"corrected from '1.42E+11': {row['reason']} ({row['source']})"
        for source in catalogue.sources()
        if (source.folder / "corrections.csv").is_file()
        for row in messages._rows(source.folder / "corrections.csv")
    ]
    made = [
        ftc_csn.EXCLUDES_STATE_CONTRIBUTORS,
        *(measure.note for measure in vars(ftc_csn).values() if isinstance(measure, ftc_csn.Measure)),
        "the file ends on 2024-09-30; fewer than 10 losses",
        "not in the file: 2023-01, 2023-02",
        "moved from native_type A to B and from classification x to y",
        "moved within one publication: special_fraud -390,000,000, sns_fraud +390,000,000",
    ]
    return sorted({*everything()["note"], *corrections, *made} - {""})


def unmarked_texts(path: Path) -> list[str]:
    """Texts of English words that code gives to a part of a page as they stand: heads, titles, notes, leads, warnings."""
    shown = {"title", "note", "lead", "warning", "head"}
    found: list[str] = []
    for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name):
            given = [keyword.value for keyword in call.keywords if keyword.arg in shown]
            given += call.args[:1] if call.func.id in ("Column", "text_cell") else []
            values = [value.value for value in given if isinstance(value, ast.Constant) and isinstance(value.value, str)]
            found += [text for text in values if re.search(r"\b[A-Za-z]{2,}\b", text)]
    return found


def test_no_part_of_a_page_is_given_english_that_is_no_message(tmp_path: Path) -> None:
    known = {said for said in languages.catalogue("ja")}
    files = sorted(Path(words.__file__).parent.glob("*.py"))
    left = {path.name: [text for text in unmarked_texts(path) if text not in known] for path in files}
    assert {name: texts for name, texts in left.items() if texts} == {}
    bad = tmp_path / "bad.py"
    bad.write_text('Column("In the largest of all")\nColumn(_("Period"))\nTable("id", _("Title"), note="So it is")\n')
    assert unmarked_texts(bad) == ["In the largest of all", "So it is"]


def test_every_note_of_ours_is_said_in_japanese_whatever_numbers_stand_in_it() -> None:
    assert len(notes()) > 70
    with languages.speaking("ja"):
        left = {note: read(f'<html lang="ja"><p>{escape(words.declared(note))}</p>'.encode()) for note in notes()}
    for note, found in left.items():
        assert [text for text in found.texts if ENGLISH.search(text)] == [], note
        assert [text for text in found.marked if ENGLISH.search(text) and not is_own(text)] == [], note


def test_a_long_note_is_cut_in_english_and_whole_in_japanese() -> None:
    note = "the file ends on 2024-09-30; " * 12 + "fewer than 10 losses"
    said = table_notes._figure_note("", "All", "", "loss", note)
    assert str(said).endswith("…")
    with languages.speaking("ja"):
        assert str(said).count("2024年9月30日") == 12
        assert "…" not in str(said)


def _figures(page: bytes) -> dict[str, str]:
    """Link of a figure in a table -> the number that stands there; percent signs and blanks aside."""
    found = re.findall(
        r'<td class="num"[^>]*><a href="(trace_[a-z_]+(?:-\d+)?)(?:\.ja)?\.html#([0-9a-f]{16})">([^<]+)</a>', page.decode()
    )
    return {f"{file}#{name}": text.replace(" %", "%") for file, name, text in found if text != "[x]"}


def test_both_languages_show_the_same_figures(built: dict[str, bytes]) -> None:
    compared = 0
    for name in built:
        if re.fullmatch(r"(index|tables_\w+(-\d+)?)\.html", name):
            english, japanese = (_figures(built[file]) for file in (name, languages.file_name(name, "ja")))
            assert english == japanese, name
            compared += len(english)
    assert compared > 8


def test_each_page_names_the_others_that_say_the_same(built: dict[str, bytes]) -> None:
    for name, page in built.items():
        if name.endswith(".html"):
            english = name.replace(".ja.html", ".html")
            for code in languages.LANGUAGES:
                other = languages.file_name(english, code)
                assert other in built
                assert f'<link rel="alternate" hreflang="{code}" href="{other}">' in page.decode(), name


@pytest.mark.parametrize(
    ("country", "english", "japanese"),
    [
        ("JP", ("Cases", "Loss per case", "Change of cases on the year", "cases"), "認知件数"),
        ("CA", ("Reports", "Loss per report", "Change of reports on the year", "reports"), "報告件数"),
        ("US", ("Reports", "Loss per report", "Change of reports on the year", "reports"), "報告件数"),
        (
            "",
            ("Cases or reports", "Loss per case or report", "Change of cases or reports on the year", "cases or reports"),
            "認知件数・報告件数",
        ),
    ],
)
def test_measures_are_named_after_what_is_counted(country: str, english: tuple[str, ...], japanese: str) -> None:
    names = ("cases", "mean_loss", "change_on_year_cases")
    with counting(country):
        assert (*(str(measure_title(name)[0]) for name in names), str(unit_short("cases"))) == english
        with languages.speaking("ja"):
            assert str(measure_title("cases")[0]) == japanese
        # 認知件数 and 被害額 are words of the police of Japan: they stand beside the English of their own figures only.
        assert measure_title("cases")[1] == ("認知件数" if country == "JP" else "")
        assert measure_title("loss")[1] == ("被害額" if country == "JP" else "")


def test_no_measure_of_a_source_that_counts_reports_is_called_after_cases() -> None:
    with counting("CA"):
        said = {name: f"{measure_title(name)[0]}: {measure_meaning(name)}" for name in MEASURES}
    of_the_police = {"cases_completed", "cases_cleared", "mean_loss_completed"}
    assert [text for name, text in said.items() if name not in of_the_police and "case" in text.lower()] == []


@pytest.mark.parametrize(
    ("code", "japanese", "era"),
    [
        ("2024", "2024年", "令和6年"),
        ("2019", "2019年", "令和元年"),
        ("2018", "2018年", "平成30年"),
        ("2024-S1", "2024年上半期（1～6月）", "令和6年上半期"),
        ("2024-Q2", "2024年第2四半期（4～6月）", "令和6年4月～6月"),
        ("2024-05", "2024年5月", "令和6年5月"),
        ("2019-04", "2019年4月", "平成31年4月"),
        ("2024-FY", "2024年度（2024年4月～2025年3月）", "令和6年度"),
        ("2024-01/2024-07", "2024年1～7月（累計）", "令和6年1月～7月"),
        ("2023-11-08", "2023年11月8日", ""),
        ("2024-11/2025-02", "2024年11月～2025年2月（期間計）", ""),
    ],
)
def test_periods_in_japanese(code: str, japanese: str, era: str) -> None:
    with languages.speaking("ja"):
        assert str(period_label(code)) == japanese
    assert period_japanese(code) == era


@pytest.mark.parametrize(
    ("value", "unit", "english", "japanese"),
    [
        (71_880_000_000, "JPY", "¥71.88\N{NO-BREAK SPACE}bn", "718.8億円"),
        (5_113_160, "JPY", "¥5.1\N{NO-BREAK SPACE}m", "511万円"),
        (511_316, "JPY", "¥511,316", "511,316円"),
        (951_079_736, "USD", "US$951.1\N{NO-BREAK SPACE}m", "9.51億米ドル"),
        (3_200_000, "CAD", "CA$3.2\N{NO-BREAK SPACE}m", "320万カナダドル"),
    ],
)
def test_money_as_people_speak_of_it(value: int, unit: str, english: str, japanese: str) -> None:
    said = spoken_money(Decimal(value), unit)
    assert said == english
    with languages.speaking("ja"):
        assert str(said) == japanese
