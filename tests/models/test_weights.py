"""Weight files and cards: which one counts, and what is refused."""

import dataclasses
import hashlib
import json

import pytest
import safetensors.torch
import torch

from forensics.bench import identity
from forensics.errors import ForensicsError, NotApplicable
from forensics.models import registry, selection, weights

pytestmark = pytest.mark.usefixtures("toy")


@pytest.fixture
def entry():
    return registry.registry().get("toy-trained", "detector").entry


def put(folder, value, dtype=torch.float32):
    """A weight file with its card, as training writes them."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {"w": torch.tensor([value], dtype=dtype), "n": torch.tensor([3])}
    content = safetensors.torch.save(tensors)
    (folder / "toy-trained.safetensors").write_bytes(content)
    card = {"sha256": hashlib.sha256(content).hexdigest()}
    (folder / "toy-trained.json").write_text(json.dumps(card))
    return card["sha256"]


def test_nothing_there(entry):
    assert weights.find(entry, "toy-trained") is None
    assert weights.there(entry) == {}
    with pytest.raises(NotApplicable, match="forensics train toy-trained"):
        weights.load(entry, "toy-trained")


def test_the_users_own_win_over_the_shipped(entry, tmp_path, monkeypatch):
    monkeypatch.setattr(weights, "shipped_folder", lambda entry: tmp_path / "shipped")
    model = selection.model("toy-trained", "detector")
    hashes = [identity.model(model)]
    first = put(tmp_path / "shipped", 1.5)
    found = weights.find(entry, "toy-trained")
    assert (found.origin, found.sha256) == ("shipped", first)
    assert weights.load(entry, "toy-trained")["w"].item() == 1.5
    hashes.append(identity.model(model))
    second = put(weights.user_folder(entry), 2.5)
    found = weights.find(entry, "toy-trained")
    assert (found.origin, found.sha256) == ("user", second)
    assert weights.load(entry, "toy-trained")["w"].item() == 2.5
    assert identity.trained(model) == "user"
    # Scores of other weights are other scores.
    hashes.append(identity.model(model))
    assert len(set(hashes)) == 3


def test_weights_may_be_borrowed(entry):
    """The user's own go with the model that they were trained for."""
    borrower = dataclasses.replace(entry, name="toy-borrower", weights_of="toy-trained")
    with pytest.raises(NotApplicable, match="forensics train toy-trained"):
        weights.load(borrower, "toy-trained")
    put(weights.user_folder(entry), 1.25)
    assert weights.load(borrower, "toy-trained")["w"].item() == 1.25
    assert weights.user_folder(dataclasses.replace(borrower, weights_of="")).name == "toy-borrower"


def test_half_precision_is_loaded_as_float32(entry):
    put(weights.user_folder(entry), 0.1, torch.float16)
    loaded = weights.load(entry, "toy-trained")
    assert loaded["w"].dtype == torch.float32
    assert loaded["w"].item() == torch.tensor(0.1, dtype=torch.float16).item()
    assert loaded["n"].dtype == torch.int64


def test_a_file_that_is_not_what_its_card_says(entry):
    put(weights.user_folder(entry), 1.0)
    path = weights.user_folder(entry) / "toy-trained.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(ForensicsError, match="card"):
        weights.load(entry, "toy-trained")


@pytest.mark.parametrize("card", ["", "{", "[]", "{}", '{"sha256": 3}', "\xff"])
def test_a_damaged_card(entry, card):
    put(weights.user_folder(entry), 1.0)
    (weights.user_folder(entry) / "toy-trained.json").write_bytes(card.encode("latin-1"))
    with pytest.raises(ForensicsError, match="damaged"):
        weights.find(entry, "toy-trained")
