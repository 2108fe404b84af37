"""Which releases stand as they are, without anything of them being made again.

In: a store, the candidates. Out: the release that was found due when the last run ended, where it follows from the same files and
code as then, and is there whole. A night so makes no figure of a release that no file has come for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.model import Period
from pipeline.publishing.candidates import Candidates

if TYPE_CHECKING:
    from pipeline.store import Store


class Standing:
    """The releases of a frequency that the last run left, and what each was made of."""

    def __init__(self, store: Store, candidates: Candidates, frequency: str) -> None:
        record = store.read_json(store.due_path(frequency)) or {}
        self.store, self.candidates, self.frequency = store, candidates, frequency
        self._releases, self._made_of = record.get("releases", {}), record.get("each_made_of", {})

    def release_of(self, period: Period) -> str | None:
        """The id of the release that stands for the period; None where it is to be worked out."""
        release_id, waits = self._releases.get(period.code), period in self.candidates.embargoes.recorded
        if release_id is None or waits or self.candidates.as_of is not None:
            return None
        same = self._made_of.get(period.code) == self.candidates.made_of(period)
        return release_id if same and is_as_left(self.store, self.frequency, period.code, release_id) else None


def is_as_left(store: Store, frequency: str, code: str, release_id: str | None) -> bool:
    """Whether this release still speaks and is whole; None: whether the period is still withdrawn."""
    pointer = store.read_json(store.current_path(frequency, code))
    return (
        pointer is not None
        and pointer["release_id"] == release_id
        and (release_id is None or store.release_is_whole(store.release_folder(frequency, code, release_id)))
        and store.period_is_whole(frequency, code)
    )
