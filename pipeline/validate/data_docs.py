"""Data Docs: what was checked, rule by rule, as pages that open without a network.

In: verdicts as `Verdict.to_json()` gives them, the current one of each snapshot; a record of a file that was refused before any
rule was asked has no `documents`, and its page says so. Out: file names and their bytes.

Great Expectations' own renderer makes the tables; the page around them is ours. Its site builder would pull styles and scripts
from eight other hosts, stamp the time of the run and random ids into every page, and keep the pages of earlier runs. Here the
same verdicts give the same bytes, a snapshot that is judged again replaces its page, and the page of one that has no verdict any
more is taken away. The results are those of SUMMARY with no samples: no value of a broken row stands on a page. Cells and values
are in the verdict's message and in the quarantine.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from pipeline.validate.expectations import great_expectations
from pipeline.validate.judged_frames import FRAMES

STYLE = """
:root { color-scheme: light dark; --line: #8886; --bad: #b3261e; --good: #1b6e3c; }
@media (prefers-color-scheme: dark) { :root { --bad: #ff8a80; --good: #7bd99b; } }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 84rem; margin: 0 auto; padding: 1rem; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 1.5rem; }
th, td { border: 1px solid var(--line); padding: .3rem .6rem; text-align: left; vertical-align: top; overflow-wrap: break-word; }
.rules td:nth-child(-n+3) { white-space: nowrap; }
.rules td:nth-child(6), .rules td:nth-child(7) { min-width: 16rem; }
.wide { overflow-x: auto; }
.badge { border: 1px solid var(--line); border-radius: .25rem; padding: 0 .3rem; }
.bad, .text-danger { color: var(--bad); } .good, .text-success { color: var(--good); }
.fa-check-circle::before { content: "✓ holds"; } .fa-times::before, .fa-times-circle::before { content: "✗ broken"; }
.fa-exclamation-triangle::before { content: "! the check broke"; }
h5 { font-size: 1.1rem; margin: 1rem 0 .3rem; } h6 { font-size: 1rem; margin: 0; display: inline; }
[hidden] { display: none; }
"""

_HEAD = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ title }}</title>
<style>{{ style | safe }}</style>
</head>
<body>
"""

_PAGE = (
    _HEAD
    + """<p><a href="../index.html">All files</a></p>
<main>
<h1>{{ verdict.source }}: {{ verdict.file }}</h1>
<p><strong class="{{ 'bad' if verdict.stopped else 'good' }}">{{ status }}</strong>
Snapshot {{ verdict.snapshot or "unknown" }}{% if rules %}, judged by the suite
 {{ verdict.suite }} ({{ verdict.suite_hash[:12] }}){% endif %}.</p>
{% if rules %}<h2>Rules</h2>
<p>Those that are broken stand first. Cells and values that broke them are in the verdict's message and in the quarantine.</p>
<div class="wide"><table class="rules">
<thead><tr><th>Rule</th><th>Severity</th><th>Outcome</th><th>Rows checked</th><th>Rows broken</th>
<th>Expected</th><th>What to do when it is broken</th><th>Owner</th></tr></thead>
<tbody>
{% for rule in rules %}<tr><td>{{ rule.rule_id }}</td><td>{{ rule.severity }}</td>
<td class="{{ 'good' if rule.outcome == 'passed' else 'bad' }}">{{ rule.outcome.replace("_", " ") }}</td>
<td>{{ "the table" if rule.rows_checked is none else rule.rows_checked }}</td><td>{{ rule.rows_broken }}</td>
<td>{{ rule.expected }}</td><td>{{ rule.action }}</td><td>{{ rule.owner }}</td></tr>
{% endfor %}</tbody>
</table></div>{% else %}<p>The message of the verdict says what was found, where, and what to do.</p>{% endif %}
{% for frame in frames %}<h2>As Great Expectations shows the {{ frame.name }}</h2>
<div class="wide">
{% for section in frame.sections %}{% set section_loop = loop %}{% include 'section.j2' %}{% endfor %}
</div>
{% endfor %}</main>
</body>
</html>
"""
)

_INDEX = (
    _HEAD
    + """<main>
<h1>Data Docs</h1>
<p>The current verdict on each file, by the suites in <code>expectations/</code>.</p>
<div class="wide"><table>
<thead><tr><th>Source</th><th>File</th><th>Snapshot</th><th>Verdict</th><th>Rules</th><th>Rows read</th><th>Go on</th>
<th>Set aside</th></tr></thead>
<tbody>
{% for row in rows %}<tr><td>{{ row.verdict.source }}</td><td><a href="{{ row.page }}">{{ row.verdict.file }}</a></td>
<td>{{ row.verdict.snapshot }}</td><td class="{{ 'bad' if row.verdict.stopped else 'good' }}">{{ row.status }}</td>
<td>{{ row.verdict.rules | length }}</td><td>{{ row.verdict.read }}</td>
<td>{{ 0 if row.verdict.stopped else row.verdict.ok }}</td><td>{{ row.verdict.quarantined }}</td></tr>
{% endfor %}</tbody>
</table></div>
</main>
</body>
</html>
"""
)


_NOT_JUDGED: dict[str, Any] = {
    "stopped": True,
    "suite": "",
    "suite_hash": "",
    "rules": [],
    "documents": {},
    "read": 0,
    "ok": 0,
    "quarantined": 0,
}


def build(verdicts: Iterable[Mapping[str, Any]], *, pages_of: Collection[str] | None = None) -> dict[str, bytes]:
    """The site: `index.html` and `<source>/<snapshot>.html` for each verdict, or for those whose page is one of `pages_of`.

    In: verdicts as `Verdict.to_json()` gives them, also after a round through JSON, in any order. Of several verdicts on one
    snapshot the last one given is the current one. Out: file name -> bytes, the same for the same verdicts.
    """
    current = {page_name(verdict): _NOT_JUDGED | dict(verdict) for verdict in verdicts}
    environment = _environment()
    pages = {
        name: _page(verdict, environment) for name, verdict in sorted(current.items()) if pages_of is None or name in pages_of
    }
    rows = [{"page": name, "verdict": verdict, "status": _status(verdict)} for name, verdict in sorted(current.items())]
    index = environment.get_template("index.html").render(title="Data Docs", style=STYLE, rows=rows)
    return {"index.html": index.encode(), **pages}


def page_name(verdict: Mapping[str, Any]) -> str:
    """The page of a verdict."""
    name = verdict["snapshot"] or re.sub(r"[^\w.-]", "_", verdict["file"])
    return f"{verdict['source']}/{name}.html"


def _status(verdict: Mapping[str, Any]) -> str:
    if not verdict["documents"]:
        return "refused while it was read, before any rule was asked"
    if verdict["stopped"]:
        return "stopped"
    return f"passed, {verdict['quarantined']} rows set aside" if verdict["quarantined"] else "passed"


def _page(verdict: Mapping[str, Any], environment: Any) -> bytes:
    # Element ids start again on each page, so that a page does not depend on its siblings.
    numbers = itertools.count(1)
    environment.filters["generate_html_element_uuid"] = lambda prefix=None: f"{prefix or ''}{next(numbers)}"
    documents = verdict["documents"]
    html = environment.get_template("page.html").render(
        title=f"Data Docs: {verdict['source']}, {verdict['file']}",
        style=STYLE,
        verdict=verdict,
        status=_status(verdict),
        rules=sorted(verdict["rules"], key=lambda rule: rule["outcome"] == "passed"),
        frames=[{"name": name, "sections": _sections(documents[name], verdict["file"])} for name in FRAMES if name in documents],
    )
    return re.sub(r"\n\s+", "\n", html).encode()


def _environment() -> Any:
    """The templates of Great Expectations with our two pages in front; made once, because compiling them is most of the cost."""
    great_expectations()
    from great_expectations.render.view import DefaultJinjaPageView
    from jinja2 import ChoiceLoader, DictLoader

    environment = DefaultJinjaPageView().env
    own = DictLoader({"page.html": _PAGE, "index.html": _INDEX})
    environment.loader = ChoiceLoader([own, *filter(None, [environment.loader])])
    return environment


def _sections(document: Mapping[str, Any], file: str) -> list[dict[str, Any]]:
    from great_expectations.render.renderer.page_renderer import ValidationResultsPageRenderer

    content = ValidationResultsPageRenderer(run_info_at_end=True).render(_results(document, file)).to_json_dict()
    # Only the overview has a link, to a page of the suite that Great Expectations' own site would have.
    overview, *rest = content["sections"]
    return [_without_links(overview), *rest]


def _without_links(content: Any) -> Any:
    """The content with a plain text in the place of each link."""
    if isinstance(content, dict):
        return {
            key: "span" if key == "tag" and value == "a" else _without_links(value)
            for key, value in content.items()
            if key != "attributes" or "href" not in value
        }
    return [_without_links(item) for item in content] if isinstance(content, list) else content


def _results(document: Mapping[str, Any], file: str) -> Any:
    from great_expectations.core.expectation_validation_result import (
        ExpectationSuiteValidationResult,
        ExpectationValidationResult,
    )
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    results = [
        ExpectationValidationResult(
            success=result["success"],
            expectation_config=ExpectationConfiguration(
                type=result["type"], kwargs=dict(result["kwargs"]), meta={"rule_id": result["rule_id"]}
            ),
            result=dict(result["result"]),
            exception_info={
                "raised_exception": bool(result["raised"]),
                "exception_message": result["raised"],
                "exception_traceback": "",
            },
            meta={},
        )
        for result in document["results"]
    ]
    return ExpectationSuiteValidationResult(
        success=document["success"],
        results=results,
        suite_name=document["suite_name"],
        statistics=dict(document["statistics"]),
        meta={"active_batch_definition": {"data_asset_name": file}, "batch_spec": {"data_asset_name": file}},
    )
