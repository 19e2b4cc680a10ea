"""How long the commands take that only list what is there: whole processes, medians.

python benchmarks/startup.py
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

COMMANDS = ("--help", "models", "plugins")
RUNS = 9


def seconds(*arguments: str) -> float:
    """One process, from start to end."""
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
    return time.perf_counter() - start


def main() -> None:
    bare = [seconds("-c", "pass") for _ in range(RUNS)]
    print(f"{'python -c pass':20} {statistics.median(bare):.2f} s")
    for command in COMMANDS:
        times = [seconds("-m", "forensics.cli", command) for _ in range(RUNS + 1)][1:]
        print(f"{'forensics ' + command:20} {statistics.median(times):.2f} s")


if __name__ == "__main__":
    main()
