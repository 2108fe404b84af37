"""A small view with real figures, for the tests of publication.

Figures: the annual crime book (令和7年の刑法犯に関する統計資料, tables 2-3-6-1, 2-3-6-2, 2-3-7-1, 2-3-7-2; the totals of
2024 and 2025 from its workbook edition), the agency's release of 2026-02-12 (fake-police fraud and the printed sum), the
rolling monthly file of June 2026, Asahi Shimbun of 2025-08-20 (Poipet). US dollars, changes, shares and means are arithmetic
on these.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline.aggregate.reconcile import RECONCILIATION_COLUMNS
from pipeline.frames import RECORD_CHANGE_SCHEMA, REVISION_SCHEMA, UNIT_COLUMNS, empty_frame, observations_frame
from pipeline.model import Period, Snapshot
from pipeline.publish.release import ReleaseInput
from pipeline.publish.revisions import ReleaseRevisions, not_accumulated
from pipeline.sources.catalogue import Source, Table

YEARS = [str(year) for year in range(2016, 2026)]
# None: printed as `-`, the category was not separated then.
CASES: dict[str, list[int | None]] = {
    "_T": [14154, 18212, 17844, 16851, 13550, 14498, 17570, 19038, 21043, 27832],
    "オレオレ詐欺": [5753, 8496, 9145, 6725, 2272, 3085, 4287, 3955, 6752, 14489],
    "預貯金詐欺": [None, None, None, None, 4135, 2431, 2363, 2754, 2276, 1707],
    "架空料金請求詐欺": [3742, 5753, 4844, 3533, 2010, 2117, 2922, 5198, 5716, 5706],
    "還付金詐欺": [3682, 3129, 1904, 2375, 1804, 4004, 4679, 4185, 4070, 3179],
}
LOSS: dict[str, list[int | None]] = {
    "_T": [
        40765652881,
        39474870491,
        38286761222,
        31582937585,
        28523359039,
        28199462547,
        37081354580,
        45256436710,
        71877275370,
        142309498218,
    ],
    "オレオレ詐欺": [
        16714510670,
        20793790944,
        18890604199,
        11764634718,
        6792410000,
        9060728729,
        12933603000,
        13348134110,
        45842900700,
        113813873880,
    ],
    "預貯金詐欺": [None, None, None, None, 5819412799, 3058074459, 2889621574, 3846364500, 2551871450, 2168850540],
    "架空料金請求詐欺": [
        15826116417,
        12766147720,
        13839782508,
        9859159587,
        7975541000,
        6807621000,
        10177798000,
        14038598000,
        13384799000,
        13169817051,
    ],
    "還付金詐欺": [
        4260232000,
        3585432000,
        2251116000,
        3010364000,
        2491514000,
        4518427000,
        5367626000,
        5131511000,
        6369672000,
        6188528000,
    ],
}
SNS: dict[str, dict[str, tuple[int, int]]] = {
    "2023": {"_T": (3846, 45518202985), "SNS型投資詐欺": (2271, 27791036944), "SNS型ロマンス詐欺": (1575, 17727166041)},
    "2024": {"_T": (10237, 127193792000), "SNS型投資詐欺": (6413, 87107992000), "SNS型ロマンス詐欺": (3824, 40085800000)},
    "2025": {"_T": (15168, 183433089000), "SNS型ロマンス詐欺": (5645, 54635088000)},
}
FAKE_POLICE_2025 = (11014, 100_500_000_000)
CUMULATIVE_2026 = (14898, 125997328926)


def _table(name: str, title: str, title_ja: str, family: str, adds_up: bool = True) -> Table:
    return Table(name, title, title_ja, family, adds_up, ())


def _source(name: str, precedence: int, tables: list[Table], breaks: tuple[dict[str, Any], ...] = ()) -> Source:
    meta = {
        "title": f"Title of {name}",
        "title_ja": "特殊詐欺",
        "homepage": "https://www.npa.go.jp/publications/statistics/sousa/sagi.html",
        "licence": "Public Data License (Version 1.0)",
        "attribution": "Source: National Police Agency of Japan (警察庁)",
        "owner": "japan-statistics",
        "unit_of_count": "cases recognised by the police (認知件数), attempts included",
        "loss_concept": "gross loss of completed cases",
        "date_basis": "date of recognition",
        "coverage": "all of Japan",
        "calendar": "final about 22 May",
        "expected": {"frequency": "annual", "months_after": 9},
        "classifications": {"npa_2020": "special fraud, 10 types", "npa_2026": "special fraud, 13 types"},
        "caveats": ["A dash is never zero."],
    }
    declared = {table.id: table for table in tables}
    return Source(
        name, meta["title"], "National Police Agency of Japan", "JP", "JPY", precedence, "none", declared, breaks, meta, Path()
    )


def sources() -> list[Source]:
    """Four sources as they are declared: book, monthly file, releases, bases abroad."""
    special = _table("special_fraud", "Special fraud", "特殊詐欺", "special_fraud")
    sns = _table("sns_fraud", "SNS investment and romance fraud", "SNS型投資・ロマンス詐欺", "sns_fraud")
    both = _table("special_and_sns", "Together", "合計", "special_and_sns", adds_up=False)
    added = {
        "table": "special_fraud",
        "from": "2018",
        "native_types": ["_T"],
        "reason": "cash-card theft is added",
        "evidence": "note",
    }
    return [
        _source("npa_annual", 1, [special, sns], (added,)),
        _source("npa_monthly", 2, [special, sns]),
        _source("npa_releases", 3, [special, sns, both]),
        _source(
            "npa_overseas", 1, [_table("events", "Single arrests by country", "個別の摘発事案", "bases_events", adds_up=False)]
        ),
    ]


def snapshots() -> list[Snapshot]:
    """One snapshot a source."""
    return [
        Snapshot(
            source=source,
            id=snapshot,
            sha256=snapshot * 5 + snapshot[:4],
            file=file,
            size_bytes=10,
            media_type="text/csv",
            origin="transcribed from the publication",
            published=day,
            known_at=dt.date.fromisoformat(day),
            retrospective=True,
            edition="final",
            extract=False,
        )
        for source, snapshot, file, day in (
            ("npa_annual", "aaaaaaaaaaaa", "r07.csv", "2026-08-31"),
            ("npa_monthly", "bbbbbbbbbbbb", "hurikomesagi_toukei.csv", "2026-06-22"),
            ("npa_releases", "cccccccccccc", "2026-02-12.csv", "2026-02-12"),
            ("npa_overseas", "dddddddddddd", "2025-08-20.csv", "2025-08-20"),
        )
    ]


_SNAPSHOT_OF = {snapshot.source: snapshot for snapshot in snapshots()}


def row(source: str, table: str, period: str, measure: str, unit: str, value: int | str | None, **more: Any) -> dict[str, Any]:
    """One observation as a dictionary; without a value it needs `absence`."""
    snapshot = _SNAPSHOT_OF[source]
    return {
        "source": source,
        "table": table,
        "frequency": Period.parse(period).frequency,
        "period": period,
        "measure": measure,
        "unit": unit,
        "value": None if value is None else Decimal(value),
        "classification": "npa_2020" if table == "special_fraud" else "npa_sns_2023",
        "edition": "final",
        "known_at": snapshot.known_at,
        "snapshot": snapshot.id,
        "origin": f"{snapshot.file}!K4",
        **more,
    }


def typed(native: str) -> dict[str, str]:
    """The columns of a type."""
    return {"native_type": native, "fraud_type": "_T" if native == "_T" else "OTH"}


def _book() -> list[dict[str, Any]]:
    rows = []
    for measure, unit, grid in (("cases", "cases", CASES), ("loss", "JPY", LOSS)):
        for native, values in grid.items():
            for year, value in zip(YEARS, values, strict=True):
                more: dict[str, Any] = {"absence": "not_collected"} if value is None else {}
                if (measure, native, year) == ("loss", "オレオレ詐欺", "2025"):
                    more = {"derivation": "residual", "note": "not printed exactly (1.14E+11)"}
                rows.append(row("npa_annual", "special_fraud", year, measure, unit, value, **typed(native), **more))
    for year, types in SNS.items():
        for native, (cases, loss) in types.items():
            rows.append(row("npa_annual", "sns_fraud", year, "cases", "cases", cases, **typed(native)))
            rows.append(row("npa_annual", "sns_fraud", year, "loss", "JPY", loss, **typed(native)))
    lost = {"absence": "unreadable", "obs_status": "O", "note": "printed: 1.29E+11"}
    rows.append(row("npa_annual", "sns_fraud", "2025", "loss", "JPY", None, **typed("SNS型投資詐欺"), **lost))
    return rows


def _derived() -> list[dict[str, Any]]:
    book = ("npa_annual", "special_fraud")
    broken = {"absence": "break", "derivation": "change", "obs_status": "O", "note": "cash-card theft is added"}
    return [
        row(*book, "2025", "loss", "USD", "951079735.99", derivation="converted", precision=Decimal("0.005")),
        row(
            "npa_annual", "sns_fraud", "2025", "loss", "USD", "1225916022.00", derivation="converted", precision=Decimal("0.005")
        ),
        row(*book, "2025", "change_on_year", "percent", "97.990", derivation="change", precision=Decimal("0.0005")),
        row(*book, "2018", "change_on_year", "percent", None, **broken),
        row(*book, "2025", "mean_loss", "JPY", 5113161, derivation="mean"),
        row(*book, "2025", "mean_loss_completed", "JPY", 5236009, derivation="mean"),
        row(
            *book,
            "2025",
            "loss_per_100k",
            "JPY_per_100k",
            None,
            absence="not_yet_known",
            derivation="rate",
            note="no population for 2025",
        ),
        row(*book, "2025", "share_of_loss", "percent", "79.976", **typed("オレオレ詐欺"), derivation="share"),
    ]


def _press() -> list[dict[str, Any]]:
    press = ("npa_releases", "special_fraud", "2025")
    provisional = {"edition": "provisional", "obs_status": "P"}
    hundred_million = Decimal(5_000_000)
    fake = {**typed("ニセ警察詐欺"), "overlay": True}
    cases, loss = FAKE_POLICE_2025
    return [
        row(*press, "cases", "cases", 27758, **provisional),
        row(*press, "loss", "JPY", 141_420_000_000, precision=hundred_million, **provisional),
        row(*press, "cases", "cases", cases, **fake),
        row(*press, "loss", "JPY", loss, precision=Decimal(50_000_000), **fake),
        row(
            "npa_releases",
            "special_and_sns",
            "2025",
            "loss",
            "JPY",
            324_110_000_000,
            precision=hundred_million,
            **{**provisional, "classification": "npa_2020_sns_2023"},
        ),
        row("npa_releases", "special_fraud", "2025-S1", "cases", "cases", 13213, **provisional),
        row("npa_releases", "special_fraud", "2025", "victims_share", "percent", "52.9", age="Y_GE65", precision=Decimal("0.05")),
    ]


def _monthly() -> list[dict[str, Any]]:
    new = {"classification": "npa_2026", "edition": "provisional", "obs_status": "P"}
    cases, loss = CUMULATIVE_2026
    file = ("npa_monthly", "special_fraud")
    return [
        row(*file, "2026-01/2026-04", "cases", "cases", cases, **new),
        row(*file, "2026-01/2026-04", "loss", "JPY", loss, **new),
        row(*file, "2026-01/2026-04", "cases", "cases", 4381, **typed("SNS型投資詐欺"), **new),
        row(*file, "2026-01/2026-04", "loss", "JPY", 59250906000, **typed("SNS型投資詐欺"), **new),
        row(*file, "2026-01/2026-04", "cases", "cases", 3058, **typed("ニセ警察詐欺"), **new),
        row(*file, "2026-01/2026-04", "loss", "JPY", 32524573000, **typed("ニセ警察詐欺"), **new),
        row(*file, "2025-01/2025-03", "cases", "cases", 5933, edition="provisional"),
        # A whole year re-cut to the new classification counts SNS fraud already: it must never be added to SNS fraud.
        row(*file, "2025", "cases", "cases", 43000, **new),
        row(*file, "2025", "cases", "cases", 9523, **typed("SNS型投資詐欺"), **new),
    ]


def _abroad() -> list[dict[str, Any]]:
    poipet = {"offender_location": "KH", "classification": "npa_bases", "edition": "unknown", "overlay": True}
    return [row("npa_overseas", "events", "2025-08-20", "persons_arrested", "persons", 29, **poipet)]


def rows() -> list[dict[str, Any]]:
    """All rows of the sample as dictionaries."""
    return [*_book(), *_derived(), *_press(), *_monthly(), *_abroad()]


def view(extra: list[dict[str, Any]] | None = None) -> pd.DataFrame:
    """The sample as a frame of observations, with rows of the test's own."""
    return observations_frame([*rows(), *(extra or [])])


def findings() -> pd.DataFrame:
    """One finding of each kind that pages tell apart."""
    columns = [
        "check",
        "table",
        "period",
        "measure",
        "unit",
        "ours",
        "theirs",
        "difference",
        "tolerance",
        "status",
        "explanation",
    ]
    return pd.DataFrame(
        [
            (
                "types add up",
                "special_fraud",
                "2025",
                "cases",
                "cases",
                Decimal(27832),
                Decimal(27832),
                Decimal(0),
                Decimal(0),
                "exact",
                "",
            ),
            (
                "years",
                "special_fraud",
                "2025",
                "loss",
                "JPY",
                Decimal(2),
                Decimal(5),
                Decimal(-3),
                Decimal(0),
                "different",
                "one is early",
            ),
            (
                "years",
                "special_fraud",
                "2019",
                "loss",
                "JPY",
                Decimal(2),
                Decimal(2),
                Decimal(0),
                Decimal(0),
                "exact",
                "another year",
            ),
        ],
        columns=columns,
        dtype=object,
    )


def first_release(frame: pd.DataFrame) -> ReleaseRevisions:
    """The history of a release of which nothing was known before."""
    return ReleaseRevisions(
        vintages=(dt.date(2026, 9, 20),),
        shown=frame,
        revisions=empty_frame(REVISION_SCHEMA),
        units=units(frame),
        records=empty_frame(RECORD_CHANGE_SCHEMA),
        accumulate=not_accumulated,
    )


def units(frame: pd.DataFrame) -> pd.DataFrame:
    """Each table and period of the frame, known from the day of the last of its figures: none was printed twice."""
    found = frame.groupby(UNIT_COLUMNS, sort=False, as_index=False)["known_at"].max()
    return found.rename(columns={"known_at": "vintage"}).astype(object)


def given(period: str, frame: pd.DataFrame | None = None, **changes: Any) -> ReleaseInput:
    """What the release of `period` is made from."""
    parsed, shown = Period.parse(period), view() if frame is None else frame
    entries: dict[str, Any] = {
        "frequency": parsed.frequency,
        "period": parsed,
        "view": shown,
        "findings": findings(),
        "reconciliation": pd.DataFrame(columns=RECONCILIATION_COLUMNS, dtype=object),
        "revisions": first_release(shown),
        "sources": sources(),
        "snapshots": snapshots(),
        "as_of": dt.date(2026, 9, 20),
        "code_version": "test",
        "release_id": "0123456789ab",
        **changes,
    }
    return ReleaseInput(**entries)


def pages(files: dict[str, bytes]) -> str:
    """All English pages of a release, one after the other."""
    return "".join(
        content.decode() for name, content in files.items() if name.endswith(".html") and not name.endswith(".ja.html")
    )
