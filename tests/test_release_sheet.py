"""A sheet of headline figures is read cell by cell, and anything out of place stops it with the cell's address."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipeline.model import TOTAL, RefusedInput, Snapshot
from pipeline.reading.figures import Figure
from pipeline.reading.release_sheet import COLUMNS, read
from pipeline.sources.catalogue import Source, source
from tests.figures import snapshot

GOOD = {
    "period": "令和6年",
    "table": "特殊詐欺",
    "type": "総数",
    "breakdown": "",
    "breakdown_value": "",
    "measure": "被害額",
    "printed": "717.6億円",
    "precision": "",
    "classification": "npa_2020",
    "edition": "final",
    "note": "",
    "evidence": "press",
    "source": "https://example.org/",
}
FILE = "2025-05-23-annual-final-2024.csv"
HEADER = ",".join(COLUMNS)


@pytest.fixture
def npa() -> Source:
    return source("npa_releases")


@pytest.fixture
def sheet(tmp_path: Path, npa: Source) -> Callable[..., list[Figure]]:
    """Reads bytes, or rows that differ from GOOD as given, as one sheet published on 23 May 2025."""

    def reading(*rows: dict[str, str] | bytes) -> list[Figure]:
        path = tmp_path / FILE
        if isinstance(rows[0], bytes):
            path.write_bytes(rows[0])
        else:
            lines = [HEADER, *(line(**row) for row in rows if isinstance(row, dict))]
            path.write_text("".join(f"{text}\n" for text in lines), encoding="utf-8")
        return read(path, published(), npa)

    return reading


def line(**changes: str) -> str:
    return ",".join(f'"{cell}"' if "," in cell else cell for cell in {**GOOD, **changes}.values())


def published(**changes: Any) -> Snapshot:
    return snapshot("s1", "2025-05-23", **{"file": FILE, "extract": True, **changes})


def test_a_headline_figure_is_read_with_its_address_and_its_precision(sheet: Callable[..., list[Figure]]) -> None:
    # NPA, final figures of 2024, released 2025-05-23.
    (figure,) = sheet({})
    assert (figure.period, figure.table, figure.native_type) == ("2024", "special_fraud", TOTAL)
    assert (figure.measure, figure.unit) == ("loss", "JPY")
    assert (figure.value, figure.precision) == (Decimal(71_760_000_000), Decimal(5_000_000))
    assert (figure.origin, figure.printed) == (f"{FILE}!G2", "717.6億円")
    assert (figure.classification, figure.edition, figure.overlay) == ("npa_2020", "final", False)


def test_a_breakdown_becomes_dimensions_and_a_prefecture_becomes_the_area(sheet: Callable[..., list[Figure]]) -> None:
    both = {"table": "SNS型投資・ロマンス詐欺", "type": "ＳＮＳ型投資詐欺", "classification": "npa_sns_2023"}
    tools, tokyo = sheet(
        {
            **both,
            "breakdown": "当初接触ツール;当初接触手段",
            "breakdown_value": "YouTube;バナー等広告",
            "measure": "認知件数",
            "printed": "193",
        },
        {"breakdown": "都道府県", "breakdown_value": "東京都", "measure": "認知件数", "printed": "3,494"},
    )
    assert dict(tools.dimensions) == {"contact_tool": "YouTube", "contact": "バナー等広告"}
    assert (tools.native_type, tools.area) == ("SNS型投資詐欺", "JP")
    assert (tokyo.area, dict(tokyo.dimensions), tokyo.value, tokyo.precision) == ("JP-13", {}, Decimal(3494), None)


def test_fake_police_fraud_is_an_overlay_until_it_is_a_type_of_its_own(sheet: Callable[..., list[Figure]]) -> None:
    before, after = sheet(
        {"type": "ニセ警察詐欺", "printed": "171.7億円", "period": "令和7年1月～3月"},
        {"type": "ニセ警察詐欺", "printed": "171.7億円", "period": "令和7年1月～3月", "classification": "npa_2026"},
    )
    assert (before.overlay, after.overlay) == (True, False)


def test_a_figure_printed_as_about_says_so_and_a_stated_precision_may_only_widen(sheet: Callable[..., list[Figure]]) -> None:
    about, implied = sheet({"printed": "約718億円"}, {"measure": "最高被害額", "printed": "4.5億円", "precision": "10000000"})
    assert about.obs_status == "E"
    assert (implied.obs_status, implied.precision) == ("", Decimal(10_000_000))
    with pytest.raises(RefusedInput, match=r"H2: found 5000000; expected more than 5000000"):
        sheet({"precision": "5000000"})


@pytest.mark.parametrize(
    ("changes", "cell", "found"),
    [
        ({"period": "R32世紀"}, "A2", "R32世紀"),
        ({"period": "平成32年"}, "A2", "平成32年"),
        ({"period": "令和6年4月末"}, "A2", "令和6年4月末"),
        ({"period": "令和7年"}, "A2", "令和7年"),  # ends after the day of publication
        ({"table": "特殊窃盗"}, "B2", "特殊窃盗"),
        ({"table": ""}, "B2", "empty cell"),
        ({"type": "新しい詐欺"}, "C2", "新しい詐欺"),
        ({"type": ""}, "C2", "empty cell"),
        ({"breakdown": "星座", "breakdown_value": "魚座"}, "D2", "星座"),
        ({"breakdown": "被害者の年齢", "breakdown_value": "99-98"}, "E2", "99-98"),
        ({"breakdown": "都道府県", "breakdown_value": "東京"}, "E2", "東京"),
        ({"breakdown": "都道府県"}, "E2", "''"),
        ({"measure": "うわさ"}, "F2", "うわさ"),
        ({"printed": "調査中"}, "G2", "調査中"),
        ({"printed": ""}, "G2", "''"),
        ({"printed": "-"}, "G2", "'-'"),
        ({"printed": "1.42E+11"}, "G2", "1.42E+11"),
        ({"printed": "4万4124億円"}, "G2", "4万4124億円"),
        ({"printed": "717.6"}, "G2", "717.6"),
        ({"measure": "認知件数", "printed": "717.6億円"}, "G2", "717.6億円"),
        ({"precision": "wide"}, "H2", "wide"),
        ({"precision": "NaN"}, "H2", "NaN"),
        ({"classification": "npa_1999"}, "I2", "npa_1999"),
        ({"edition": "nearly final"}, "J2", "nearly final"),
    ],
)
def test_a_cell_that_cannot_be_read_is_refused_with_its_address(
    sheet: Callable[..., list[Figure]], changes: dict[str, str], cell: str, found: str
) -> None:
    with pytest.raises(RefusedInput) as refused:
        sheet(changes)
    assert (refused.value.file, refused.value.cell) == (FILE, cell)
    assert found in refused.value.found
    assert refused.value.expected
    assert refused.value.action


def test_lost_digits_send_the_reader_to_the_workbook(sheet: Callable[..., list[Figure]]) -> None:
    with pytest.raises(RefusedInput, match="workbook"):
        sheet({"printed": "1.42E+11"})


@pytest.mark.parametrize("second", ["718.8億円", "717.6億円"])
def test_a_figure_that_stands_twice_is_refused_with_both_cells(sheet: Callable[..., list[Figure]], second: str) -> None:
    with pytest.raises(RefusedInput) as refused:
        sheet({}, {"printed": second})
    assert refused.value.cell == "G2 and G3"
    assert second in refused.value.found


MOVED = HEADER.replace("period,table", "table,period")


@pytest.mark.parametrize(
    ("content", "cell", "found"),
    [
        (b"", "A1", "empty"),
        (b" \n\n", "A1", "empty"),
        (f"{HEADER}\n".encode(), "row 2", "no figures"),
        (f"{HEADER}\n{line()}".encode(), "the end", "no line end"),
        (f'{HEADER}\n"{line()}\n'.encode(), "the end", "broken CSV"),
        (f"{HEADER}\n{line()}\n".encode("cp932"), "byte", "not UTF-8"),
        (b"PK\x03\x04workbook", "A1", "workbook"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "byte", "not UTF-8"),
        (f"{MOVED}\n{line()}\n".encode(), "A1", "table"),
        (f"{HEADER.replace('printed', 'value')}\n{line()}\n".encode(), "G1", "value"),
        (f"{HEADER.replace(',source', '')}\n{line()}\n".encode(), "M1", "''"),
        (f"{HEADER},more\n{line()}\n".encode(), "row 1", "14 columns"),
        (f"{HEADER}\n{line()},\n".encode(), "row 2", "14 cells"),
        (f"{HEADER}\n\n{line()}\n".encode(), "row 2", "0 cells"),
    ],
)
def test_a_file_that_is_not_a_whole_sheet_is_refused(
    sheet: Callable[..., list[Figure]], content: bytes, cell: str, found: str
) -> None:
    with pytest.raises(RefusedInput) as refused:
        sheet(content)
    assert refused.value.file == FILE
    assert refused.value.cell.startswith(cell)
    assert found in refused.value.found
    assert refused.value.action


def test_a_byte_order_mark_does_no_harm(sheet: Callable[..., list[Figure]]) -> None:
    assert sheet(b"\xef\xbb\xbf" + f"{HEADER}\n{line()}\n".encode()) == sheet({})
