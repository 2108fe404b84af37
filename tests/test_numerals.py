"""Japanese numerals are read to the last digit with the precision that was printed, or refused with a sentence."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.reading.numerals import LostDigits, Number, UnreadableNumber, normalise_label, parse_number

FULL_WIDTH = str.maketrans("0123456789,.-%", "０１２３４５６７８９，．－％")


def value_and_precision(text: str, **options: Any) -> tuple[Decimal, Decimal | None]:
    number = parse_number(text, **{"kind": "money", **options})
    return number.value, number.precision


@pytest.mark.parametrize(
    ("text", "value", "precision"),
    [
        ("441億2,370万0,000円", 44_123_700_000, None),  # NPA, SOS47 page on 2023
        ("277億8160万7633円", 27_781_607_633, None),  # NPA, special fraud 2020
        ("486億9325万円", 48_693_250_000, 5_000),  # NPA, special fraud 2013
        ("5千万円", 50_000_000, 5_000_000),
        ("1億5千万円", 150_000_000, 5_000_000),
        ("721.5億円", 72_150_000_000, 5_000_000),  # NPA, 2024 provisional
        ("506・3億円", 50_630_000_000, 5_000_000),
        ("87,3億円", 8_730_000_000, 5_000_000),  # Kanagawa police, with a decimal comma
        ("1,274.7億円", 127_470_000_000, 5_000_000),
        ("1,288億円", 128_800_000_000, 50_000_000),
        ("283億円", 28_300_000_000, 50_000_000),
        ("1827億円", 182_700_000_000, 50_000_000),
        ("1.2兆円", 1_200_000_000_000, 50_000_000_000),
        ("36.44bn_yen", 36_440_000_000, 5_000_000),
        ("17076.78m_yen", 17_076_780_000, 5_000),
        ("19605万円", 196_050_000, 5_000),
        ("373.4万円", 3_734_000, 500),
        ("1193百万円", 1_193_000_000, 500_000),
        ("28378657974円", 28_378_657_974, None),
        ("１２５９９７３２８９２６円", 125_997_328_926, None),
        ("▲3.9億円", -390_000_000, 5_000_000),
        ("0円", 0, None),
    ],
)
def test_money_is_read_to_the_yen_with_the_printed_precision(text: str, value: int, precision: int | None) -> None:
    assert value_and_precision(text) == (Decimal(value), None if precision is None else Decimal(precision))


@pytest.mark.parametrize(
    ("text", "unit", "value", "precision"),
    [
        ("721.5", "億円", 72_150_000_000, 5_000_000),
        ("213", "百万円", 213_000_000, 500_000),
        ("9,901", "万円", 99_010_000, 5_000),
        ("12", "千円", 12_000, 500),
        ("125,997,328,926", "円", 125_997_328_926, None),
        ("721.5億円", "億円", 72_150_000_000, 5_000_000),  # the cell repeats the unit of the header
    ],
)
def test_the_multiple_of_the_header_is_applied_once(text: str, unit: str, value: int, precision: int | None) -> None:
    assert value_and_precision(text, unit=unit) == (Decimal(value), None if precision is None else Decimal(precision))


@pytest.mark.parametrize(
    ("text", "kind", "value", "precision"),
    [
        ("19,038", "count", "19038", None),
        ("1万9038件", "count", "19038", None),
        ("１２　件", "count", "12", None),
        ("2万件", "count", "20000", "5000"),
        ("57.8", "percent", "57.8", "0.05"),
        ("23.1%", "percent", "23.1", "0.05"),
        ("0.030", "percent", "0.03", "0.0005"),
        ("0.578", "ratio", "0.578", "0.0005"),
        ("3.09E-03", "ratio", "0.00309", "0.000005"),  # annual crime book, a share with three digits
    ],
)
def test_counts_percentages_and_ratios_are_read(text: str, kind: str, value: str, precision: str | None) -> None:
    expected = (Decimal(value), Decimal(precision) if precision else None)
    assert value_and_precision(text, kind=kind) == expected


def test_about_is_kept_as_a_mark_of_the_figure() -> None:
    assert parse_number("約86億円", kind="money") == Number(Decimal(8_600_000_000), Decimal(50_000_000), True)
    assert parse_number("about 56.5bn_yen", kind="money").approximate
    assert not parse_number("86億円", kind="money").approximate


@pytest.mark.parametrize("sign", ["△", "▲", "−", "‐", "ー", "-", "－"])
def test_every_minus_sign_that_publishers_use_is_a_minus_at_the_start(sign: str) -> None:
    assert parse_number(f"{sign}56", kind="count").value == -56
    with pytest.raises(UnreadableNumber):
        parse_number(f"56{sign}", kind="count")
    with pytest.raises(UnreadableNumber):
        parse_number(sign, kind="count")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("4万4124億円", "money"),  # a news page, for 441.24 hundred million yen
        ("3億12345万円", "money"),
        ("1.5億3000万円", "money"),
        ("1,23,456円", "money"),
        ("1,2345億円", "money"),
        ("87,3件", "count"),
        ("1.2.3億円", "money"),
        ("12.5", "count"),
        ("1234", "money"),  # no unit anywhere
        ("円", "money"),
        ("億円", "money"),
        ("", "money"),
        ("　", "count"),
        ("-", "count"),
        ("***", "count"),
        ("調査中", "count"),
        ("12件 34件", "count"),
        ("100円", "count"),
        ("12件", "money"),
        ("3.09E-03", "money"),
        ("nan", "ratio"),
        ("infinity", "ratio"),
    ],
)
def test_a_text_that_is_not_one_number_is_refused_with_what_to_do(text: str, kind: Any) -> None:
    with pytest.raises(UnreadableNumber) as refused:
        parse_number(text, kind=kind)
    assert refused.value.found == repr(text)
    assert refused.value.expected
    assert refused.value.action


@pytest.mark.parametrize(("text", "unit"), [("721.5万円", "億円"), ("5億", "億円"), ("5", "百件"), ("5", "人")])
def test_a_header_and_a_text_that_contradict_each_other_are_refused(text: str, unit: str) -> None:
    with pytest.raises(UnreadableNumber):
        parse_number(text, unit=unit, kind="money")


@pytest.mark.parametrize("kind", ["count", "money", "percent", "ratio"])
@pytest.mark.parametrize("text", ["1.42E+11", "１．４２Ｅ＋１１", "1.42e11"])
def test_a_number_that_lost_its_digits_in_a_spreadsheet_is_never_guessed(text: str, kind: Any) -> None:
    with pytest.raises(LostDigits, match="workbook edition"):
        parse_number(text, kind=kind)


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("（単位：億円、％）", "(単位:億円、%)"),
        ("　うち　既遂", "うち既遂"),
        ("ＳＮＳ型投資詐欺", "SNS型投資詐欺"),
        ("〔注〕", "(注)"),
        (">=100,000,000 JPY", ">=100,000,000JPY"),
    ],
)
def test_labels_are_compared_without_widths_spaces_and_kinds_of_brackets(text: str, label: str) -> None:
    assert normalise_label(text) == label
    assert normalise_label(label) == label


# ---------------------------------------------------------------------------------------------------------- written and read


def with_kanji(value: int, separator: str) -> str:
    """The amount as mixed numerals to the yen: 441億2,370万0,000円."""
    parts = []
    for name, multiple in (("兆", 10**12), ("億", 10**8), ("万", 10**4), ("", 1)):
        part, value = divmod(value, multiple)
        if part or parts or not name:
            parts.append((f"{part:,}" if separator else f"{part}") + name)
    return "".join(parts) + "円"


@given(st.integers(0, 10**16 - 1), st.sampled_from(["", ","]), st.booleans())
def test_mixed_numerals_read_back_to_the_yen_they_were_written_from(value: int, separator: str, wide: bool) -> None:
    text = with_kanji(value, separator)
    assert parse_number(text.translate(FULL_WIDTH) if wide else text, kind="money") == Number(Decimal(value), None, False)


@given(
    st.integers(0, 10**7),
    st.integers(0, 3),
    st.sampled_from([("兆円", 12), ("億円", 8), ("千万円", 7), ("百万円", 6), ("万円", 4), ("千円", 3)]),
    st.sampled_from([".", "・"]),
    st.booleans(),
)
def test_decimals_of_every_multiple_read_back_with_half_of_their_last_unit(
    digits: int, decimals: int, unit: tuple[str, int], point: str, in_header: bool
) -> None:
    name, power = unit
    text = f"{Decimal(digits).scaleb(-decimals):,f}".replace(".", point)
    number = parse_number(text, unit=name, kind="money") if in_header else parse_number(text + name, kind="money")
    last_unit = Decimal(10) ** (power - decimals)
    assert number.value == digits * last_unit
    assert number.precision == (last_unit / 2 if last_unit != 1 else None)


@given(st.integers(0, 10**7), st.integers(1, 3), st.sampled_from([("bn_yen", 9), ("m_yen", 6), (" billion yen", 9)]))
def test_the_english_of_the_press_reads_back(digits: int, decimals: int, unit: tuple[str, int]) -> None:
    number = parse_number(f"{Decimal(digits).scaleb(-decimals):f}{unit[0]}", kind="money")
    last_unit = Decimal(10) ** (unit[1] - decimals)
    assert (number.value, number.precision) == (digits * last_unit, last_unit / 2)


@given(st.integers(-(10**9), 10**9), st.sampled_from(["", "件", "人"]), st.sampled_from("△▲−‐ー-"))
def test_counts_read_back_whatever_their_sign_and_word(value: int, word: str, sign: str) -> None:
    text = f"{sign if value < 0 else ''}{abs(value):,}{word}"
    assert parse_number(text, kind="count") == Number(Decimal(value), None, False)


@given(
    st.text(alphabet="0123456789,.・億万千百円件%-+EeE ", max_size=12), st.sampled_from(["count", "money", "ratio", "percent"])
)
def test_any_text_is_either_read_or_refused_by_name(text: str, kind: Any) -> None:
    try:
        number = parse_number(text, kind=kind)
    except UnreadableNumber:
        return
    assert number.value.is_finite()
    assert number.precision is None or number.precision > 0
