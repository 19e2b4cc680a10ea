"""The harness: every attacker against every detector, stored, resumed, summarised."""

from forensics.harness.loop import default_out, execute, run
from forensics.harness.matrix import Matrix
from forensics.harness.plan import Plan, make
from forensics.harness.settings import Settings, read_config

__all__ = ["Matrix", "Plan", "Settings", "default_out", "execute", "make", "read_config", "run"]
