"""Words in two languages: what a message, a date and a list become, and what the catalogue promises."""

from __future__ import annotations

import datetime as dt
import io
import string
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from markupsafe import Markup, escape

from pipeline.publish import languages, words
from pipeline.publish.languages import N_, speaking
from pipeline.publish.words import Own, Words, _, day, declared, each, listed, ngettext, only_english, page_name
from tools import messages


@pytest.fixture(autouse=True)
def catalogue(monkeypatch: pytest.MonkeyPatch) -> None:
    """A catalogue of our own: these tests say what words do, not how anything is translated."""
    known = {
        "Cases": "認知件数",
        "{series} by year": "{series}（年次）",
        "{count} snapshot": ("スナップショット{count}件",),
        "fewer than {count} losses": "損失{count}件未満",
        "the file ends on {day}": "ファイルは{day}まで",
        "<{name}>": "＜{name}＞<b>",
    }
    monkeypatch.setattr(words, "catalogue", lambda code: known)
    for cached in (words._template, words._lookup):
        cached.cache_clear()


@pytest.fixture(autouse=True, scope="module")
def afterwards() -> object:
    yield
    for cached in (words._template, words._lookup):
        cached.cache_clear()


def in_japanese(text: str) -> str:
    with speaking("ja"):
        return str(text)


def html(text: str, language: str = "ja") -> str:
    with speaking(language):
        return str(escape(text))


def test_a_message_is_english_text_that_can_be_said_in_japanese() -> None:
    title = _("{series} by year", series=_("Cases"))
    assert title == "Cases by year"
    assert f"{title}" == str(title) == "Cases by year"
    assert in_japanese(title) == "認知件数（年次）"
    assert (title.lower(), in_japanese(title.lower())) == ("cases by year", "認知件数（年次）")


def test_what_no_catalogue_has_stays_english() -> None:
    assert in_japanese(_("Nobody translated this")) == "Nobody translated this"


def test_a_number_chooses_the_form_of_the_language() -> None:
    one, many = (ngettext("{count} snapshot", "{count} snapshots", count) for count in (1, 1200))
    assert (one, many) == ("1 snapshot", "1,200 snapshots")
    assert (in_japanese(one), in_japanese(many)) == ("スナップショット1件", "スナップショット1,200件")


def test_on_a_page_words_are_escaped_and_what_is_filled_in_too() -> None:
    said = _("<{name}>", name="<script>")
    assert html(said, "en") == "&lt;&lt;script&gt;&gt;"
    assert html(said) == "＜&lt;script&gt;＞&lt;b&gt;"
    assert html(_("<{name}>", name=Markup("<i>x</i>"))) == "＜<i>x</i>＞&lt;b&gt;"


def test_publishers_words_are_marked_on_a_page_of_another_language() -> None:
    assert html(Own("Counterfeit <Merchandise>")) == '<span lang="en">Counterfeit &lt;Merchandise&gt;</span>'
    assert html(Own("オレオレ詐欺")) == "オレオレ詐欺"
    assert html(Own("1,234")) == "1,234"
    assert html(Own("Counterfeit Merchandise"), "en") == "Counterfeit Merchandise"
    assert html(_("{series} by year", series=Own("Romance"))) == '<span lang="en">Romance</span>（年次）'
    assert in_japanese(Own("Romance")) == "Romance"


def test_a_declared_text_is_translated_or_else_marked() -> None:
    assert html(declared("Cases")) == "認知件数"
    assert html(declared("Anything else")) == '<span lang="en">Anything else</span>'
    assert in_japanese(declared("Anything else")) == declared("Anything else") == "Anything else"


def test_a_note_of_another_stage_is_read_by_its_pattern_and_clause_by_clause() -> None:
    note = declared("the file ends on 2024-09-29; fewer than 20 losses; see <page 3>")
    assert in_japanese(note) == "ファイルは2024年9月29日まで。損失20件未満。see <page 3>"
    assert html(note) == 'ファイルは2024年9月29日まで。損失20件未満。<span lang="en">see &lt;page 3&gt;</span>'


@pytest.mark.parametrize(
    ("date", "english", "japanese"),
    [
        (dt.date(2024, 9, 30), "30 September 2024", "2024年9月30日"),
        ("2024-09-01", "1 September 2024", "2024年9月1日"),
        ("2024-09", "2024-09", "2024-09"),
    ],
)
def test_a_day_is_written_as_people_write_it(date: dt.date | str, english: str, japanese: str) -> None:
    assert (day(date), in_japanese(day(date))) == (english, japanese)


def test_lists_have_the_separators_of_the_language() -> None:
    found = listed([_("Cases"), Own("LINE")])
    assert (found, in_japanese(found)) == ("Cases, LINE", "認知件数、LINE")
    assert html(found) == '認知件数、<span lang="en">LINE</span>'
    assert in_japanese(listed(["a", "b"], "; ")) == "a、b"


def test_words_of_one_language_only_are_empty_in_the_other() -> None:
    beside = only_english("推移")
    assert beside
    with speaking("ja"):
        assert not beside
        assert str(escape(beside)) == ""


def test_words_can_be_made_for_each_language_by_a_function() -> None:
    drawn = each("en", languages.language)
    assert (drawn, in_japanese(drawn)) == ("en", "ja")


def test_links_stay_within_the_language() -> None:
    assert page_name("index.html#glance") == "index.html#glance"
    assert html(page_name("index.html#glance")) == "index.ja.html#glance"
    assert html(page_name("data.csv")) == "data.csv"


def test_no_other_language_is_spoken_afterwards_and_none_that_nobody_speaks() -> None:
    with pytest.raises(RuntimeError), speaking("ja"):
        raise RuntimeError
    assert languages.language() == "en"
    with pytest.raises(ValueError, match="'fr' is not one of en, ja"), speaking("fr"):
        pass


def test_messages_are_collected_from_code_and_templates() -> None:
    code = b'_("One, {x}", x=1)\nTWO = N_("Two")\nngettext("{count} row", "{count} rows", 3)\n_(TWO)\n'
    found = [message for _, message, *_ in extract(messages.METHODS[".py"], io.BytesIO(code), messages.KEYWORDS)]
    assert found == ["One, {x}", "Two", ("{count} row", "{count} rows")]
    template = b'{% if a %}{{ _("Figures of {t}", t=table) }}{% endif %}{{ ngettext("{count} row", "{count} rows", n) }}'
    found = [message for _, message, *_ in extract(messages.METHODS[".j2"], io.BytesIO(template), messages.KEYWORDS)]
    assert found == ["Figures of {t}", ("{count} row", "{count} rows")]


def test_every_message_is_collected_where_it_stands() -> None:
    found = messages.messages()
    assert found["fewer than {count} losses"] == {"pipeline/publish/note_messages.py"}
    assert "pipeline/model.py" in found["gross loss"]
    assert "pipeline/sources/cafc/source.yml" in found["Reports by type of fraud"]
    assert not any(languages.is_japanese(str(message)) and len(str(message)) < 10 for message in found)


def test_bringing_a_catalogue_up_to_date_keeps_what_is_of_use() -> None:
    known = Catalog(locale="ja")
    known.add("Kept", "残る")
    known.add("Gone", "消える")
    made = messages.updated("ja", known, {"Kept": {"a.py"}, "New": {"b.py"}, ("{count} a", "{count} as"): {"b.py"}})
    assert {str(message.id): message.string for message in made if message.id} == {
        "Kept": "残る",
        "New": "",
        "('{count} a', '{count} as')": ("",),
    }
    assert messages.lacking(made) == ["('{count} a', '{count} as')", "New"]
    assert messages.written(made) == messages.written(
        messages.updated("ja", known, {"New": {"b.py"}, "Kept": {"a.py"}, ("{count} a", "{count} as"): {"b.py"}})
    )


def placeholders(text: str) -> list[str]:
    return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name is not None)


@pytest.mark.parametrize("code", [code for code in languages.LANGUAGES if code != languages.ENGLISH])
def test_what_is_translated_has_the_placeholders_of_its_message_and_is_certain(code: str) -> None:
    catalog = messages.read(code)
    for message in catalog:
        if message.id and message.string:
            assert not message.fuzzy, message.id
            ids, said = ([text] if isinstance(text, str) else list(text) for text in (message.id, message.string))
            for text in said:
                assert not text or placeholders(text) == placeholders(ids[-1]), message.id


def test_the_catalogue_is_where_the_package_looks_for_it() -> None:
    assert languages.catalogue_path("ja").is_relative_to(Path(words.__file__).parent)
    assert languages.catalogue_path("ja").is_file()
    assert isinstance(_(N_("a")), Words)
