"""From names and folders to a training, and from a training to weights with a card."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from forensics import data
from forensics.device import choose
from forensics.errors import ForensicsError
from forensics.models import selection, weights
from forensics.models.entries import ModelEntry, RecipeEntry
from forensics.models.registry import MODEL_KINDS, registry
from forensics.traces.draws import described
from forensics.training import export
from forensics.training import plot as curve
from forensics.training.budget import Budget
from forensics.training.classes import Classification
from forensics.training.export import Figures
from forensics.training.generator import Generator, Pool
from forensics.training.loop import Best, Training, Watch
from forensics.training.recipe import Recipe
from forensics.training.runfiles import Checkpoint, Log


@dataclass(frozen=True)
class Result:
    """The weights that a training made. published: their copy in the plugin's source; plot: the
    picture of the learning curve."""

    path: Path
    card: dict[str, Any]
    published: Path | None
    plot: Path | None


def train(
    model: str,
    folder: str,
    *,
    budget: str | float | None = None,
    steps: int | None = None,
    resume: bool = False,
    device: str | None = None,
    seed: int | None = None,
    out: str | Path | None = None,
    publish: bool = False,
    plot: bool = False,
    watch: Watch | None = None,
) -> Result:
    """Train a model by its recipe, on the photographs of a folder with the splits train and val.

    model: a name with options, `name:key=value`. budget: seconds or a text such as `25m`
    (without steps: 25m). resume: go on from the checkpoint, by the same budget, steps and seed.
    device: a GPU where there is one. out: where the weights go, instead of the user's own folder
    (`weights.user_folder`). publish: copy them into the plugin's source as well. plot: draw the
    learning curve as `curve.png` beside the log.

    With steps, the same seed gives the same weights on a CPU, resumed or not. Raises
    ForensicsError for what cannot be done, and when the user stops it.
    """
    watch = watch or Watch()
    entry = _entry(model)
    chosen = selection.model(model, "recipe")
    recipe = _recipe(chosen, entry)
    shipped = export.editable(entry) if publish else None
    if plot:
        curve.check()
    target = Path(out) if out is not None else weights.user_folder(entry)
    files = target / f"{recipe.part}.run"
    where = choose(device)
    former = Checkpoint(files).read(where) if resume else {}
    if former and budget is None and steps is None:
        length = Budget(*former["budget"])
    else:
        length = Budget.of(budget, steps)
    seed = former.get("seed", 0) if seed is None else seed

    made, held_out = generators(recipe, _sources(folder, watch), where)
    _say_what_is_left_out(made, [phase.crop for phase in recipe.phases], watch)
    _say_what_is_left_out(held_out, [recipe.validation_crop], watch)
    identity = {
        "recipe": str(chosen),
        "data": [made.pool.sha256, held_out.pool.sha256],
        "budget": [length.seconds, length.steps],
        "seed": seed,
    }
    for name, value in identity.items():
        if former and former[name] != value:
            raise ForensicsError(
                f"the checkpoint in {files} has another {name}; resume with what it began with, "
                "or start again without --resume"
            )
    with _writing(target), torch.random.fork_rng([where] if where.type == "cuda" else []):
        files.mkdir(parents=True, exist_ok=True)
        log = Log(files, former["step"] if former else None)
        training = Training(recipe, length, seed, made, held_out, files, watch)
        if former:
            training.restore(former)
        # Of the weights as they were: a training may go on from the part that it makes.
        begun = former.get("begins_with", dict(recipe.begins_with))
        best = training.run({**identity, "begins_with": begun}, log)
        state, dtype, figures = export.choose(best.state, training.answers)
    card = {
        "model": entry.name,
        "part": recipe.part,
        **_recipe_card(str(chosen), recipe, made),
        **({"begins_with": begun} if begun else {}),
        **_run_card(training, best, where),
        "figures": _figure_rows(held_out, recipe, dtype, figures),
        "dtype": dtype,
    }
    with _writing(target):
        path = export.export(target, recipe.part, state, card)
        published = export.publish(path, shipped) if shipped else None
        picture = files / "curve.png" if plot else None
        if picture is not None:
            curve.draw(log.path, picture)
    return Result(path, json.loads(path.with_suffix(".json").read_text()), published, picture)


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """A folder that cannot be written to, or a full disk, is one sentence."""
    try:
        yield
    except OSError as error:
        raise ForensicsError(
            f"cannot write to {folder} ({error.strerror or error}); make room, or name another "
            "folder with --out"
        ) from error


def _entry(chosen: str) -> ModelEntry:
    """The model whose part the recipe of this name makes."""
    name = chosen.partition(":")[0]
    recipe = registry().all("recipe").get(name)
    model = recipe.entry.model or name if recipe and isinstance(recipe.entry, RecipeEntry) else name
    entry = registry().get(model, *MODEL_KINDS).entry
    assert isinstance(entry, ModelEntry)
    if entry.card is None:
        raise ForensicsError(f"{entry.name} needs no training")
    return entry


def _recipe(chosen: selection.Model, entry: ModelEntry) -> Recipe:
    recipe = chosen.create()
    assert isinstance(recipe, Recipe)
    if recipe.part not in entry.parts:
        raise ForensicsError(
            f"{chosen} would make the part {recipe.part}, which {entry.name} does not load; its "
            f"parts are {', '.join(entry.parts)}"
        )
    return recipe


def _sources(folder: str, watch: Watch) -> list[data.Source]:
    try:
        sources = [data.resolve(folder, split) for split in ("train", "val")]
    except ForensicsError as error:
        raise ForensicsError(
            f"{error}. A training takes a folder with the splits train and val: subfolders of "
            "these names, or a files.csv with the columns path and split"
        ) from error
    shared = {p.sha256 for p in sources[0]} & {p.sha256 for p in sources[1]}
    if shared:
        raise ForensicsError(f"{len(shared)} photographs of {folder} are in train and in val")
    for source in sources:
        for text in (*source.warnings, *map(str, source.skipped)):
            watch.line(f"{source.split}: {text}")
    return sources


def generators(
    recipe: Recipe, sources: list[data.Source], device: torch.device
) -> tuple[Generator, Generator]:
    """Of steps, and of validations, whose crops are left as they are."""
    coloured = any(augmentation.rgb for augmentation in recipe.augmentations)
    mirrored = recipe.mirrored
    only = recipe.color and not recipe.gray_every  # only colour photographs
    made = Pool(sources[0], only, device, rgb=coloured or recipe.color, mirrored=mirrored)
    held_out = Pool(sources[1], only, device, rgb=recipe.color, mirrored=mirrored)
    return Generator(recipe, made, recipe.augmentations), Generator(recipe, held_out)


def _say_what_is_left_out(generator: Generator, sides: list[int], watch: Watch) -> None:
    """Before the training, so that a late phase cannot fail for want of large photographs."""
    pool = generator.pool
    split, every = pool.source.split, len(pool)
    if pool.skipped:
        watch.line(f"{split}: {pool.skipped} gray photographs are left out")
    for side in sorted(set(sides)):
        small = every - generator.holding(side)
        if small:
            watch.line(f"{split}: {small} of {every} photographs hold no crop of {side} pixels")


def _recipe_card(text: str, recipe: Recipe, made: Generator) -> dict[str, Any]:
    assert dataclasses.is_dataclass(recipe)
    kind = "gray"
    if recipe.color:
        kind = f"RGB and (1 batch in {recipe.gray_every}) gray" if recipe.gray_every else "RGB"
    drawn = described(recipe.draws())
    return {
        "recipe": text,
        "options": dataclasses.asdict(recipe),
        "trace": {
            "name": made.trace.name,
            "histories": dict(made.trace.histories),
            "input": made.trace.input,
        },
        "draws": drawn,
        **({"classes": list(recipe.classes)} if isinstance(recipe, Classification) else {}),
        "augmentations": list(map(repr, recipe.augmentations)),
        "limits": [f"trained on {kind} photographs with {drawn}", *recipe.limits],
        **({"rests_on": dict(recipe.rests_on)} if recipe.rests_on else {}),
    }


def _run_card(training: Training, best: Best, device: torch.device) -> dict[str, Any]:
    tallies = training.tallies
    phases = [
        {
            **dataclasses.asdict(phase),
            "photographs": training.generator.holding(phase.crop),
            **tally.card(),
        }
        for phase, tally in zip(training.recipe.phases, tallies, strict=True)
    ]
    sources = {"train": training.generator.pool, "val": training.held_out.pool}
    return {
        "data": {split: _data_card(pool) for split, pool in sources.items()},
        "budget": str(training.budget),
        "seed": training.seed,
        "steps": training.step,
        "patches": sum(tally.patches for tally in tallies),
        "seconds": round(training.seconds, 1),
        "chosen": _chosen(training, best),
        "phases": phases,
        "machine": export.machine(device),
    }


def _chosen(training: Training, best: Best) -> str:
    if training.learner.last:
        return f"fitted to the features of all {best.step} steps"
    return f"highest objective on val in the last phase, after {best.step} steps"


def _data_card(pool: Pool) -> dict[str, Any]:
    name = Path(pool.source.name).resolve().name
    return {"name": name, "photographs": len(pool), "sha256": pool.sha256}


def _figure_rows(
    held_out: Generator, recipe: Recipe, dtype: str, figures: dict[str, Figures]
) -> list[dict[str, Any]]:
    """One row for each type that was measured; the one in the file first."""
    about = {
        "split": "val",
        "crops": recipe.validation_crops,
        "side": recipe.validation_crop,
        "photographs": min(held_out.holding(recipe.validation_crop), recipe.validation_crops),
    }
    order = sorted(figures, key=lambda name: name != dtype)
    return [{**about, "dtype": name, "values": _finite(figures[name])} for name in order]


def _finite(figures: Figures) -> dict[str, float | None]:
    """JSON has no NaN."""
    return {name: value if math.isfinite(value) else None for name, value in figures.items()}
