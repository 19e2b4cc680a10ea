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

from forensics import weights
from forensics.registry import ModelEntry
from forensics.training.runfiles import write

Figures = dict[str, float]
State = Mapping[str, Tensor]

# Half precision is kept unless the objective falls by more than this part of itself.
_TOLERATED = 0.01


def rounded(state: State) -> dict[str, Tensor]:
    """The state with its floating-point tensors in float16."""
    return {k: v.half() if v.is_floating_point() else v for k, v in state.items()}


def choose(
    state: State, full: Figures, validate: Callable[[State], Figures]
) -> tuple[State, str, dict[str, Figures]]:
    """The state to write in float16, or in float32 where rounding costs; its type; the figures
    of both types."""
    half = rounded(state)
    measured = {"float16": validate(half), "float32": full}
    lost = full["objective"] - measured["float16"]["objective"]
    if math.isnan(lost) or lost > _TOLERATED * abs(full["objective"]):
        return state, "float32", measured
    return half, "float16", measured


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
    weights.editable(weights.package_folder(entry))
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
