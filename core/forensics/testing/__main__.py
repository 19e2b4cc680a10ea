import sys

from forensics.testing import report

sys.exit(max(report(name) for name in sys.argv[1:] or ["builtin"]))
