"""Whole trainings of a filter with ten weights."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys

import pytest
import torch
from click.testing import CliRunner
from PIL import Image
from safetensors.torch import load_file

from forensics import data, training
from forensics.cli.train import train as command
from forensics.errors import ForensicsError
from forensics.models import weights
from forensics.models.registry import registry
from forensics.training import export, plot
from forensics.training.generator import Generator, Pool
from forensics.training.learner import Descent

STEPS = 30


class StopAt(training.Watch):
    """Presses Ctrl-C after so many steps."""

    def __init__(self, steps):
        self.left = steps

    def at(self, done, text):
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGINT)


def trained(photographs, folder, model="tiny", **options):
    options = {"steps": STEPS, **options}
    return training.train(model, str(photographs), out=folder, device="cpu", **options)


@pytest.fixture
def whole(plugin, photographs, tmp_path):
    return trained(photographs, tmp_path / "whole")


def rows(result):
    with (result.path.parent / f"{result.path.stem}.run/log.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_same_seed_is_the_same_run(whole, photographs, tmp_path):
    again = trained(photographs, tmp_path / "again")
    other = trained(photographs, tmp_path / "other", seed=1)
    assert again.card["sha256"] == whole.card["sha256"] != other.card["sha256"]


@pytest.mark.parametrize("steps", [4, 10, 21])
def test_a_resumed_run_is_the_uninterrupted_one(whole, photographs, tmp_path, steps):
    with pytest.raises(ForensicsError, match=f"after {steps} steps.*--resume"):
        trained(photographs, tmp_path / "parts", watch=StopAt(steps))
    assert not list((tmp_path / "parts").glob("*.safetensors"))
    resumed = trained(photographs, tmp_path / "parts", steps=None, resume=True)
    assert resumed.path.read_bytes() == whole.path.read_bytes()
    assert resumed.card["figures"] == whole.card["figures"]
    timeless = [
        [{k: v for k, v in row.items() if k not in ("seconds", "waiting")} for row in rows(r)]
        for r in (whole, resumed)
    ]
    assert timeless[0] == timeless[1]


def test_the_figures_are_those_of_the_file_and_training_raises_them(whole, photographs):
    recipe = registry().get("tiny", "recipe").entry.make()
    pool = Pool(data.resolve(str(photographs), "val"), False, torch.device("cpu"))
    examples = list(Generator(recipe, pool).evenly(24, 6, 8))
    network = recipe.network()
    network.load_state_dict({k: v.float() for k, v in load_file(whole.path).items()})
    with torch.no_grad():
        measured = recipe.validate(network.eval(), examples)["objective"]
    assert measured == whole.card["figures"][0]["values"]["objective"]
    first = next(row["val objective"] for row in rows(whole) if row["val objective"])
    assert measured > float(first) / 2  # negative: the squared error is halved


def test_the_best_network_of_the_last_phase_is_kept(whole):
    last = [row for row in rows(whole) if row["phase"] == "2" and row["val objective"]]
    best = max(last, key=lambda row: float(row["val objective"]))
    assert whole.card["chosen"].endswith(f"after {best['step']} steps")
    kept = {row["dtype"]: row["values"]["objective"] for row in whole.card["figures"]}
    assert kept["float32"] == pytest.approx(float(best["val objective"]), rel=1e-5)


def test_the_log_has_the_phases_rates_and_parts(whole):
    by_step = {int(row["step"]): row for row in rows(whole)}
    assert sorted(by_step) == list(range(1, STEPS + 1))
    # Phases of 1 and 2 shares; the rate falls by half within each; a part of the second only.
    assert [by_step[s]["phase"] for s in (10, 11)] == ["1", "2"]
    rates = [float(by_step[s]["rate"]) for s in (1, 6, 11, 21)]
    assert rates == pytest.approx([1e-2, 7.5e-3, 5e-3, 3.75e-3])
    assert by_step[10]["error"] == ""
    assert float(by_step[11]["error"]) == pytest.approx(float(by_step[11]["loss"]), rel=1e-4)
    assert by_step[10]["val objective"]


def test_the_card_says_what_was_done(whole, photographs):
    card = json.loads(whole.path.with_suffix(".json").read_text())
    assert card == whole.card
    assert card["options"]["quality"] == 60
    assert card["limits"] == ["trained on gray photographs with q in 60", "a toy"]
    assert (card["steps"], card["patches"]) == (30, 10 * 4 + 20 * 8)
    assert [phase["steps"] for phase in card["phases"]] == [10, 20]
    assert card["data"]["train"]["photographs"] == 4
    assert card["data"]["val"]["photographs"] == card["figures"][0]["photographs"] == 2
    assert card["figures"][0]["dtype"] == card["dtype"] == "float16"
    assert {t.dtype for t in load_file(whole.path).values()} == {torch.float16}
    assert os.uname().nodename not in whole.path.with_suffix(".json").read_text()


def test_what_is_trained_is_what_is_loaded(plugin, photographs):
    result = training.train("tiny:quality=80", str(photographs), steps=3, device="cpu")
    entry = registry().get("tiny", "attacker").entry
    assert weights.there(entry).keys() == {"tiny-80"}
    loaded = weights.load(entry, "tiny-80")
    assert torch.equal(loaded["filter.weight"].half(), load_file(result.path)["filter.weight"])


def test_publishing_writes_into_the_source(plugin, photographs, tmp_path):
    result = trained(photographs, tmp_path / "out", steps=3, publish=True)
    folder = plugin / "forensics_tiny/weights/tiny"
    assert result.published == folder / "tiny-60.safetensors"
    assert weights.find(registry().get("tiny", "attacker").entry, "tiny-60").origin == "shipped"


def test_publishing_into_an_installed_copy_is_refused_before_the_training(
    plugin, photographs, tmp_path
):
    record = plugin / "forensics_tiny-0.1.dist-info/RECORD"
    record.write_text("forensics_tiny/plugin.py,sha256=,1\n")
    with pytest.raises(ForensicsError, match="installed copy"):
        trained(photographs, tmp_path / "out", publish=True)
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_made_is_one_sentence(plugin, photographs, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ForensicsError, match="--out"):
        trained(photographs, tmp_path / "file" / "out", steps=1)


def test_half_precision_is_given_up_where_it_moves_what_the_network_says():
    state = {"w": torch.tensor([1.0001, 7.0])}
    spread = [torch.tensor([0.0, 10.0]), torch.tensor([-5.0, 5.0])]  # s.d. 5.59
    for change, dtype in (
        (0.0, "float16"),
        (0.055, "float16"),
        (0.057, "float32"),
        (float("nan"), "float32"),
    ):

        def validate(found, change=change):
            half = found["w"].dtype == torch.float16
            # The figure, which is a matter of chance, decides nothing.
            given = [spread[0], spread[1] + change * half]
            return {"objective": -2.0 if half else -1.0}, given

        kept, named, figures = export.choose(state, validate)
        assert named == dtype
        assert str(kept["w"].dtype) == f"torch.{dtype}"
        assert figures == {"float16": {"objective": -2.0}, "float32": {"objective": -1.0}}


def test_answers_of_several_kinds_are_compared_with_their_own():
    maps, scores = torch.tensor([[0.0, 200.0]]), torch.tensor([0.0, 2.0])
    assert export.moved([maps, scores], [maps, scores + 0.5]) == 0.5
    assert export.moved([maps, scores], [maps + 0.5, scores]) == 0.005
    assert export.moved([], []) == float("inf")
    same = torch.ones(3)
    assert (export.moved([same], [same]), export.moved([same], [same + 1])) == (0, float("inf"))


def test_a_loss_that_explodes_ends_with_the_step(plugin, photographs, tmp_path):
    with pytest.raises(ForensicsError, match=r"the loss is inf at step 7"):
        trained(photographs, tmp_path, "tiny:explode=7")


def test_a_budget_ends_the_training_and_every_step_is_counted(plugin, photographs, tmp_path):
    card = trained(photographs, tmp_path, steps=None, budget=0.4).card
    assert card["budget"] == "0.4 seconds"
    assert card["steps"] == sum(phase["steps"] for phase in card["phases"]) > 0


def test_a_checkpoint_of_something_else_is_refused(whole, photographs, tmp_path):
    folder = whole.path.parent
    for options, name in (
        ({"seed": 2}, "seed"),
        ({"steps": 31}, "budget"),
        ({"model": "tiny:quality=60"}, "recipe"),
    ):
        with pytest.raises(ForensicsError, match=f"another {name}"):
            trained(photographs, folder, resume=True, **options)
    with pytest.raises(ForensicsError, match="there is no"):
        trained(photographs, tmp_path / "empty", resume=True)
    (folder / "tiny-60.run/checkpoint.pt").write_bytes(b"PK broken")
    with pytest.raises(ForensicsError, match="cannot be read"):
        trained(photographs, folder, resume=True)


def test_requests_that_cannot_be_met_are_one_sentence(plugin, photographs, tmp_path):
    with pytest.raises(ForensicsError, match="did you mean 'tiny'"):
        trained(photographs, tmp_path, "tinny")
    with pytest.raises(ForensicsError, match=r"the part tiny-61, .* parts are tiny-60, tiny-80"):
        trained(photographs, tmp_path, "tiny:quality=61")
    with pytest.raises(ForensicsError, match="splits train and val"):
        trained(photographs / "train", tmp_path)
    with pytest.raises(ForensicsError, match="try --device cpu"):
        training.train("tiny", str(photographs), steps=1, device="nonsense")
    twice = tmp_path / "twice"
    for split in ("train", "val"):
        shutil.copytree(photographs / "val", twice / split)
    with pytest.raises(ForensicsError, match=r"2 photographs .* are in train and in val"):
        trained(twice, tmp_path)


def test_small_photographs_are_counted_and_the_lack_of_any_is_seen_at_once(
    plugin, photographs, tmp_path, monkeypatch
):
    lines = []
    watch = training.Watch()
    monkeypatch.setattr(watch, "line", lines.append)
    tiny = registry().get("tiny", "recipe").entry.load()
    # Heights are 60 to 63 in train: two of the four hold a square of 62.
    monkeypatch.setattr(tiny, "phases", (training.Phase(1, 62, 2, 1e-3),))
    result = trained(photographs, tmp_path / "two", steps=1, watch=watch)
    assert lines[0] == "train: 2 of 4 photographs hold no crop of 62 pixels"
    assert result.card["phases"][0]["photographs"] == 2
    phases = (training.Phase(1, 16, 2, 1e-3), training.Phase(1, 99, 2, 1e-3))
    monkeypatch.setattr(tiny, "phases", phases)
    with pytest.raises(ForensicsError, match="99 x 99"):
        trained(photographs, tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_the_command_prints_figures_and_where_the_weights_are(plugin, photographs, tmp_path):
    arguments = [
        "tiny",
        "--data",
        str(photographs),
        "--steps",
        "4",
        "--out",
        str(tmp_path / "o"),
        "--device",
        "cpu",
    ]
    outcome = CliRunner().invoke(command, arguments)
    assert outcome.exit_code == 0, outcome.exception
    assert "val, 6 crops of 2 photographs: objective -0.0" in outcome.stdout
    assert f"{tmp_path}/o/tiny-60.safetensors (float16)" in outcome.stdout
    # No terminal: a line a validation, and no bar. Four steps, each of them validated.
    assert [line.split()[3] for line in outcome.stderr.splitlines()] == ["1", "2", "3", "4"]


def test_the_command_line_starts_without_torch():
    code = "import sys, forensics.cli.train; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_averaged_weights_are_the_recurrence_by_hand(plugin, photographs, tmp_path, monkeypatch):
    tiny = registry().get("tiny", "recipe").entry.load()
    monkeypatch.setattr(tiny, "averaging", 0.9)
    seen = []
    original = Descent.step

    def step(self, example, now):
        parts = original(self, example, now)
        seen.append({k: v.clone() for k, v in self.moving.state_dict().items()})
        return parts

    monkeypatch.setattr(Descent, "step", step)
    # No rounding, and the last network rather than the best.
    monkeypatch.setattr(Descent, "last", True)
    monkeypatch.setattr(export, "rounded", dict)
    result = trained(photographs, tmp_path / "whole", steps=12)
    mean = seen[0]
    for number, state in enumerate(seen[1:], 1):
        decay = min(0.9, (1 + number) / (10 + number))
        mean = {k: decay * mean[k] + (1 - decay) * state[k] for k in mean}
    for name, tensor in load_file(result.path).items():
        torch.testing.assert_close(tensor, mean[name])
        assert not torch.equal(tensor, seen[-1][name])
    with pytest.raises(ForensicsError, match="after 5 steps"):
        trained(photographs, tmp_path / "parts", steps=12, watch=StopAt(5))
    resumed = trained(photographs, tmp_path / "parts", steps=None, resume=True)
    assert resumed.path.read_bytes() == result.path.read_bytes()


def test_an_average_that_is_none_is_one_sentence(plugin, photographs, tmp_path, monkeypatch):
    monkeypatch.setattr(registry().get("tiny", "recipe").entry.load(), "averaging", 1.0)
    with pytest.raises(ForensicsError, match="a decay between 0 and 1, not 1"):
        trained(photographs, tmp_path)


def test_waiting_for_data_is_in_the_log_and_in_the_card(whole):
    shares = [float(row["waiting"]) for row in rows(whole)]
    assert all(0 < share < 1 for share in shares)
    assert all(0 < phase["waiting"] < 1 for phase in whole.card["phases"])


def test_the_curve_is_drawn(plugin, photographs, tmp_path):
    result = trained(photographs, tmp_path / "o", steps=12, plot=True)
    assert result.plot == tmp_path / "o/tiny-60.run/curve.png"
    with Image.open(result.plot) as picture:
        assert (picture.format, picture.size) == ("PNG", (960, 840))
        colours = picture.convert("RGB").getcolors(1 << 20)
    assert len(colours) > 50
    curves = plot.read(tmp_path / "o/tiny-60.run/log.csv")
    assert list(curves["loss"].index) == list(range(1, 13))
    validated = [int(row["step"]) for row in rows(result) if row["val objective"]]
    assert validated == list(curves["val objective"].index)
    assert "rate" not in curves


def test_a_plot_without_matplotlib_is_one_sentence(plugin, photographs, tmp_path, monkeypatch):
    monkeypatch.setattr(plot, "find_spec", lambda name: None)
    with pytest.raises(ForensicsError, match=r"pip install 'image-forensics\[plot\]'"):
        trained(photographs, tmp_path / "o", plot=True)
    assert not (tmp_path / "o").exists()


def test_whole_numbers_in_a_network_are_not_averaged(plugin, photographs, tmp_path, monkeypatch):
    tiny = registry().get("tiny", "recipe").entry.load()
    plain = tiny.network

    def network(self):
        made = plain(self)
        made.register_buffer("places", torch.arange(60))
        return made

    monkeypatch.setattr(tiny, "network", network)
    monkeypatch.setattr(tiny, "averaging", 0.1)
    monkeypatch.setattr(Descent, "last", True)  # rather than the best
    result = trained(photographs, tmp_path, steps=12)
    assert load_file(result.path)["places"].tolist() == list(range(60))
