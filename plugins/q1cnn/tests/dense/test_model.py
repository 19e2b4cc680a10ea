"""The estimators with weights of a user's: what they say of windows, batches and other tables."""

import io

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data

import forensics
from forensics import images
from forensics.batch import Batch
from forensics.errors import ForensicsError
from forensics.training import export
from forensics_q1cnn.dense.decoding import blocks
from forensics_q1cnn.dense.entries import MODELS
from forensics_q1cnn.dense.model import NAMES
from forensics_q1cnn.dense.network import DenseNet40, shown
from forensics_q1cnn.tables import CAPS

NETWORKS = {entry.name: entry for entry in MODELS}
CLASSIFIERS = ("q1cnn-90", "q1cnn-80", "q1cnn-nine-lr", "q1cnn-nine-l")


@pytest.fixture(scope="module")
def states():
    """Weights that answer differently to different pictures, for either kind of network."""
    made = {}
    for outputs in (226, 15):
        torch.manual_seed(outputs)
        network = DenseNet40(outputs).begin(torch.full((outputs,), 4.0 if outputs == 15 else 0.0))
        with torch.no_grad():
            network.last.weight.mul_(3)
            network(torch.rand(8, 1, 32, 32).cumsum(3) / 32)
        made[outputs] = dict(network.state_dict())
    return made


@pytest.fixture
def home(tmp_path, monkeypatch, states):
    """A home of the user's with weights for all of them."""
    monkeypatch.setenv("FORENSICS_HOME", str(tmp_path))
    for name in NETWORKS:
        state = states[226 if name in CLASSIFIERS else 15]
        export.export(tmp_path / "weights" / name, "steps", state, {})
    return tmp_path


def batch_of(second, corners, side=64):
    """Crops of a photograph, as JPEGs of one quality that Pillow wrote."""
    found = []
    for y, x in corners:
        file = io.BytesIO()
        picture = np.ascontiguousarray(data.coffee()[y : y + side, x : x + side])
        Image.fromarray(picture).save(file, "jpeg", quality=second, subsampling="4:2:0")
        found.append(file.getvalue())
    return found


@pytest.fixture
def opened(tmp_path):
    def opened(contents):
        batches = []
        for i, content in enumerate(contents):
            (tmp_path / f"{i}.jpg").write_bytes(content)
            batches.append(images.open(tmp_path / f"{i}.jpg").batch())
        return Batch.cat(batches)

    return opened


CORNERS = [(0, 0), (100, 150), (200, 300)]


@pytest.mark.parametrize("name", NETWORKS)
def test_one_by_one_as_together(home, opened, name):
    model = forensics.load(name)
    batch = opened(batch_of(model.second, CORNERS))
    together = model.estimate(batch)
    assert together.names == NAMES
    assert together.reasons is None
    alone = torch.cat([model.estimate(batch[i : i + 1]).values for i in range(3)])
    torch.testing.assert_close(together.values, alone)
    caps = torch.tensor(CAPS)
    assert ((together.values >= 1) & (together.values <= caps)).all()
    assert (together.values == together.values.round()).all()


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_probabilities_are_those_of_the_values(home, opened, name):
    model = forensics.load(name)
    batch = opened(batch_of(model.second, CORNERS))
    found = model.estimate(batch)
    mean = forensics.load(f"{name}:decode=expectation").estimate(batch).values
    for i, step in enumerate(NAMES):
        belief = found.beliefs[step]
        assert belief.values.tolist() == list(range(1, CAPS[i] + 1))
        torch.testing.assert_close(belief.shares.sum(1), torch.ones(3))
        torch.testing.assert_close(belief.most_probable(), found.values[:, i])
        torch.testing.assert_close(belief.mean(), mean[:, i])


def network_of(home, name):
    return DenseNet40.of(forensics.models.weights.load(NETWORKS[name], "steps")).eval()


def test_log_probabilities_of_windows_add_up(home, opened):
    batch = opened(batch_of(90, [(40, 60)], side=136))
    pixels = shown(batch, 1)
    network = network_of(home, "q1cnn-90")
    corners = [(0, 0), (0, 64), (64, 0), (64, 64)]  # what is left over is not looked at
    logs = [blocks(network(pixels[..., y : y + 64, x : x + 64])) for y, x in corners]
    found = forensics.load("q1cnn-90").estimate(batch)
    for i, step in enumerate(NAMES):
        summed = sum(log[i] for log in logs)
        shares = found.beliefs[step].shares
        torch.testing.assert_close(shares, summed.softmax(1), rtol=1e-3, atol=1e-5)


def test_the_regression_of_windows_is_their_mean(home, opened):
    batch = opened(batch_of(90, [(40, 60)], side=128))
    pixels, network = shown(batch, 1), network_of(home, "q1reg-90")
    corners = [(0, 0), (0, 64), (64, 0), (64, 64)]
    mean = torch.stack([network(pixels[..., y : y + 64, x : x + 64]) for y, x in corners]).mean(0)
    expected = mean.round().clamp(min=1).minimum(torch.tensor(CAPS).float())
    found = forensics.load("q1reg-90").estimate(batch).values
    assert ((found - expected).abs() <= (mean.frac() - 0.5).abs().lt(1e-3)).all()


@pytest.mark.parametrize(("second", "answered"), [(88, True), (92, True), (86, False), (75, False)])
def test_other_second_qualities_have_a_reason(home, opened, second, answered):
    found = forensics.load("q1cnn-90").estimate(opened(batch_of(second, CORNERS[:1])))
    assert bool(found.values.isfinite().all()) == answered
    if not answered:
        assert found.reasons == ("the second quality is not 90, nor 2 more or less",)


def test_the_network_sees_files_of_its_second_quality_alone(home, opened, monkeypatch):
    seen = []
    forward = DenseNet40.forward
    monkeypatch.setattr(
        DenseNet40, "forward", lambda self, x: (seen.append(len(x)), forward(self, x))[1]
    )
    files = [batch_of(q, [corner])[0] for q, corner in zip((75, 90, 60), CORNERS, strict=True)]
    model = forensics.load("q1cnn-90")
    found = model.estimate(opened(files))
    assert seen == [1]
    assert [reason is None for reason in found.reasons] == [False, True, False]
    alone = model.estimate(opened(files[1:2]))
    torch.testing.assert_close(found.values[1:2], alone.values)
    for name, belief in found.beliefs.items():
        torch.testing.assert_close(belief.shares[1:2], alone.beliefs[name].shares)
    assert found.values[::2].isnan().all()
    seen.clear()
    model.estimate(opened(files[::2]))
    assert seen == []


def test_an_option_that_there_is_not():
    with pytest.raises(ForensicsError, match="argmax or expectation, not table"):
        forensics.load("q1cnn-90:decode=table")
