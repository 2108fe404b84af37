"""`python -m deploy.standalone`: a whole Airflow on this machine, for looking at the DAGs in a browser and for scheduling them.

In: AIRFLOW_PORT (8080 where it is not set) or `--port`, and `--home`. Out: `airflow standalone` with LocalExecutor on SQLite,
listening on 127.0.0.1 only, with its database and logs in `.airflow/standalone/` or the home given. Ends with all its processes
on Ctrl-C or SIGTERM.

Its home is not that of `deploy.run_dags`: there a run replaces the one before it, here history is kept.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from types import FrameType

from deploy.airflow_environment import REPOSITORY, airflow_environment

GRACE_SECONDS = 15


def standalone_environment(home: Path, port: int) -> dict[str, str]:
    """The environment of `airflow standalone` on one small machine."""
    address = f"http://127.0.0.1:{port}"
    return airflow_environment(home, os.environ) | {
        # Airflow starts its parts by the name `airflow`.
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        # Each worker is a process; the default keeps 32 of them.
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__API__HOST": "127.0.0.1",
        # These two belong together: tasks talk to the server through the second.
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{address}/execution/",
        "AIRFLOW__API__BASE_URL": address,
        # The scheduler starts tasks before the server listens, and a cold server under load answers late.
        "AIRFLOW__WORKERS__EXECUTION_API_RETRIES": "10",
        "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "60",
    }


def is_free(port: int) -> bool:
    """Whether nothing listens on the port of this machine."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def stop(process: subprocess.Popen[bytes]) -> None:
    """End the process and all that came of it: children outlive a signal to their parent, and tasks have groups of their own."""
    import psutil

    family = []
    with contextlib.suppress(psutil.NoSuchProcess):
        started = psutil.Process(process.pid)
        family = [started, *started.children(recursive=True)]
    for member in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            member.terminate()
    _, alive = psutil.wait_procs(family, timeout=GRACE_SECONDS)
    for member in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            member.kill()
    # Where the process died by itself its children are nobody's, but still of its group.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def main(arguments: list[str] | None = None) -> int:
    """Run until told to stop. Gives the exit code."""
    parser = argparse.ArgumentParser(prog="python -m deploy.standalone", description="A whole Airflow on this machine.")
    parser.add_argument("--home", type=Path, default=REPOSITORY / ".airflow" / "standalone", help="Airflow's database and logs")
    parser.add_argument("--port", type=int, default=int(os.environ.get("AIRFLOW_PORT", "8080")))
    given = parser.parse_args(arguments)
    home, port = given.home.resolve(), given.port
    if not is_free(port):
        print(f"Port {port} is taken. Choose another: AIRFLOW_PORT=8081 make standalone", file=sys.stderr)
        return 1
    home.mkdir(parents=True, exist_ok=True)
    print(f"Airflow comes up at http://127.0.0.1:{port} in about half a minute; user admin.")
    print(f"Its password: {home / 'simple_auth_manager_passwords.json.generated'}")
    print("Ctrl-C stops it.", flush=True)
    command = [sys.executable, "-m", "airflow", "standalone"]
    process = subprocess.Popen(command, env=standalone_environment(home, port), cwd=REPOSITORY, start_new_session=True)

    def told_to_stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, told_to_stop)
    try:
        return process.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        stop(process)


if __name__ == "__main__":
    sys.exit(main())
