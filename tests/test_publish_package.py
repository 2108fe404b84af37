"""The data package of a release: `frictionless validate` finds nothing to say, on real releases and on hostile words."""

from __future__ import annotations

import json
import re
from pathlib import Path

import frictionless
import pandas as pd
import pytest

from pipeline.publish import release
from tests import publish_sample as sample
from tests import shipped


def _validated(files: dict[str, bytes], folder: Path) -> frictionless.Report:
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return frictionless.validate(str(folder / "datapackage.json"))


def _errors(report: frictionless.Report) -> list[list[object]]:
    return list(report.flatten(["type", "title", "message"]))


@pytest.mark.parametrize("period", ["2025", "2026-04", "2010"])
def test_the_package_of_a_shipped_release_is_valid(period: str, tmp_path: Path) -> None:
    view = shipped.everything()
    snapshots = [item for source_id in view["source"].unique() for item in shipped.shipped(source_id)[0]]
    given = sample.given(
        period, view, sources=[shipped.source(name) for name in sorted(set(view["source"]))], snapshots=snapshots
    )
    files = release.build(given)
    report = _validated(files, tmp_path)
    assert _errors(report) == []
    checked = {task.place: task.stats.get("rows", 0) for task in report.tasks if task.type == "table"}
    assert checked["sdmx_data.csv"] == len(pd.read_parquet(tmp_path / "observations.parquet"))


def test_tidy_tables_share_one_schema_that_lies_beside_them(tmp_path: Path) -> None:
    """The schema of a tidy table has 6 kB; a release has up to twenty of them."""
    files = release.build(sample.given("2025"))
    resources = json.loads(files["datapackage.json"])["resources"]
    tidy = [item for item in resources if item["path"].startswith("npa_")]
    assert len(tidy) > 3
    assert {item["schema"] for item in tidy} == {"table_schema.json"}
    assert len(files["datapackage.json"]) < 30_000
    narrowed = json.loads(files["table_schema.json"])
    narrowed["fields"] = [{**field, "type": "date"} if field["name"] == "value" else field for field in narrowed["fields"]]
    report = _validated(files | {"table_schema.json": json.dumps(narrowed).encode()}, tmp_path)
    assert "type-error" in {error[0] for error in _errors(report)}


def test_every_file_of_a_package_says_in_its_own_language_what_it_is() -> None:
    files = release.build(sample.given("2025"))
    titles = {item["path"]: item["title"] for item in json.loads(files["datapackage.json"])["resources"]}
    assert titles.keys() == files.keys() - {"datapackage.json"}
    assert all(title.strip() for title in titles.values())
    assert (titles["index.html"], titles["index.ja.html"]) == ("Fraud losses, 2025", "詐欺被害統計 2025年")
    assert titles["observations.parquet"] == "every observation that this release is made from"
    assert titles["npa_annual_special_fraud.csv"] == "Special fraud, npa_annual"
    for name, title in titles.items():
        if name.startswith(("chart_", "tables_")):
            assert bool(re.search("[ぁ-ん一-龠]", title)) == (".ja." in name), (name, title)
    assert {name.rpartition(".")[2] for name in titles if ".ja." in name} == {"html", "svg"}


def test_hostile_words_leave_the_package_valid(tmp_path: Path) -> None:
    words = ['a "quote", a comma\nand a line', "=1+1", "</script>", "\x00", "\ufeff", "'", "オレオレ\u3000詐欺"]
    rows = [
        sample.row("npa_annual", "special_fraud", "2025", "cases", "cases", 1, native_type=word, note=word, origin=word)
        for word in words
    ]
    assert _errors(_validated(release.build(sample.given("2025", sample.view(rows))), tmp_path)) == []


@pytest.mark.parametrize("name", ["npa_annual_special_fraud.csv", "sdmx_data.csv"])
def test_a_file_that_is_not_what_the_package_says_is_found(name: str, tmp_path: Path) -> None:
    files = release.build(sample.given("2025"))
    assert name in {resource["path"] for resource in json.loads(files["datapackage.json"])["resources"]}
    report = _validated(files | {name: files[name].replace(b"27832", b"27833", 1)}, tmp_path)
    assert [error[0] for error in _errors(report)] == ["hash-count"]
    report = _validated(files | {name: files[name].replace(b"2026-08-31", b"last August", 1)}, tmp_path)
    assert "type-error" in {error[0] for error in _errors(report)}
