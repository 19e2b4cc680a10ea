"""Everything that this plugin registers keeps the contract."""

import pytest

from forensics.testing import checks


@pytest.mark.parametrize("check", checks("q1cnn"), ids=str)
def test_contract(check):
    check()
