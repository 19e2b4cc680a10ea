"""The recipes: a few steps lower the loss, and validation says what it should."""

import dataclasses

import pytest
import torch
from skimage import data

from forensics.batch import Batch
from forensics.errors import ForensicsError
from forensics.jpeg import compress, decode
from forensics.training import export
from forensics.training.recipe import Example, Progress
from forensics_antiforensics import judging, recipes
from forensics_antiforensics.networks import AFCNN, Matched, Restorer
from forensics_antiforensics.pair import Pair


def example(quality, side=64, count=4):
    """Crops of photographs, each said to be another photograph."""
    image = torch.from_numpy(data.camera())
    corners = [(40 * i, 30 * i + 60) for i in range(count)]
    pixels = torch.stack([image[None, y : y + side, x : x + side] for y, x in corners])
    batch = dataclasses.replace(Batch.of(pixels), photographs=tuple(map(str, range(count))))
    return Example({"pristine": batch}, {"q": torch.full((count,), quality)})


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home of the user's with a restorer and a part for quality 60."""
    monkeypatch.setenv("FORENSICS_HOME", str(tmp_path))
    torch.manual_seed(0)
    for name, part, network in (
        ("ddcn-dither", "restorer", Restorer()),
        ("afcnn-matched", "q60", Matched()),
        ("afcnn", "q60", AFCNN()),
    ):
        state = network.state_dict()
        state["trunk.tail.weight"].normal_(0, 0.01)
        export.export(tmp_path / "weights" / name, part, state, {})
    return tmp_path


@pytest.mark.parametrize("autocast", [False, True])
@pytest.mark.parametrize(
    ("recipe", "rate"),
    [
        (recipes.DitherRecipe(), 1e-4),
        (recipes.AFCNNRecipe(quality=60), 2e-4),
        (recipes.MatchedRecipe(quality=60), 1e-3),
    ],
    ids=["ddcn-dither", "afcnn", "afcnn-matched"],
)
def test_a_few_steps_lower_the_loss(home, recipe, rate, autocast):
    recipe = dataclasses.replace(recipe, autocast=autocast)
    torch.manual_seed(0)
    network = recipe.network()
    optimiser = recipe.optimiser(network, rate)
    crops = example(60, 48)
    progress = Progress(0, len(recipe.phases) - 1, 0.5, 0.5)
    losses = []
    for _ in range(12):
        torch.manual_seed(1)  # the same draw of qualities to compress again at
        loss, parts = recipe.loss(network, crops, progress)
        assert all(isinstance(part, float) for part in parts.values())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]


def test_alpha_moves(home):
    recipe = recipes.AFCNNRecipe(quality=60)
    network = recipe.network()
    optimiser = recipe.optimiser(network, 1e-3)
    with torch.no_grad():  # far enough from the input for the clamp to act
        network.trunk.tail.weight.normal_(0, 0.02)
    loss, _ = recipe.loss(network, example(60), Progress(0, 1, 0.5, 0.5))
    loss.backward()
    optimiser.step()
    assert abs(network.alpha.item() - 0.1) == pytest.approx(0.01, rel=0.01)  # ten times the rate


def test_the_first_phase_is_reconstruction_alone():
    recipe = recipes.AFCNNRecipe(quality=60)
    _, parts = recipe.loss(recipe.network(), example(60), Progress(0, 0, 0.0, 0.0))
    assert set(parts) == {"reconstruction"}


@pytest.mark.parametrize("recipe", [recipes.AFCNNRecipe, recipes.MatchedRecipe])
def test_a_start_is_the_other_part(home, recipe):
    model = {recipes.AFCNNRecipe: "afcnn", recipes.MatchedRecipe: "afcnn-matched"}[recipe]
    started = recipe(quality=80, start=f"{model}:q60")
    again = recipe(quality=90, start=f"{model}:q60").begun().state_dict()
    for name, value in started.begun().state_dict().items():
        assert torch.equal(value, again[name])
    assert started.part == "q80"
    assert started.begun().trunk.tail.weight.abs().sum() > 0
    assert list(started.draws()["q"]) == [80]


def test_several_starts_are_averaged(home):
    other = {name: value + 1 for name, value in Matched().state_dict().items()}
    export.export(home / "weights" / "afcnn-matched", "q80", other, {})
    one = recipes.MatchedRecipe(start="afcnn-matched:q60").begun().state_dict()
    mean = recipes.MatchedRecipe(start="afcnn-matched:q60+afcnn-matched:q80").begun().state_dict()
    for name, value in mean.items():
        torch.testing.assert_close(value, (one[name] + other[name]) / 2)


def test_an_unknown_quality_is_a_sentence():
    with pytest.raises(ForensicsError, match="no part for quality 65; take 50, 60, 70, 80 or 90"):
        _ = recipes.MatchedRecipe(quality=65).part


def test_a_pair_is_the_jpeg_and_what_it_was():
    crops = example(60)
    pair = Pair.of(crops)
    decoded = decode(compress(crops.sides["pristine"].pixels, 60))
    assert (judging.pixels(pair.luma).int() - decoded.int()).abs().max() <= 1
    assert torch.equal(pair.target, crops.sides["pristine"].pixels[:, 0].float())


def test_validation_of_the_jpeg_and_of_the_photograph():
    examples = [example(60, 96, 8)]
    found = judging.figures(lambda pair: pair.luma, examples)
    assert found["gain"] == 0
    assert max(found[name] for name in ("kl", "kf", "ku1")) < 0.2
    # Nothing can tell an image from itself, and the gain is counted up to half a decibel.
    perfect = judging.figures(lambda pair: pair.target, examples)
    assert perfect["mean"] == 0.5
    assert perfect["gain"] > 20
    assert perfect["objective"] == 0.5 + 0.05 * 0.5


def test_gain_is_the_difference_of_two_psnr():
    from skimage.metrics import peak_signal_noise_ratio

    pair = Pair.of(example(60))
    noisy = pair.target + 2
    found = judging.gain(noisy, pair)
    for i in range(len(found)):
        target, jpeg = pair.target[i].numpy(), judging.pixels(pair.luma)[i, 0].float().numpy()
        better = noisy[i].clamp(0, 255).numpy()
        expected = peak_signal_noise_ratio(
            target, better, data_range=255
        ) - peak_signal_noise_ratio(target, jpeg, data_range=255)
        assert found[i].item() == pytest.approx(expected, abs=1e-3)
