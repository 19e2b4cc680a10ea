"""`python -m forensics.testing PLUGIN...`: the contract of installed plugins, a line a check. Ends
with 1 where one is broken."""

import sys

from forensics.errors import ForensicsError
from forensics.models.registry import registry
from forensics.testing import report


def main(plugins: list[str]) -> int:
    """Check these plugins; the exit code."""
    if not plugins or any(name.startswith("-") for name in plugins):
        there = ", ".join(plugin.name for plugin in registry().plugins)
        print(f"usage: python -m forensics.testing PLUGIN...\nplugins: {there}", file=sys.stderr)
        return 2
    try:
        return max([report(name) for name in plugins])
    except ForensicsError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
