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


def test_no_command_that_is_broken_off_leaves_half_of_what_it_writes() -> None:
    """Files and addresses taken in, single periods, embargoes; `make faults` tries every point of these and of all others."""
    command = [sys.executable, "-m", "tests.faults", "--sample", "40"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    tried = json.loads(done.stdout.splitlines()[-1])["tried"]
    assert tried["killed"] >= tried["disk full"] > 3
