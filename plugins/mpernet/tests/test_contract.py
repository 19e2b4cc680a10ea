"""Everything that this plugin registers keeps the contract."""

import pytest

from forensics.testing import checks


@pytest.mark.parametrize("check", checks("mpernet"), ids=str)
def test_contract(check):
    check()
