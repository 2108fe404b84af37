"""`make bench` measures all that it says, at any size, and its exit code tells whether the engines agree."""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.ledger_cube_stages import STAGES
from benchmarks.ledger_engines import JOBS

REPOSITORY = Path(__file__).parents[1]


@pytest.mark.slow
def test_one_command_measures_every_job_every_stage_and_the_growth(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.ledger", "30000", "1", "20000,30000", str(tmp_path)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert "the results agree cell by cell" in lines
    for name in [*(name for job, of_job in JOBS.items() for name in (job, *of_job)), *STAGES, "the rest", "20,000", "30,000"]:
        assert any(line.startswith(name) for line in lines), name
