"""What an entry makes: options that are fields, fields that are bound, networks of weight files."""

import hashlib
import json
from collections import OrderedDict
from dataclasses import dataclass

import pytest
import safetensors.torch
import torch
from torch import nn

from forensics.batch import Batch
from forensics.errors import ForensicsError, NotApplicable, UnknownName
from forensics.models import entries, networks, weights
from forensics.models.entries import ModelEntry
from forensics.models.interfaces import Detector, Scores, option


@dataclass(frozen=True)
class Brightness(Detector):
    """The mean of a patch, times what is bound and what is chosen."""

    factor: float
    plus: float = option(0.0, "is added")
    loud: bool = option(False, "changes nothing")
    mode: str = option("plain", "changes nothing either")

    def score(self, batch):
        return Scores(self.factor * batch.pixels.float().mean((1, 2, 3)) + self.plus)


def entry(name="twice", factor=2.0, **more):
    return ModelEntry(name, f"{__name__}:Brightness", "a mean", bind={"factor": factor}, **more)


@pytest.fixture(autouse=True)
def here(monkeypatch):
    """This module by its name, however pytest imported it."""
    monkeypatch.setattr(ModelEntry, "load", lambda self: Brightness)


def test_one_class_makes_many_models():
    batch = Batch.of(torch.full((1, 1, 8, 8), 10, dtype=torch.uint8))
    made = {factor: entry(f"times{factor:g}", factor).make() for factor in (2.0, 3.0)}
    assert [made[factor].score(batch).values.item() for factor in made] == [20, 30]
    assert made[2.0] != made[3.0]
    assert [made[factor].entry.name for factor in made] == ["times2", "times3"]
    assert made[2.0].needs == entries.Needs()


def test_what_is_bound_is_no_option():
    assert {k: (o.default, o.about) for k, o in entry().options().items()} == {
        "plus": (0.0, "is added"),
        "loud": (False, "changes nothing"),
        "mode": ("plain", "changes nothing either"),
    }
    with pytest.raises(UnknownName, match="no option of twice is called 'factor'; there are"):
        entry().make({"factor": 5.0})
    with pytest.raises(UnknownName, match="did you mean 'plus'"):
        entry().make({"plsu": 5.0})
    assert entry().make({"plus": 1}).plus == 1  # a whole number is a real one
    assert entry().make({"mode": 0.5}).mode == "0.5"  # YAML reads some words as numbers
    with pytest.raises(ForensicsError, match="option loud of twice takes bool, not 1"):
        entry().make({"loud": 1})
    with pytest.raises(ForensicsError, match="option plus of twice takes float, not true"):
        entry().make({"plus": True})


def test_a_model_made_from_its_class_says_so():
    with pytest.raises(TypeError, match=r"forensics\.load"):
        _ = Brightness(1.0).entry


def put(folder, part, state):
    folder.mkdir(parents=True, exist_ok=True)
    content = safetensors.torch.save(state)
    (folder / f"{part}.safetensors").write_bytes(content)
    card = {"sha256": hashlib.sha256(content).hexdigest()}
    (folder / f"{part}.json").write_text(json.dumps(card))


def wide(state):
    return nn.Linear(state["weight"].shape[1], len(state["weight"]))


def test_a_network_is_made_once_and_anew_where_its_weights_change():
    trained = entry(card="forensics:nowhere", parts=("net", "other"))
    model, cpu = trained.make(), torch.device("cpu")
    with pytest.raises(NotApplicable, match="no weights for net: run `forensics train twice`"):
        model.network("net", wide, cpu)
    states = [dict(nn.Linear(3, 2).state_dict()) for _ in range(2)]
    put(weights.user_folder(trained), "net", states[0])
    with torch.inference_mode():
        network = model.network("net", wide, cpu)
    assert model.network("net", wide, cpu) is network is trained.make().network("net", wide, cpu)
    assert torch.equal(network.weight, states[0]["weight"])
    assert not network.training
    assert not any(p.requires_grad or p.is_inference() for p in network.parameters())
    put(weights.user_folder(trained), "net", states[1])
    assert torch.equal(model.network("net", wide, cpu).weight, states[1]["weight"])
    with pytest.raises(NotApplicable, match="no weights for other"):
        model.network("other", wide, cpu)


class Kept(nn.Module):
    """Whose buffer is the tensor of the weight file itself."""

    def __init__(self, state):
        super().__init__()
        self.register_buffer("weight", state["weight"])


def test_a_network_may_take_the_tensors_of_its_file():
    trained = entry(card="forensics:nowhere", parts=("own",))
    put(weights.user_folder(trained), "own", {"weight": torch.ones(2)})
    with torch.inference_mode():
        network = trained.make().network("own", Kept, torch.device("cpu"))
    assert torch.equal(network.weight, torch.ones(2))


def test_few_networks_are_kept(monkeypatch):
    monkeypatch.setattr(networks, "_KEPT", 1)
    monkeypatch.setattr(networks, "_networks", OrderedDict())
    trained = entry(card="forensics:nowhere", parts=("a", "b"))
    for part in trained.parts:
        put(weights.user_folder(trained), part, dict(nn.Linear(2, 1).state_dict()))
    first, second = (
        trained.make().network(part, wide, torch.device("cpu")) for part in trained.parts
    )
    assert list(networks._networks.values()) == [second]
    assert trained.make().network("a", wide, torch.device("cpu")) is not first
