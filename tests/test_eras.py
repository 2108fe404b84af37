"""Japanese years and periods are read in every spelling that publishers use, and an era that never was is refused."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.model import Period
from pipeline.reading.eras import UnknownEra, UnreadablePeriod, parse_period, parse_year

BASES = {
    "M": ("明治", 1867, 45),
    "T": ("大正", 1911, 15),
    "S": ("昭和", 1925, 64),
    "H": ("平成", 1988, 31),
    "R": ("令和", 2018, 99),
}


@pytest.mark.parametrize(
    ("text", "year"),
    [
        ("R元", 2019),
        ("R２", 2020),
        ("R2", 2020),
        ("Ｒ７", 2025),
        ("R07", 2025),
        ("令和元年", 2019),
        ("令和８年", 2026),
        ("令和 八 年", 2026),
        ("Ｈ28", 2016),
        ("h28", 2016),
        ("平成１６年", 2004),
        ("平成二十八年", 2016),
        ("㍻28", 2016),
        ("㋿7年", 2025),
        ("S64", 1989),
        ("昭和六十四年", 1989),
        ("T15", 1926),
        ("M45", 1912),
        ("2025年", 2025),
        ("2025年中", 2025),
        ("２０２５", 2025),
    ],
)
def test_a_year_is_read_in_every_spelling(text: str, year: int) -> None:
    assert parse_year(text) == year


@pytest.mark.parametrize(
    "text", ["H32", "S65", "R0", "令和0年", "T16", "M46", "K3", "㍽", "R", "令和", "年", "", "平成17年度", "25", "20255", "1800"]
)
def test_a_year_that_no_era_ever_had_is_refused_with_what_to_do(text: str) -> None:
    with pytest.raises(UnknownEra) as refused:
        parse_year(text)
    assert refused.value.found == repr(text)
    assert refused.value.expected
    assert refused.value.action


@given(st.sampled_from(sorted(BASES)), st.data(), st.booleans(), st.booleans())
def test_every_year_of_every_era_reads_back(initial: str, data: st.DataObject, long: bool, first_by_name: bool) -> None:
    name, base, last = BASES[initial]
    number = data.draw(st.integers(1, last))
    written = "元" if number == 1 and first_by_name else str(number)
    assert parse_year(f"{name}{written}年" if long else f"{initial}{written}") == base + number


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("令和7年", "2025"),
        ("令和７年中", "2025"),
        ("H28", "2016"),
        ("令和7年5月", "2025-05"),
        ("令和7年1月～7月", "2025-01/2025-07"),
        ("令和7年1月〜7月", "2025-01/2025-07"),
        ("令和7年1月~7月", "2025-01/2025-07"),
        ("令和7年1月-7月", "2025-01/2025-07"),
        ("令和7年1～7月", "2025-01/2025-07"),
        ("令和7年1月～令和7年7月", "2025-01/2025-07"),
        ("令和7年7月～9月", "2025-07/2025-09"),
        ("令和7年1月～1月", "2025-01"),
        ("令和6年上半期", "2024-S1"),
        ("令和6年下半期", "2024-S2"),
        ("令和6年第1四半期", "2024-Q1"),
        ("令和６年第４四半期", "2024-Q4"),
        ("平成17年度", "2005-FY"),
        ("令和5年11月8日", "2023-11-08"),
        ("令和6年～令和7年", "2024-01/2025-12"),
        ("令和4年9月1日～15日", "2022-09-01/2022-09-15"),
        ("令和4年9月28日～10月2日", "2022-09-28/2022-10-02"),
        ("2025-S1", "2025-S1"),
        ("2025-01/2025-07", "2025-01/2025-07"),
        (" 2023-11-08 ", "2023-11-08"),
    ],
)
def test_a_period_is_read_in_the_words_of_a_release(text: str, code: str) -> None:
    assert parse_period(text) == Period.parse(code)


def test_a_cumulative_figure_is_not_taken_for_the_quarter_that_is_as_long() -> None:
    assert parse_period("令和7年1月～3月").frequency == "year_to_date"
    assert parse_period("令和7年第1四半期").frequency == "quarterly"


@pytest.mark.parametrize(
    "text",
    [
        "令和6年4月末",  # a month, or January to April? The text does not say
        "令和7年13月",
        "令和7年2月30日",
        "令和7年7月～1月",
        "令和7年～令和6年",
        "令和6年第5四半期",
        "前年",
        "",
        "2025-13",
    ],
)
def test_a_text_that_is_not_one_period_is_refused(text: str) -> None:
    with pytest.raises(UnreadablePeriod) as refused:
        parse_period(text)
    assert refused.value.found == repr(text)
    assert refused.value.action


def test_a_period_in_an_unknown_era_names_the_era() -> None:
    with pytest.raises(UnknownEra, match="平成31年"):
        parse_period("平成32年5月")


@given(st.dates(dt.date(1990, 1, 1), dt.date(2099, 12, 31)), st.sampled_from(["年", "月", "日", "半期", "四半期", "年度"]))
def test_periods_read_back(day: dt.date, form: str) -> None:
    year = f"令和{day.year - 2018}" if day.year > 2018 else f"平成{day.year - 1988}"
    text, frequency = {
        "年": (f"{year}年", "annual"),
        "月": (f"{year}年{day.month}月", "monthly"),
        "日": (f"{year}年{day.month}月{day.day}日", "day"),
        "半期": (f"{year}年{'上' if day.month < 7 else '下'}半期", "half_yearly"),
        "四半期": (f"{year}年第{(day.month + 2) // 3}四半期", "quarterly"),
        "年度": (f"{year}年度", "fiscal_year"),
    }[form]
    expected = Period.parse(f"{day.year}-FY") if form == "年度" else Period.of(frequency, day)
    assert parse_period(text) == expected


@given(st.text(max_size=12))
def test_any_text_is_either_a_period_or_refused_by_name(text: str) -> None:
    try:
        period = parse_period(text)
    except UnreadablePeriod:
        return
    assert period.start <= period.end
