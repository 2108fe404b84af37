"""The shipped sheets are what the tool writes from the facts, to the byte, and no fact is lost on the way."""

import csv
import io
from decimal import Decimal
from pathlib import Path

import pytest

from tests.shipped import FACTS, INBOX, REPOSITORY, shipped
from tools import transcribe_japan_sheets as tool

JAPAN = FACTS / "japan"
needs_facts = pytest.mark.skipif(not FACTS.is_dir(), reason="the collected facts do not lie beside the repository")


def fact(**changes: str) -> dict[str, str]:
    values = {
        "period_type": "calendar_year",
        "period_start": "2024-01-01",
        "period_end": "2024-12-31",
        "measure": "loss",
        "value_raw": "717.6億円",
        "fraud_group": "special_fraud",
        "fraud_type": "total",
        "breakdown_dim": "",
        "breakdown_value": "",
        "classification": "",
        "release_name": "final",
        "release_date": "2025-05-23",
        "status": "final",
        "evidence": "press",
        "source": "https://example.org/",
        "notes": "",
    }
    return {**values, **changes}


@needs_facts
def test_a_second_run_over_the_facts_gives_the_shipped_bytes() -> None:
    files = tool.files(FACTS)
    assert {name for name, content in files.items() if (INBOX / name).read_bytes() != content} == set()
    for source in ("npa_releases", "npa_overseas", "internet_banking", "jca_card"):
        shipped_names = {f"{source}/{path.name}" for path in (INBOX / source).iterdir()}
        assert shipped_names == {name for name in files if name.startswith(f"{source}/")}


@needs_facts
def test_the_reference_series_are_the_collected_ones() -> None:
    folder = REPOSITORY / "pipeline" / "reference"
    for name, content in tool.reference_files(FACTS).items():
        assert (folder / name).read_bytes() == content, name


@needs_facts
def test_the_tool_writes_only_below_the_folders_that_it_is_given(tmp_path: Path) -> None:
    assert tool.main([str(FACTS), str(tmp_path / "inbox"), str(tmp_path / "reference")]) == 0
    written = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.csv")}
    assert written == {f"inbox/{name}" for name in tool.files(FACTS)} | {
        f"reference/{name}" for name in tool.reference_files(FACTS)
    }


@needs_facts
@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("npa_overseas", "npa_cross_border.csv"),
        ("internet_banking", "internet_banking_losses.csv"),
        ("jca_card", "jca_credit_card_fraud.csv"),
    ],
)
def test_every_numeric_fact_is_read_back_with_its_value(source: str, name: str) -> None:
    facts = [row for row in read(JAPAN / name) if row["measure"] != "claim"]
    _, observations = shipped(source)
    assert sorted(Decimal(row["value"]) for row in facts) == sorted(observations["value"])


@needs_facts
def test_every_release_fact_is_read_back_or_named_in_a_note() -> None:
    _, observations = shipped("npa_releases")
    facts = list(tool.for_npa_releases(JAPAN))
    notes = " ".join(observations["note"])
    values = set(observations["value"])
    lost = [row for row in facts if Decimal(row["value"]) not in values and f"also printed as {row['value_raw']}" not in notes]
    assert lost == []
    implied = observations["note"].str.startswith("implied by").sum()
    repeated = notes.count("also printed as")
    assert len(observations) == len(facts) - repeated + implied + 1  # 19,033 cases, dated by the list of revisions


@needs_facts
def test_the_28_figures_of_the_new_classification_are_left_to_the_monthly_grid() -> None:
    headline = read(JAPAN / "npa_releases_annual_and_2026.csv")
    left_out = [row for row in headline if row["fraud_group"] == "special_fraud_2026def"]
    assert len(left_out) == 28
    assert not any(row["fraud_group"] == "special_fraud_2026def" for row in tool.for_npa_releases(JAPAN))


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_a_fact_that_no_release_claims_stops_the_run() -> None:
    with pytest.raises(ValueError, match="no release claims"):
        tool.by_release([fact(release_name="a new release")], tool.known_releases("npa_releases"))


def test_no_two_publications_share_a_file_and_no_name_leads_to_two() -> None:
    for source in ("npa_releases", "npa_overseas", "internet_banking", "jca_card"):
        releases = tool.known_releases(source)
        names = [name for release in releases for name in release.names]
        assert len({release.file for release in releases}) == len(releases)
        assert len(set(names)) == len(names)


def test_two_prints_that_disagree_beyond_their_precision_are_kept_apart() -> None:
    agree = [tool.npa_row(fact(value_raw=text)) for text in ("718億円", "717.6億円")]
    (kept,) = tool.once_each(agree)
    assert kept.printed.text == "717.6億円"
    assert "718億円" in kept.note
    with pytest.raises(ValueError, match="disagree"):
        tool.once_each([tool.npa_row(fact(value_raw=text)) for text in ("721.5億円", "717.6億円")])


@pytest.mark.parametrize(
    ("raw", "notes", "text", "stated"),
    [
        ("48693.25m_yen", "486億9325万円", "486億9325万円", None),
        ("44123700000円", "displayed 441億2,370万0,000円", "441億2,370万0,000円", None),
        ("87.3億円", 'a comma as decimal mark, e.g. "87,3億円"', "87,3億円", None),
        ("25.2億円", 'a comma as decimal mark, e.g. "87,3億円"', "25.2億円", None),
        ("15.2億円", '"約15億2,000万円"', "約15億2,000万円", Decimal(5_000_000)),
        ("1827億円", '"about"', "約1827億円", None),
        ("56.5bn_yen", '"some 56.5 bn yen"', "about 56.5bn_yen", None),
        ("47.40億円", "Nikkei said about 47.40 oku", "47.40億円", None),
    ],
)
def test_the_text_is_the_one_that_the_page_printed(raw: str, notes: str, text: str, stated: Decimal | None) -> None:
    made = tool.printed(fact(value_raw=raw, notes=notes), "money")
    assert (made.text, made.stated_precision) == (text, stated)


def test_a_sheet_row_holds_the_columns_of_the_reader_in_their_order() -> None:
    cells = tool.npa_row(fact(fraud_type="oreore")).cells()
    (row,) = csv.DictReader(io.StringIO(tool.csv_text([tool.COLUMNS, cells])))
    assert (row["period"], row["table"], row["type"], row["printed"]) == ("令和6年", "特殊詐欺", "オレオレ詐欺", "717.6億円")


def test_wrong_use_of_the_tool_says_how_to_call_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert tool.main([]) == 2
    assert "FACTS_FOLDER INBOX_FOLDER" in capsys.readouterr().err
