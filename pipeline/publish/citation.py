"""How a release is named and quoted: its identifier, a citation for people and for BibTeX, and schema.org's JSON-LD for machines.

In: the title, period and files of the release and what its sources declare. Out: text. No address of the site is known here, so
identifiers are tag URIs (RFC 4151) under a domain that nobody can own, and links are relative.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from pipeline import reference
from pipeline.model import MEASURES, Period, Snapshot
from pipeline.publish.families import publisher
from pipeline.publish.package import DESCRIPTION, media_type
from pipeline.publish.texts import clean, plain_text
from pipeline.publish.words import Words, _, day, each, listed
from pipeline.sources.catalogue import Source

CREATOR = "fraudloss"
# `.invalid` belongs to nobody (RFC 2606): the names clash with none, and promise no server.
_TAG = "tag:fraudloss.invalid,2026:"
# Within a script element markup begins at "<", whatever the quotes say; these are the same characters to a JSON reader.
_WITHIN_SCRIPT = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"}
_BIBTEX_SIGNS = re.compile(r"[\\{}&%$#_~^]")
_BIBTEX = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}


@dataclasses.dataclass(frozen=True)
class Citation:
    """A release as it is quoted."""

    title: str
    period: Period
    release_id: str
    known_by: dt.date
    sources: Sequence[Source]

    @property
    def text(self) -> Words:
        """One sentence for a list of references."""
        return _(
            "{creator} ({year}). {title}. Release {release}, figures known by {day}, compiled from figures of {publishers}.",
            creator=CREATOR,
            year=self.known_by.year,
            title=clean(self.title),
            release=self.release_id,
            day=each(self.known_by.isoformat(), lambda: str(day(self.known_by))),
            publishers=self._publishers,
        )

    @property
    def bibtex(self) -> bytes:
        """The same as an entry for BibTeX."""
        key = f"{CREATOR}_{self.period.frequency}_{self.period.code}_{self.release_id}"
        fields = {
            "author": f"{{{CREATOR}}}",
            "title": f"{{{_bibtex_text(self.title)}}}",
            "year": str(self.known_by.year),
            "note": _bibtex_text(self._note),
        }
        lines = [f"  {name} = {{{text}}}," for name, text in fields.items()]
        return "\n".join([f"@misc{{{key},", *lines, "}", ""]).encode()

    @property
    def _note(self) -> str:
        known_by = self.known_by.isoformat()
        return f"Release {self.release_id}, figures known by {known_by}, compiled from figures of {str.__str__(self._publishers)}"

    @property
    def _publishers(self) -> Words:
        if not self.sources:
            return _("no source")
        # In English sources name several publishers one after the other; each is named once.
        english = dict.fromkeys(name for source in self.sources for name in clean(source.publisher).split("; "))
        return each("; ".join(english), listed, dict.fromkeys(map(publisher, self.sources)), "; ")


def _bibtex_text(text: str) -> str:
    one_line = " ".join(clean(text).split())
    return _BIBTEX_SIGNS.sub(lambda match: _BIBTEX.get(match[0], f"\\{match[0]}"), one_line)


def tag_uri(*parts: str) -> str:
    """The name of a thing that this project publishes, the same for ever: `tag_uri("annual", "2025")`."""
    return _TAG + "/".join(quote(part, safe="") for part in parts)


def json_ld(cited: Citation, *, files: Mapping[str, bytes], measures: Iterable[str], snapshots: Sequence[Snapshot]) -> str:
    """A schema.org Dataset as JSON that may stand within a script element. `files`: every download, name -> content."""
    countries = dict.fromkeys(source.country for source in cited.sources)
    names, measured = reference.code_list(reference.AREA), set(measures)
    dataset = {
        "@context": "https://schema.org/",
        "@type": "Dataset",
        "name": clean(cited.title),
        "description": f"{clean(cited.title)}. {DESCRIPTION}",
        "identifier": tag_uri(cited.period.frequency, cited.period.code, cited.release_id),
        "version": cited.release_id,
        "dateModified": cited.known_by.isoformat(),
        "temporalCoverage": f"{cited.period.start.isoformat()}/{cited.period.end.isoformat()}",
        "spatialCoverage": [names[country].label if country in names else country for country in countries],
        "variableMeasured": [MEASURES[name] for name in MEASURES if name in measured],
        "isAccessibleForFree": True,
        "creator": {"@type": "Organization", "name": CREATOR},
        "citation": cited.text,
        "license": [_licence(title) for title in dict.fromkeys(_licence_words(source) for source in cited.sources)],
        "isBasedOn": [_based_on(source, snapshots) for source in cited.sources],
        "distribution": [_download(name, content) for name, content in sorted(files.items())],
    }
    return json.dumps(dataset, ensure_ascii=False, sort_keys=True).translate(_WITHIN_SCRIPT)


def _licence_words(source: Source) -> str:
    return clean(plain_text(source.meta.get("licence"))) or "not stated"


def _licence(title: str) -> dict[str, str]:
    return {"@type": "CreativeWork", "name": title}


def _based_on(source: Source, snapshots: Sequence[Snapshot]) -> dict[str, Any]:
    homepage = str(source.meta.get("homepage", ""))
    entry: dict[str, Any] = {
        "@type": "CreativeWork",
        "name": clean(source.title),
        "publisher": {"@type": "Organization", "name": clean(source.publisher)},
        "license": _licence(_licence_words(source)),
        "creditText": clean(plain_text(source.meta.get("attribution"))),
        "identifier": sorted(f"sha256:{item.sha256}" for item in snapshots if item.source == source.id),
    }
    return {**entry, "url": homepage} if homepage.startswith(("https://", "http://")) else entry


def _download(name: str, content: bytes) -> dict[str, str]:
    return {
        "@type": "DataDownload",
        "name": name,
        "contentUrl": quote(name),
        "encodingFormat": media_type(name),
        "contentSize": f"{len(content)} B",
        "sha256": hashlib.sha256(content).hexdigest(),
    }
