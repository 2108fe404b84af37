"""Titles of series and of sources, and where a release says what a source is.

In: a family of series, a source, or a figure of one. Out: its title in each language, with its country where a page would not say
it otherwise; the link to what the release says of the source.
"""

from __future__ import annotations

from typing import Any

from pipeline.publish.families import Families
from pipeline.publish.labels import country_name, in_both
from pipeline.publish.texts import slug
from pipeline.publish.words import Words, _, declared, listed, only_english, page_name
from pipeline.sources.catalogue import Source

FAMILY_TITLES: dict[str, tuple[str, str]] = {
    "special_fraud": (_("Special fraud"), "特殊詐欺"),
    "sns_fraud": (_("SNS investment and romance fraud"), "SNS型投資・ロマンス詐欺"),
    "special_and_sns": (_("Special and SNS fraud, printed together"), "特殊詐欺とSNS型投資・ロマンス詐欺の合計"),
}
FAMILY_ORDER = [
    "special_fraud",
    "sns_fraud",
    "special_and_sns",
    "special_fraud_victims",
    "sns_fraud_victims",
    "card_fraud",
    "internet_banking",
]


def source_anchor(row: Any) -> str:
    """Where a release says what the source of the figure is."""
    return source_anchor_of(row.source)


def source_anchor_of(source_id: str) -> str:
    """Where a release says what the source is."""
    return page_name(f"index.html#source-{slug(source_id)}")


def family_title(family: str, families: Families) -> tuple[str, str]:
    """(English, Japanese) of a family: the word fixed here, or the title of the table of the source that speaks first."""
    if family in FAMILY_TITLES:
        english, japanese = FAMILY_TITLES[family]
        return english, only_english(japanese)
    for source in sorted(families.sources.values(), key=lambda item: (item.precedence, item.id)):
        for table in source.tables.values():
            if table.family == family:
                return in_both(table.title, table.title_ja), only_english(table.title_ja)
    return declared(family.replace("_", " ").capitalize()), ""


def series_title(family: str, families: Families) -> tuple[str, str]:
    """(English, Japanese) of a headline series with its country, where the page would not say it otherwise."""
    source = families.sectioned(family)
    english, native = series_name(family, families)
    return (
        (_("{country}: {series}", country=country_name(source.country), series=english), native) if source else (english, native)
    )


def titled_by_country(family: str, families: Families) -> Words:
    """A headline series beside those of other countries: with its country, which Japan's own readers know."""
    country, name = families.country(family), series_name(family, families)[0]
    if not country:
        return listed([name], "")
    if country == "JP":
        return listed([only_english(f"{country_name(country)}: "), name], "")
    return _("{country}: {series}", country=country_name(country), series=name)


def series_name(family: str, families: Families) -> tuple[str, str]:
    """(English, Japanese) of a headline series: a table that leads its source alone has the source's name."""
    source = families.sectioned(family)
    alone = source is not None and len(source.meta["headline_tables"]) == 1
    return (source_title(source), "") if source and alone else family_title(family, families)


def source_title(source: Source) -> Words:
    """The title of a source."""
    return in_both(source.title, str(source.meta.get("title_ja", "")))
