"""Runs that are killed, run out of disk, lose a file or meet: nobody sees half of anything, and a plain rerun makes it whole."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.grid_files import REPOSITORY

pytestmark = pytest.mark.slow(turn=3)


def test_no_fault_shows_half_a_release_or_keeps_a_plain_rerun_from_the_same_bytes() -> None:
    """`make faults` tries every point, and those of a ledger; here each step's first and last, and some between."""
    command = [sys.executable, "-m", "tests.faults", "--every", "12", "--times", "1"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    tried = json.loads(done.stdout.splitlines()[-1])["tried"]
    print("points tried:", tried)
    assert tried["killed"] == tried["disk full"] > 100
    assert min(tried[fault] for fault in ("killed at a random time", "runs that meet", "file taken away")) > 0
