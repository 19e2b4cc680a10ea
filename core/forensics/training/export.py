"""From a trained network to the two files that others load: the weights and their card."""

from __future__ import annotations

import hashlib
import json
import math
import platform
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor

from forensics.models import weights
from forensics.models.entries import ModelEntry
from forensics.models.registry import check_editable
from forensics.training.runfiles import write

Figures = dict[str, float]
State = Mapping[str, Tensor]

# Half precision is kept while no answer moves by more than this part of the answers' spread.
_TOLERATED = 0.01

Answers = tuple[Figures, list[Tensor]]


def rounded(state: State) -> dict[str, Tensor]:
    """The state with its float32 tensors in float16. Double precision is left: it is that of
    values which are stated, such as those of classes."""
    return {k: v.half() if v.dtype == torch.float32 else v for k, v in state.items()}


def choose(
    state: State, validate: Callable[[State], Answers]
) -> tuple[State, str, dict[str, Figures]]:
    """The state to write in float16, or in float32 where rounding moves what the network says;
    its type; the figures of both types.

    Figures choose nothing here: on few crops they differ by chance, in either direction. What
    counts is the largest difference of an answer on the validation crops, beside the standard
    deviation of all answers. validate: a state's figures and the tensors that the network gave.
    """
    half = rounded(state)
    full, answers = validate(state)
    rough, others = validate(half)
    figures = {"float16": rough, "float32": full}
    if moved(answers, others) <= _TOLERATED:
        return half, "float16", figures
    return state, "float32", figures


def moved(answers: list[Tensor], others: list[Tensor]) -> float:
    """The largest difference of an answer, as a part of the standard deviation of all of one kind:
    of those with equally many dimensions. Infinite where there is nothing to compare."""
    worst = 0.0 if answers else math.inf
    for dimensions in {a.ndim for a in answers}:
        pairs = [(a, b) for a, b in zip(answers, others, strict=True) if a.ndim == dimensions]
        before, after = (torch.cat([p[i].double().flatten() for p in pairs]) for i in (0, 1))
        largest = float((after - before).abs().max())
        spread = float(before.std(correction=0))
        share = largest / spread if spread else math.inf if largest else 0.0
        # A NaN is no small difference.
        worst = max(worst, math.inf if math.isnan(share) else share)
    return worst


def export(folder: Path, part: str, state: State, card: Mapping[str, Any]) -> Path:
    """Write `<part>.safetensors` and `<part>.json`, which names the first one's SHA-256."""
    folder.mkdir(parents=True, exist_ok=True)
    content = save({k: v.detach().cpu().clone().contiguous() for k, v in state.items()})
    path = folder / f"{part}.safetensors"
    full = {**card, "sha256": hashlib.sha256(content).hexdigest()}
    # The card last: weights without a fitting card are refused, so a half-written pair is too.
    write(path, content)
    write(path.with_suffix(".json"), (json.dumps(full, indent=1) + "\n").encode())
    return path


def editable(entry: ModelEntry) -> Path:
    """The folder in the plugin's source where its weights belong. Raises ForensicsError where
    the plugin is installed as a copy, or may not be written to."""
    check_editable(weights.package_folder(entry), "--publish")
    return weights.shipped_folder(entry)


def publish(weight_file: Path, folder: Path) -> Path:
    """Copy the weights and their card into the plugin's source."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in (weight_file, weight_file.with_suffix(".json")):
        write(folder / path.name, path.read_bytes())
    return folder / weight_file.name


def machine(device: torch.device) -> dict[str, Any]:
    """What the training ran on, in words that name no particular machine."""
    description = {"cpu": _processor(), "threads": torch.get_num_threads()}
    if device.type == "cuda":
        description["gpu"] = torch.cuda.get_device_name(device)
    return {**description, "python": platform.python_version(), "torch": torch.__version__}


def _processor() -> str:
    listed = Path("/proc/cpuinfo")
    lines = listed.read_text().splitlines() if listed.is_file() else []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()
