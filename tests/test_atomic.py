"""Files are replaced as a whole or stay as they were, and nothing is left beside them."""

import pytest

from forensics.atomic import replacing


def test_a_file_is_replaced_as_a_whole(tmp_path):
    path = tmp_path / "a.json"
    path.write_text("old")
    with replacing(path) as partial:
        partial.write_text("new")
        assert partial.suffix == path.suffix
        assert path.read_text() == "old"
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == {"a.json": "new"}


def test_what_fails_leaves_the_file_as_it_was(tmp_path):
    path = tmp_path / "a.json"
    path.write_text("old")
    with pytest.raises(UnicodeEncodeError), replacing(path) as partial:
        partial.write_text("half, \ud800")
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == {"a.json": "old"}
