"""Run as a script in a child process: opens files and reports on each, one JSON line a file.

A file is "refused", or gives "pixels", or "coefficients" too, or "no coefficients" although it
should. Whatever else is raised, and a crash, shows as a missing line. The first line is the memory
in use before.
"""

import json
import resource
import sys
import time

from forensics import images
from forensics.errors import ForensicsError, UnreadableImage


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def opened(path: str, limit: float) -> str:
    try:
        picture = images.open(path, limit)
    except UnreadableImage:
        return "refused"
    assert picture.pixels.shape[:2] == (picture.height, picture.width)
    try:
        return "pixels" if picture.jpeg is None else "coefficients"
    except ForensicsError:
        return "no coefficients"


if __name__ == "__main__":
    limit, warm, *paths = sys.argv[1:]
    opened(warm, 100)  # imports and first-use tables are no cost of a file
    print(json.dumps({"start_mb": peak_mb()}), flush=True)
    for path in paths:
        begin = time.perf_counter()
        result = opened(path, float(limit))
        seconds = time.perf_counter() - begin
        line = {"path": path, "result": result, "seconds": seconds, "peak_mb": peak_mb()}
        print(json.dumps(line), flush=True)
