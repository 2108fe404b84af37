"""Crosswalks: every label leads to a listed code, with how well it fits and why; what is mapped sums to what was printed."""

from __future__ import annotations

import collections
import csv
import itertools
import zipfile
from decimal import Decimal
from importlib import import_module
from pathlib import Path

import pandas as pd
import pytest

from pipeline.aggregate.cubes import cube_observations
from pipeline.ingest.harmonise import harmonise
from pipeline.model import ADDITIVE_MEASURES, DIMENSIONS, NOT_APPLICABLE, TOTAL, Period
from pipeline.reading.crosswalk import crosswalk_rows, in_force
from pipeline.reference import AREA, FACETS, code_labels, code_list, fraud_types, top_fraud_type
from pipeline.sources.catalogue import source, source_ids
from tests.figures import snapshot
from tests.shipped import INBOX, shipped

FIXTURES = Path(__file__).parent / "fixtures"
FACET_COLUMNS = ("auth", "persona", "channel", "payment", "crypto")
COLUMNS = ("dimension", "native_code", "valid_from", "valid_to", "common_code", "match", "additive", "note", "evidence")
EVERY_SOURCE = pytest.mark.parametrize("source_id", source_ids())


def lines(source_id: str) -> list[dict[str, str]]:
    with (source(source_id).folder / "crosswalk.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def codes_of(dimension: str) -> set[str]:
    return set(fraud_types() if dimension == "fraud_type" else code_list(dimension)) | {TOTAL, NOT_APPLICABLE}


# ---------------------------------------------------------------------------------------------------------------- the rows


@EVERY_SOURCE
def test_every_row_says_how_well_it_fits_whether_it_adds_up_and_by_what_evidence(source_id: str) -> None:
    for line in lines(source_id):
        assert [name for name in line if name not in FACET_COLUMNS] == list(COLUMNS)
        assert line["match"] in ("exact", "broad", "narrow", "partial", "none"), line
        assert line["additive"] in ("Y", "N"), line
        assert line["native_code"], line
        assert line["evidence"], line
        for end in (line["valid_from"], line["valid_to"]):
            assert not end or Period.parse(end), line


@EVERY_SOURCE
def test_every_label_leads_to_a_code_of_its_list_and_facets_stand_in_columns_of_their_own(source_id: str) -> None:
    for line in lines(source_id):
        assert line["dimension"] in ("fraud_type", AREA, *DIMENSIONS), line
        assert line["common_code"] in codes_of(line["dimension"]), line
        for facet in FACET_COLUMNS:
            assert line.get(facet, "") in ("", *code_list(facet)), f"{facet}: {line}"


@EVERY_SOURCE
def test_a_label_that_fits_in_part_goes_to_a_type_at_the_top_and_one_that_is_no_fraud_to_none(source_id: str) -> None:
    for line in lines(source_id):
        if line["dimension"] == "fraud_type":
            if line["match"] == "partial":
                assert top_fraud_type(line["common_code"]) == line["common_code"], line
            assert (line["match"] == "none") == (line["common_code"] == NOT_APPLICABLE), line


@EVERY_SOURCE
def test_a_label_leads_to_one_code_at_any_time(source_id: str) -> None:
    path = source(source_id).folder / "crosswalk.csv"
    days = ["2010", "2019", "2020", "2024", "2026"]
    for key, rows in crosswalk_rows(path).items():
        for day in days:
            assert sum(in_force(row, Period.parse(day)) for row in rows) <= 1, f"{key} in {day}"


def test_one_code_has_one_meaning_and_a_label_in_words() -> None:
    for facet in FACETS:
        assert code_list(facet), facet
    for code, meaning in code_labels().items():
        assert meaning.label, code


@EVERY_SOURCE
def test_areas_are_written_as_in_iso_3166(source_id: str) -> None:
    for line in lines(source_id):
        if line["dimension"] == AREA:
            code = line["common_code"]
            country = source(source_id).country
            assert code in (country, TOTAL, "_U", f"_U_{country}", f"_X_{country}") or code.startswith(f"{country}-"), line


# ------------------------------------------------------------------------------------------------------------ mapped parts


def observations(source_id: str, folder: Path) -> pd.DataFrame:
    """The observations of the small files of a source that are written by hand, from all of its reader and crosswalk."""
    declared = source(source_id)
    files = sorted((FIXTURES / source_id).glob("*.csv"))
    if source_id == "cafc":
        path = FIXTURES / "cafc" / "accented.csv"
    else:
        path = folder / f"{source_id}.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for file in files:
                archive.write(file, file.name)
    taken = snapshot("f1x", "2031-03-31", source=source_id, file=path.name)
    if declared.is_records:
        return cube_observations(import_module(declared.reader).read_cases(path, taken, declared), declared, taken)
    return harmonise(import_module(declared.reader).read(path, taken, declared), taken, declared)


def mapped_and_total(frame: pd.DataFrame, source_id: str) -> list[tuple[Decimal, Decimal, Decimal]]:
    """(sum over the common types of what is mapped to each, native total, what rounding allows) wherever all parts are there."""
    declared = source(source_id)
    rows = frame[frame["measure"].isin(ADDITIVE_MEASURES) & ~frame["overlay"].astype(bool)]
    rows = rows[[declared.tables[table].parts_add_up for table in rows["table"]]]
    key = ["snapshot", "table", "classification", "period", "area", *DIMENSIONS, "measure", "unit"]
    found = []
    for _, group in rows.groupby(key, sort=True):
        members = group.to_dict("records")
        totals = [row for row in members if row["native_type"] == TOTAL and not row["absence"]]
        parts = [row for row in members if row["native_type"] != TOTAL]
        named = declared.meta["tables"][members[0]["table"]].get("parts", {}).get(members[0]["classification"])
        # Reports are all there; of what is printed, only what is declared to be complete.
        complete = declared.is_records if named is None else {row["native_type"] for row in parts} >= set(named)
        if len(totals) != 1 or not parts or not complete or any(row["absence"] not in ("", "not_collected") for row in parts):
            continue
        mapped: dict[str, Decimal] = collections.defaultdict(Decimal)
        for row in parts:
            mapped[top_fraud_type(row["fraud_type"])] += row["value"] if not row["absence"] else Decimal(0)
        allowed = sum((Decimal(row["precision"] or 0) for row in members), Decimal(0))
        found.append((sum(mapped.values(), Decimal(0)), totals[0]["value"], allowed))
    return found


@pytest.mark.parametrize("source_id", ["cafc", "scamwatch"])
def test_what_is_mapped_sums_to_the_native_total_of_each_period_of_the_small_files(source_id: str, tmp_path: Path) -> None:
    frame = observations(source_id, tmp_path)
    compared = mapped_and_total(frame, source_id)
    assert len(compared) > 10
    assert all(mapped == total for mapped, total, _ in compared)
    # The table of common types says the same as the publisher's types.
    common = frame[(frame["table"] == f"{source_id}_common_types") & (frame["measure"] == "cases") & (frame["absence"] == "")]
    for period, rows in common.groupby("period"):
        parts = rows.loc[rows["fraud_type"] != TOTAL, "value"].sum()
        assert parts == rows.loc[rows["fraud_type"] == TOTAL, "value"].iloc[0], period


def test_the_data_book_s_types_are_not_said_to_sum_and_none_is_more_than_all_fraud(tmp_path: Path) -> None:
    frame = observations("ftc_csn", tmp_path)
    assert mapped_and_total(frame, "ftc_csn") == []
    of_types = frame[(frame["table"] == "fraud_by_category") & (frame["measure"] == "cases")]
    whole = frame[(frame["table"] == "fraud_reports") & (frame["measure"] == "cases") & (frame["loss_band"] == TOTAL)]
    assert of_types.loc[of_types["native_type"] != TOTAL, "value"].sum() <= whole["value"].iloc[0]


@pytest.mark.skipif(not INBOX.is_dir(), reason="the shipped files are not beside the code")
@pytest.mark.parametrize("source_id", ["npa_annual", "npa_monthly", "npa_releases", "jca_card"])
def test_what_is_mapped_sums_to_the_native_total_of_each_period_of_the_shipped_figures(source_id: str) -> None:
    compared = mapped_and_total(shipped(source_id)[1], source_id)
    assert len(compared) > 5
    wrong = [pair for pair in compared if abs(pair[0] - pair[1]) > pair[2]]
    assert wrong == []


@pytest.mark.skipif(not INBOX.is_dir(), reason="the shipped files are not beside the code")
def test_every_code_of_the_shipped_figures_is_in_a_list() -> None:
    found = [shipped(name)[1] for name in source_ids() if (INBOX / name).is_dir()]
    for dimension, frame in itertools.product(("fraud_type", *DIMENSIONS), found):
        assert set(frame[dimension]) <= codes_of(dimension), dimension


@pytest.mark.parametrize("source_id", ["cafc", "scamwatch", "ftc_csn"])
def test_every_code_of_the_small_files_is_in_a_list(source_id: str, tmp_path: Path) -> None:
    frame = observations(source_id, tmp_path)
    for dimension in ("fraud_type", *DIMENSIONS):
        assert set(frame[dimension]) <= codes_of(dimension), dimension
    assert set(frame["area"]) <= set(code_list(AREA))
