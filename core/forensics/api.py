"""What the command line does, as calls: models by name, runs, histories on batches."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from forensics import bench
from forensics.batch import Batch
from forensics.bench import inference
from forensics.histories.history import History
from forensics.images import Picture
from forensics.models import selection
from forensics.models.interfaces import NamedModel
from forensics.models.registry import MODEL_KINDS

if TYPE_CHECKING:
    from forensics.bench.loop import Progress


def load(name: str) -> Any:
    """A model by its registered name, with options if need be: `load("ku2:relative=true")`.

    The model takes a `Batch`: of a file what `shown` makes of it.
    Raises UnknownName, and ForensicsError for an option that the model does not have.
    """
    return selection.model(name, *MODEL_KINDS).create()


def models(*kinds: str) -> list[str]:
    """The names of all registered models, or of those of some kinds (`"detector"`, ...)."""
    return [str(m) for m in selection.models(["all"], *(kinds or MODEL_KINDS))]


def shown(picture: Picture, model: NamedModel) -> Batch:
    """What a model is shown of a whole picture, as in `forensics analyze` and `run --positive`:
    gray unless it takes colour only, a JPEG recovered from the pixels where it needs one and they
    show it, cut to the multiple that it needs.

        model = load("kl")
        model.score(shown(forensics.open("photo.png"), model))
    """
    return inference.shown(model.needs, picture)


def run(
    out: str | Path | None = None,
    progress: Progress | None = None,
    dask: str | None = None,
    workers: int | None = None,
    **options: Any,
) -> bench.Matrix:
    """Every attack against every model; `options` are those of `Settings`, by name; `dask` and
    `workers` are those of `bench.execute`.

    Rows that `out` already holds are not computed again. Example:

        forensics.run(attack="afcnn", detectors="all", data="photographs/").to_pandas()
    """
    # Imported here: who loads a model needs no bench.
    from forensics.calibration.applying import StoredCards

    plan = bench.make(bench.Settings.of(options))
    folder = Path(out) if out else bench.default_out()
    return bench.execute(plan, folder, progress, dask, workers, StoredCards())


def simulate(history: str, batch: Batch) -> Batch:
    """The batch after a history such as `"jpeg(60) crop(3,5) jpeg(90)"`; attackers are steps too.

    Raises ForensicsError where the text is no history or a step cannot take its arguments.
    """
    return History.parse(history).apply(batch)
