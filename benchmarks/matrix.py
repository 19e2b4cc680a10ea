"""The first line of the README against the commit before, and traces together against apart.

    python benchmarks/matrix.py                        this tree: traces together, and one by one
    python benchmarks/matrix.py --against 4231b77      and the first README line of that commit

The other commit's sources are put into a temporary folder by `git worktree add`, and stand before
the installed ones on the path. Every run begins with an empty store, in a process of its own, in
turn. What is compared is the processor time, user and system, of the whole command; the wall clock
stands beside it, and says little where the machine does something else meanwhile.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
FIRST = ("--attack", "afcnn")
TRACES = ("jpeg", "djpeg", "djpeg-shifted")


@contextmanager
def tree(revision: str) -> Iterator[Path]:
    """The sources of a commit."""
    with tempfile.TemporaryDirectory() as folder:
        there = Path(folder) / "tree"
        git = ("git", "-C", str(ROOT), "worktree")
        subprocess.run([*git, "add", "--detach", str(there), revision], check=True)
        try:
            yield there
        finally:
            subprocess.run([*git, "remove", "--force", str(there)], check=True)


def run(sources: Path, options: Sequence[str]) -> tuple[float, float]:
    """Seconds of the processors and of the clock that `forensics run` takes with these sources."""
    path = [sources / "core", *sorted((sources / "plugins").glob("*"))]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, path))}
    with tempfile.TemporaryDirectory() as store:
        command = [sys.executable, "-m", "forensics.cli", "run", *options, "--out", store]
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
        clock, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, clock


def told(name: str, seconds: tuple[float, float]) -> float:
    print(f"{name}: {seconds[0]:.1f} s of processors, {seconds[1]:.1f} s", flush=True)
    return seconds[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--against", metavar="REVISION")
    parser.add_argument("--detectors", default="all", help="the same of both, where one has more")
    parser.add_argument("--limit", default="48")
    given = parser.parse_args()
    named = [part for name in given.detectors.split(",") for part in ("--detectors", name)]
    options = (*FIRST, *named, "--device", "cpu", "--limit", given.limit)
    ours = told("first README line", run(ROOT, options))
    if given.against:
        with tree(given.against) as sources:
            theirs = told(f"the same at {given.against}", run(sources, options))
        print(f"{ours / theirs:.2f} of the time of {given.against}")
    together = [part for name in TRACES for part in ("--trace", name)]
    whole = told(f"{', '.join(TRACES)} together", run(ROOT, (*options, *together)))
    apart = sum(told(name, run(ROOT, (*options, "--trace", name))) for name in TRACES)
    print(f"together in {whole / apart:.2f} of the time that they take apart")


if __name__ == "__main__":
    main()
