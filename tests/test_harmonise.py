"""Native labels get their common codes, and what is unknown or stands twice is refused with its cell."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipeline.ingest.harmonise import harmonise
from pipeline.model import RefusedInput
from pipeline.reading.figures import Figure
from pipeline.sources.catalogue import Source
from tests.figures import declared, only, snapshot

HEADER = "dimension,native_code,valid_from,valid_to,common_code,match,additive,note,evidence\n"
CROSSWALK = HEADER + (
    "fraud_type,オレオレ詐欺,,,IMP,partial,Y,,test\nfraud_type,ニセ警察詐欺,2026,,IMPG,exact,Y,,test\nsex,男,,,M,exact,Y,,test\n"
)
PRINTED = snapshot("s1", "2026-02-12", edition="provisional")


@pytest.fixture
def source(tmp_path: Path) -> Source:
    (tmp_path / "crosswalk.csv").write_text(CROSSWALK, encoding="utf-8")
    breaks = ({"table": "special_fraud", "from": "2018", "all": True, "reason": "wider scope"},)
    return declared(folder=tmp_path, breaks=breaks)


def figure(**changes: Any) -> Figure:
    values: dict[str, Any] = {
        "table": "special_fraud",
        "period": "2025",
        "measure": "loss",
        "unit": "JPY",
        "value": Decimal(5),
        "origin": "s1.csv!K4",
        "printed": "5",
        "classification": "scheme",
    }
    return Figure(**{**values, **changes})


def test_native_labels_are_kept_beside_their_common_codes(source: Source) -> None:
    row = only(harmonise([figure(native_type="オレオレ詐欺", dimensions={"sex": "男"})], PRINTED, source))
    assert (row["native_type"], row["fraud_type"], row["sex"], row["age"]) == ("オレオレ詐欺", "IMP", "M", "_T")


def test_a_figure_says_when_it_could_be_known_and_from_which_bytes_and_cell(source: Source) -> None:
    row = only(harmonise([figure()], PRINTED, source))
    assert (row["known_at"], row["snapshot"], row["origin"]) == (PRINTED.known_at, "s1", "s1.csv!K4")


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, "P"),
        ({"edition": "final"}, "A"),
        ({"edition": "final", "period": "2018"}, "B"),
        ({"value": None, "absence": "not_collected"}, "O"),
    ],
)
def test_provisional_final_broken_and_absent_figures_have_their_sdmx_status(source: Source, changes: dict, status: str) -> None:
    assert only(harmonise([figure(**changes)], PRINTED, source))["obs_status"] == status


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"native_type": "新しい詐欺"}, "新しい詐欺"),
        ({"native_type": "ニセ警察詐欺"}, "ニセ警察詐欺"),
        ({"dimensions": {"sex": "他"}}, "他"),
        ({"table": "other"}, "other"),
        ({"measure": "losses"}, "losses"),
        ({"unit": "yen"}, "yen"),
    ],
    ids=["unknown type", "type not yet in force", "unknown sex", "unknown table", "unknown measure", "unknown unit"],
)
def test_an_undeclared_label_is_refused_with_its_cell_and_what_to_do(source: Source, changes: dict, found: str) -> None:
    with pytest.raises(RefusedInput) as refusal:
        harmonise([figure(**changes)], PRINTED, source)
    assert found in refusal.value.found
    assert "s1.csv!K4" in str(refusal.value)
    assert refusal.value.action


def test_a_figure_that_stands_twice_is_refused_with_both_cells_and_both_values(source: Source) -> None:
    with pytest.raises(RefusedInput) as refusal:
        harmonise([figure(), figure(origin="s1.csv!L9", value=Decimal(6))], PRINTED, source)
    assert "s1.csv!K4 and s1.csv!L9" in str(refusal.value)
    assert "5 and 6" in str(refusal.value)


def test_a_figure_has_a_value_or_a_reason_for_having_none() -> None:
    with pytest.raises(ValueError, match="never both"):
        figure(absence="not_collected")
    with pytest.raises(ValueError, match="never neither"):
        figure(value=None)
