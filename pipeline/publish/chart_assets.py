"""What the site has for the interactive form of every chart: a script, the specifications, and the library that draws them.

In: nothing but the code and the libraries' versions. Out: file name -> how it is made, for the folder of the site. `charts.js` is
what pages name; it names the other two, which are named by what they are made of: so a run that finds them there makes none
again. The library (Vega, Vega-Lite and vega-embed in one script) comes from vl-convert, which has it in the wheel: a page asks
nobody else.

Both take a second and a half of CPU and depend on what is installed alone, so `make` makes them once with the environment
(`tools/chart_assets.py`), as it compiles modules. Where nobody did, or the bytes are not what they were, the first run makes
them.

Pages of releases stay as they are while this script is remade, so what they say of a chart (`markup.chart_data`) may only ever
get more.
"""

from __future__ import annotations

import functools
import hashlib
import json
import sys
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path

from pipeline.publish.languages import LANGUAGES, speaking
from pipeline.publish.words import _, punctuation

SCRIPT = "charts.js"
PREPARED = Path(sys.prefix) / "share" / "fraudloss"
_TEMPLATES = Path(__file__).parent / "templates"
# What is said in the interactive form, by the names in templates/charts.js.
_WORDS = {
    "break": _("break"),
    "read": _("Read the figures one by one"),
    "periods": _("Periods in sight"),
    "nearer": _("nearer"),
    "farther": _("farther"),
    "earlier": _("earlier"),
    "later": _("later"),
    "all": _("all periods"),
}


def chart_assets() -> dict[str, Callable[[], bytes]]:
    """File name -> its content, made when it is asked for."""
    lasting = lasting_assets()
    return {SCRIPT: functools.partial(_script, tuple(lasting)), **lasting}


def lasting_assets() -> dict[str, Callable[[], bytes]]:
    """The files whose name says what they are made of, so that one of that name need not be made again."""
    return {name: functools.partial(_prepared_or_made, name, make) for name, make in made_assets().items()}


def made_assets() -> dict[str, Callable[[], bytes]]:
    """The same, made from nothing."""
    made_by = (Path(__file__).with_name("chart_specifications.py").read_bytes(), version("altair").encode())
    digest = hashlib.sha256(b"\0".join(made_by)).hexdigest()[:12]
    return {f"vega-{version('vl-convert-python')}.js": _library, f"chart_specifications-{digest}.js": _specifications}


def prepared_path(name: str, content: bytes) -> Path:
    """Where a file of `made_assets` lies in the environment: in a folder named by its bytes."""
    return PREPARED / hashlib.sha256(content).hexdigest() / name


def _prepared_or_made(name: str, make: Callable[[], bytes]) -> bytes:
    for path in sorted(PREPARED.glob(f"*/{name}")):
        if prepared_path(name, content := path.read_bytes()) == path:
            return content
    return make()


def _script(files: tuple[str, ...]) -> bytes:
    given = {"files": files, "words": {code: _spoken(code) for code in LANGUAGES}, "look": _text("charts.css")}
    parts = [f"const {name} = {_json(value)};" for name, value in given.items()]
    # A block, so that its names are its own.
    head, strict = _text(SCRIPT), '"use strict";\n'
    return f"{strict}{{\n{chr(10).join(parts)}\n{head.removeprefix(strict)}}}\n".encode()


def _spoken(code: str) -> Mapping[str, str]:
    with speaking(code):
        comma, colon, blank = punctuation()
        return {**{name: str(words) for name, words in _WORDS.items()}, "comma": comma, "colon": colon, "blank": blank}


@functools.cache
def _specifications() -> bytes:
    from pipeline.publish.chart_specifications import specifications

    return f"const specifications = {_json(specifications())};\n".encode()


@functools.cache
def _library() -> bytes:
    import vl_convert

    return str(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")).encode()


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _text(name: str) -> str:
    return (_TEMPLATES / name).read_text(encoding="utf-8")
