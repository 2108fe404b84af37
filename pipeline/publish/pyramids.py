"""Pyramids: victims by age and sex.

In: the figures of a series that are broken down by both. Out: a chart for all types together, or one for each of the first types.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.model import TOTAL
from pipeline.publish import category_charts
from pipeline.publish.chart_points import chart_point
from pipeline.publish.charts import Chart
from pipeline.publish.families import Families
from pipeline.publish.figures import Figure
from pipeline.publish.labels import code_label, natural_key, type_label
from pipeline.publish.measures import measure_title, unit_short
from pipeline.publish.texts import slug
from pipeline.publish.words import _


def age_pyramids(base: str, title: str, figures: Sequence[Figure], families: Families) -> list[Chart]:
    """Victims by age and sex, all types together where the publisher gives them so, else type by type."""
    groups: dict[tuple[str, str, str], dict[tuple[str, str], Any]] = {}
    for figure in figures:
        row = figure.row
        if {name for name, _ in figure.breakdown} == {"age", "sex"} and row.value is not None and not row.overlay:
            groups.setdefault((row.native_type, row.measure, row.unit), {})[(row.age, row.sex)] = row
    keys = sorted(groups)
    keys = [key for key in keys if key[0] == TOTAL] or keys[:2]
    return [chart for key in keys if (chart := _pyramid(base, title, key, groups[key], families))]


def _pyramid(
    base: str, title: str, key: tuple[str, str, str], cells: Mapping[tuple[str, str], Any], families: Families
) -> Chart | None:
    measure, unit = key[1:]
    ages = sorted({age for age, __ in cells}, key=natural_key)
    sexes = sorted({sex for __, sex in cells}, reverse=True)
    if len(sexes) != 2 or len(ages) < 3:
        return None
    sides = [
        [
            chart_point(cells[(age, sex)], code_label(age), code_label(sex).capitalize(), families)
            for age in ages
            if (age, sex) in cells
        ]
        for sex in sexes
    ]
    english = type_label(next(iter(cells.values())))[0]
    unit_words = _("per cent") if unit in ("ratio", "percent") else unit_short(unit)
    words = _("{measure}, {unit}", measure=measure_title(measure)[0], unit=unit_words)
    name = f"{base}_pyramid_{slug(english)}"
    return category_charts.pyramid(
        name,
        _("{title}: by age and sex, {type}", title=title, type=english.lower() if english == "All types" else english),
        words,
        sides[0],
        sides[1],
        [code_label(age) for age in ages],
    )
