"""Making a calibration: from scores of photographs that trained and chose nothing to a card."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from forensics import data
from forensics.bench import identity
from forensics.bench.conditions import SCORE, Cell, Plan
from forensics.bench.figures import column
from forensics.bench.loop import Progress, default_out, execute
from forensics.bench.matrix import Matrix
from forensics.bench.plan import make
from forensics.bench.settings import Settings
from forensics.bench.store import Store
from forensics.calibration import cards
from forensics.calibration.applying import colour
from forensics.calibration.fitting import METHODS, fit, held_out
from forensics.errors import ForensicsError, unknown
from forensics.metrics.calibration import calibration_metrics, tippett
from forensics.metrics.curves import Scored, Sides
from forensics.models import selection, weights
from forensics.models.entries import ModelEntry, parse_trace
from forensics.models.registry import check_editable, package_folder
from forensics.models.selection import Model

SPLIT = "calib"
CRITERION = "minimum decision error, equal priors"


@dataclass(frozen=True)
class Calibrated:
    """The result of `calibrate`. card: the content of the card, with held-out figures; tippett: the
    Tippett data of the held-out ratios; path: the file; published: its copy in the plugin's
    source; warnings: sentences about the photographs; run: the matrix whose scores it is of."""

    card: dict[str, Any]
    tippett: dict[str, list[float]]
    path: Path
    published: Path | None
    warnings: tuple[str, ...]
    run: Matrix


def calibrate(
    model: str,
    folder: str | Path,
    *,
    trace: str | None = None,
    method: str = "logistic",
    unseen: bool = False,
    publish: bool = False,
    progress: Progress | None = None,
    **options: Any,
) -> Calibrated:
    """Set a detector's threshold and map its scores to likelihood ratios.

    The conditions are those of a run on the split `calib` of `folder`; `options` are those of
    `Settings`, by name: `set`, `attack`, `patch`, `color`, `limit`, `seed`, `device`,
    `batch`. All points, unattacked and attacked, are pooled with equal weight. trace: needed where
    the model judges several. method: `"logistic"` or `"isotonic"`. unseen: your word that the
    photographs of a folder without splits trained and chose nothing; the card says so. publish:
    copy the card into the plugin's source too.

    The figures of the card are of held-out photographs (6 folds); the scale is fitted on all.
    Raises ForensicsError where the model cannot be calibrated. Example:

        forensics.calibrate("kqf", "photographs/", set={"q": [60, 80, 90]}, limit=96)
    """
    if method not in METHODS:
        raise ForensicsError(f"a calibration is {' or '.join(METHODS)}, not {method}")
    chosen = selection.model(model, "detector").canonical()
    package = _editable(chosen.entry) if publish else None
    split = _split(str(folder), unseen)
    run_options = {
        k: v for k, v in options.items() if k not in ("detectors", "trace", "data", "split")
    }
    if len(run_options) < len(options):
        raise ForensicsError("a calibration takes one model, one trace, one folder, no split")
    settings = Settings.of(
        {
            **run_options,
            "detectors": str(chosen),
            "trace": _trace(chosen, trace),
            "data": str(folder),
        }
        | {"split": split}
    )
    plan = make(settings)
    _check_photographs(chosen, plan)
    cells, sides, n_na, matrix = _scores(chosen, plan, progress)
    content, ratios = _card(chosen, plan, cells, sides, n_na, method)
    path = cards.user_file(chosen.entry)
    cards.put(path, content)
    published = None
    if package is not None:
        published = cards.shipped_file(package, chosen.entry)
        cards.put(published, content)
    return Calibrated(content, tippett(*ratios), path, published, plan.warnings, matrix)


def _editable(entry: ModelEntry) -> Path:
    package = package_folder(entry.package)
    if package is None:
        raise ForensicsError(
            f"--publish writes into a package, and {entry.name} comes from a single module"
        )
    check_editable(package, "--publish")
    return package


def _trace(chosen: Model, name: str | None) -> str:
    judges = list(dict.fromkeys(parse_trace(t)[0] for t in chosen.entry.traces))
    if name is None and len(judges) != 1:
        raise ForensicsError(f"{chosen.name} judges {', '.join(judges)}: choose one with --trace")
    if name is not None and name not in judges:
        raise unknown(f"trace that {chosen.name} judges", name, judges)
    return name or judges[0]


def _split(folder: str, unseen: bool) -> str | None:
    """The split `calib`, or None for a folder without splits that the user vouches for."""
    splits = data.splits(folder)
    if not splits and not unseen:
        raise ForensicsError(
            f"{folder} has no splits: put photographs that trained and chose nothing into a "
            f"subfolder {SPLIT}, or give your word with --unseen that these did not"
        )
    if splits and SPLIT not in splits:
        raise ForensicsError(
            f"{folder} has the splits {', '.join(splits)} and no {SPLIT}: a calibration takes "
            "photographs that trained, chose and test nothing"
        )
    if splits and unseen:
        raise ForensicsError(f"{folder} has a split {SPLIT}, which is taken: leave --unseen out")
    return SPLIT if splits else None


def _check_photographs(chosen: Model, plan: Plan) -> None:
    """Raises ForensicsError for photographs that a weight card names as training data."""
    if len(plan.photographs) < 2:
        raise ForensicsError(
            f"a calibration needs 2 photographs, and {plan.settings.data} has one that can be used"
        )
    if chosen.entry.card is None:
        return
    names = sorted(p.sha256 for p in plan.photographs)
    together = hashlib.sha256("\n".join(names).encode()).hexdigest()
    for part, weight in weights.there(chosen.entry).items():
        for split, pool in weight.card.get("data", {}).items():
            if pool["sha256"] == together:
                raise ForensicsError(
                    f"these photographs are the split {split} of the training of {part}: a "
                    "calibration takes photographs that trained and chose nothing"
                )


def _scores(
    chosen: Model, plan: Plan, progress: Progress | None
) -> tuple[list[Cell], tuple[Scored, Scored], int, Matrix]:
    """The cells that can be scored, the scores of both sides over all these cells, how many of
    their patches have none, and the run."""
    name = str(chosen)
    cells = [cell for cell in plan.cells if cell.reason is None]
    if not cells:
        raise ForensicsError(f"{name} cannot be calibrated here: {plan.cells[0].reason}")
    # Beside the rows of runs, whose last matrix stays the one that `forensics report` prints.
    out = default_out() / "calibrate"
    matrix = execute(plan, out, progress)
    for failed, trace in matrix.failures.items():
        raise ForensicsError(f"{failed} raised {trace.strip().splitlines()[-1]}")
    store = Store(out)
    stored = {p.sha256: store.read(p.sha256) for p in plan.photographs}
    sides, reasons = [], []
    for conditions in (
        [c.pristine for c in cells],
        [c.altered for c in cells],
    ):
        columns = [column(plan, stored, of_cell, name, SCORE) for of_cell in conditions]
        scores, owners = (
            np.concatenate([getattr(c, field) for c in columns])
            for field in ("values", "photographs")
        )
        sides.append(Scored(scores, owners).answered())
        reasons += [r for c in columns for r in c.reasons if r]
    known = np.concatenate([side.scores for side in sides])
    why = None
    if not all(len(side.scores) for side in sides):
        why = reasons[0] if reasons else "no patch has a score"
    elif not np.isfinite(known).all():
        why = "some of its scores are infinite"
    elif known.min() == known.max():
        why = "all its scores are equal"
    elif len(np.unique(np.concatenate([side.photographs for side in sides]))) < 2:
        why = "patches of 2 photographs at least must have a score"
    if why is not None:
        raise ForensicsError(f"{name} cannot be calibrated on these photographs: {why}")
    return cells, (sides[0], sides[1]), len(reasons), matrix


def _card(
    chosen: Model,
    plan: Plan,
    cells: list[Cell],
    sides: tuple[Scored, Scored],
    n_na: int,
    method: str,
) -> tuple[dict[str, Any], tuple[Scored, Scored]]:
    """The content of the card, and the held-out ratios of both sides."""
    settings = plan.settings
    together = Sides.of(*sides)
    try:
        pristine, altered, called = held_out(*sides, method, settings.seed)
    except ValueError as error:
        raise ForensicsError(f"too few photographs to hold some out: {error} in the rest") from None
    figures = calibration_metrics(pristine, altered, called, settings.seed)
    used = [
        plan.photographs[n].sha256
        for n in np.unique(np.concatenate([side.photographs for side in sides]))
    ]
    content = {
        "model": str(chosen),
        "identity": identity.model(chosen),
        "weights": identity.trained(chosen),
        "trace": cells[0].trace.name,
        "histories": dict(cells[0].trace.histories),
        "points": [
            dict(point) for point in dict.fromkeys(p for cell in cells for p in cell.points)
        ],
        "attacks": list(dict.fromkeys(str(c.attacker) for c in cells if c.attacker)),
        "patch": settings.patch,
        "color": colour(settings.color),
        "seed": settings.seed,
        "data": {
            "name": Path(settings.data).resolve().name,
            "split": plan.split or "none, unseen by the word of the user",
            "photographs": len(used),
            "sha256": used,
        },
        "method": method,
        "criterion": CRITERION,
        "limit": math.log10(together.photographs + 1),
        "scale": asdict(fit(together, method)),
        "n": {"pristine": len(pristine.scores), "altered": len(altered.scores), "na": n_na},
        "figures": {name: _plain(asdict(value)) for name, value in figures.items()},
        "warnings": list(plan.warnings),
    }
    return content, (pristine, altered)


def _plain(value: Mapping[str, Any]) -> dict[str, Any]:
    return {k: value[k] for k in ("value", "low", "high")}
