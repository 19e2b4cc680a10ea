"""The list of tables: libjpeg's, known ones, one's own."""

import json

import pytest
import torch
from PIL.JpegPresets import presets

import forensics
from forensics.errors import ForensicsError
from forensics.jpeg import ZIGZAG
from forensics_q1cnn.phase.listed import listed
from forensics_q1cnn.phase.network import libjpeg_tables


def test_a_file_adds_its_tables_in_zigzag_order(tmp_path):
    own = list(range(1, 65))
    for content in ([own], [{"luma": own, "names": ["x"]}], {"tables": [{"luma": own}]}):
        (tmp_path / "mine.json").write_text(json.dumps(content))
        found = listed(str(tmp_path / "mine.json"))
        assert torch.equal(found[:51], libjpeg_tables())
        assert found[51:].tolist() == [[own[place] for place in ZIGZAG.tolist()]]


def test_known_tables_hold_photoshops():
    found = {tuple(row) for row in listed("known").tolist()}
    luma = torch.tensor(presets["high"]["quantization"][0])[ZIGZAG]
    assert tuple(luma.tolist()) in found
    assert len(found) == len(listed("known"))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[[1, 2]]", "table 1 of .* is not 64 whole numbers"),
        (json.dumps([[1] * 64, [0] * 64]), "table 2 of .* is not 64 whole numbers"),
        ("[]", "holds no tables"),
        ("{", "is not JSON"),
        ('{"tables": 3}', "holds no tables"),
    ],
)
def test_what_is_no_list_of_tables(content, said, tmp_path):
    (tmp_path / "mine.json").write_text(content)
    with pytest.raises(ForensicsError, match=said):
        forensics.load(f"q1phase:tables={tmp_path}/mine.json")


def test_a_name_that_is_no_file():
    with pytest.raises(ForensicsError, match="libjpeg, known, or a JSON file, and there is no"):
        forensics.load("q1phase:tables=cameras")
