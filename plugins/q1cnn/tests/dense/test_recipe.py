"""The recipes: labels are what was written, a few steps lower the loss, starts are taken over."""

import io

import pytest
import torch
from PIL import Image
from skimage import data

from forensics.batch import Batch
from forensics.errors import ForensicsError
from forensics.histories.history import History
from forensics.models.registry import registry
from forensics.traces import trace as traces
from forensics.traces.draws import parse
from forensics.training import export
from forensics.training.recipe import Example, Progress
from forensics_q1cnn.dense.network import DenseNet40, table
from forensics_q1cnn.tables import CAPS


def named(name, **options):
    return registry().get(name, "recipe").entry.make(options)


# Zig-zag order of the first 15 frequencies, as places in natural order (T.81, figure 5).
FIRST = (0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4)
NOW = Progress(0, 0, 0.5, 0.5)


def example(second, firsts=(60, 75, 85, 95), side=32):
    """Crops of a photograph through two JPEGs on shifted grids."""
    picture = torch.from_numpy(data.astronaut()).permute(2, 0, 1)
    corners = [(48 * i, 96 + 32 * i) for i in range(len(firsts))]
    pixels = torch.stack([picture[:, y : y + side + 16, x : x + side + 16] for y, x in corners])
    values = {"q1": torch.tensor(firsts), "q2": torch.tensor([second] * len(firsts))}
    made = History.parse("jpeg({q1}) crop(8,8) jpeg({q2})").apply(Batch.of(pixels), values)
    cut = made.with_pixels(made.pixels[..., :side, :side].contiguous())
    return Example({"altered": cut}, values)


@pytest.mark.parametrize("quality", [50, 55, 60, 75, 90, 97, 98, 100])
def test_labels_are_the_tables_that_pillow_writes(quality):
    file = io.BytesIO()
    Image.fromarray(data.astronaut()[:64, :64]).save(file, "jpeg", quality=quality)
    with Image.open(file) as opened:
        written = opened.quantization[0]
    assert table(torch.tensor([quality]))[0].tolist() == [written[place] for place in FIRST]


@pytest.mark.parametrize("name", ["q1cnn-90", "q1cnn-80", "q1reg-90", "q1reg-80"])
def test_draws_fit_the_trace_and_stay_within_the_classes(name):
    made = named(name)
    drawn = traces.get(made.trace).redrawn(parse(made.draws()))
    assert drawn.parameters == ()
    assert {n for draw in drawn.draws for n in draw.names} >= {"q1", "q2"}
    lowest = 60 if made.second == 90 else 55
    assert list(made.first) == list(range(lowest, 99))
    assert (table(torch.tensor(made.first)) <= torch.tensor(CAPS)).all()


def test_the_losses_are_compared_on_nine_qualities():
    under_lr, under_l = named("q1cnn-nine-lr"), named("q1cnn-nine-l")
    for recipe in (under_lr, under_l):
        assert recipe.draws() == {"q1": (60, 65, 70, 75, 80, 85, 90, 95, 98), "q2": [90]}
    assert (under_lr.distance, under_l.distance) == ("squared", "none")


@pytest.mark.parametrize(
    "recipe",
    [
        named("q1cnn-90"),
        named("q1cnn-80", distance="absolute"),
        named("q1cnn-90", distance="none", rgb=True),
        named("q1reg-90"),
        named("q1reg-80", error="squared"),
    ],
    ids=str,
)
def test_a_few_steps_lower_the_loss(recipe):
    torch.manual_seed(0)
    network = recipe.network()
    assert network.first.in_channels == (3 if recipe.rgb else 1)
    optimiser = recipe.optimiser(network, 2e-3)
    crops = example(recipe.second)
    losses = []
    for _ in range(8):
        loss, parts = recipe.loss(network, crops, NOW)
        assert 0 <= parts["accuracy"] <= 1
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.9 * losses[0]


def test_before_training_it_says_what_the_qualities_say():
    """Biases alone: the frequency of each step among the tables, and the mean of each."""
    steps = table(torch.arange(60, 99))
    shares = named("q1cnn-90").biases().split(CAPS)[14].exp()
    assert float(shares.sum()) == pytest.approx(1)
    counts = torch.bincount(steps[:, 14], minlength=25)[1:] + 0.5
    torch.testing.assert_close(shares, counts / counts.sum())
    torch.testing.assert_close(named("q1reg-90").biases(), steps.float().mean(0))


def test_validation_measures_the_15_steps():
    recipe = named("q1reg-90")
    crops = example(90, (90, 90, 80, 80), side=64)
    network = recipe.network().eval()
    torch.nn.init.zeros_(network.last.weight)
    network.last.bias.data = table(torch.tensor([90]))[0].float()
    figures = recipe.validate(network, iter([crops]))
    apart = (table(torch.tensor([80])) - table(torch.tensor([90])))[0].float()
    assert figures["accuracy"] == pytest.approx((1 + (apart == 0).float().mean().item()) / 2)
    assert figures["mse"] == pytest.approx(apart.square().mean().item() / 2, rel=1e-5)
    assert figures["objective"] == figures["accuracy"]


def test_a_start_gives_its_trunk_and_to_its_own_kind_its_last_layer(tmp_path, monkeypatch):
    monkeypatch.setenv("FORENSICS_HOME", str(tmp_path))
    torch.manual_seed(0)
    began = DenseNet40(226)
    export.export(tmp_path / "weights" / "q1cnn-90", "steps", began.state_dict(), {})
    same = named("q1cnn-80", start="q1cnn-90").begun()
    other = named("q1reg-90", start="q1cnn-90").begun()
    for name, tensor in began.state_dict().items():
        torch.testing.assert_close(same.state_dict()[name], tensor)
        if not name.startswith("last."):
            torch.testing.assert_close(other.state_dict()[name], tensor)
    torch.testing.assert_close(other.last.bias, named("q1reg-90").biases())
    with pytest.raises(ForensicsError, match=r"differ in first\.weight"):
        named("q1cnn-90", start="q1cnn-90", rgb=True).begun()


@pytest.mark.parametrize(
    ("recipe", "option"),
    [("q1cnn-90", "distance"), ("q1reg-90", "error")],
)
def test_an_option_that_there_is_not(recipe, option):
    with pytest.raises(ForensicsError, match=f"{option} is one of .*, not cubed"):
        named(recipe, **{option: "cubed"})
