"""Makes what the interactive charts of every site need, once for an environment: `pipeline.publish.chart_assets` reads it.

In: the installed versions of Altair and vl-convert, and the specifications in the code. Out: the files in `share/fraudloss` of
the environment that runs it, in place of those of other versions. `make` runs it after it has installed what is locked.

    python -m tools.chart_assets
"""

from __future__ import annotations

import shutil

from pipeline.publish.chart_assets import PREPARED, made_assets, prepared_path


def main() -> None:
    """Write them."""
    shutil.rmtree(PREPARED, ignore_errors=True)
    for name, make in made_assets().items():
        path = prepared_path(name, content := make())
        path.parent.mkdir(parents=True)
        path.write_bytes(content)


if __name__ == "__main__":
    main()
