"""The contract that every plugin's models keep, as checks that its tests run.

    import pytest
    from forensics.testing import checks

    @pytest.mark.parametrize("check", checks("mine"), ids=str)
    def test_contract(check):
        check()

`python -m forensics.testing mine` runs the same and prints a line a check.
"""

from forensics.testing.checks import Check, checks, report

__all__ = ["Check", "checks", "report"]
