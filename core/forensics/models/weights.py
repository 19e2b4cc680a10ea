"""Weights and their cards: shipped in a plugin as read-only data, or made by the user.

A model that is trained names a folder of its package (`ModelEntry.card`) and the parts in it
(`ModelEntry.parts`): `<part>.safetensors` and the card `<part>.json`. The user's own lie under
`$FORENSICS_HOME/weights/<model>/` in the same form and win.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forensics.errors import ForensicsError, NotApplicable
from forensics.models import registry
from forensics.models.entries import ModelEntry

if TYPE_CHECKING:
    from torch import Tensor


def home() -> Path:
    """Where the user's own weights and the score store lie: $FORENSICS_HOME, or a cache folder."""
    named = os.environ.get("FORENSICS_HOME")
    return Path(named) if named else Path.home() / ".cache" / "forensics"


@dataclass(frozen=True)
class Part:
    """One weight file that is there. origin: `"shipped"` or `"user"`; card: its JSON."""

    path: Path
    origin: str
    card: dict[str, Any]

    @property
    def sha256(self) -> str:
        return str(self.card["sha256"])


def package_folder(entry: ModelEntry) -> Path:
    """Where the package lies that ships the model's weights."""
    package = str(entry.card).partition(":")[0]
    folder = registry.package_folder(package)
    if folder is None:
        raise ForensicsError(f"the package {package} of {entry.name} is not installed")
    return folder


def shipped_folder(entry: ModelEntry) -> Path:
    """The folder of the plugin's package that holds the model's weights."""
    return package_folder(entry) / str(entry.card).partition(":")[2]


def user_folder(entry: ModelEntry) -> Path:
    """The folder of the user's own weights for a model, or for the one whose weights it has."""
    return home() / "weights" / (entry.trained_as)


def find(entry: ModelEntry, part: str) -> Part | None:
    """The weight file that counts: the user's, else the shipped; None where there is neither."""
    if entry.card is None:
        raise ValueError(f"{entry.name} needs no training")
    for origin, folder in (("user", user_folder(entry)), ("shipped", shipped_folder(entry))):
        path, card = folder / f"{part}.safetensors", folder / f"{part}.json"
        if path.is_file() and card.is_file():
            return Part(path, origin, _card(card))
    return None


def _card(path: Path) -> dict[str, Any]:
    try:
        card = json.loads(path.read_text())
        if isinstance(card["sha256"], str):
            return dict(card)
    except (ValueError, KeyError, TypeError):
        pass
    raise ForensicsError(
        f"the card {path} is damaged: install the plugin again, or delete the card and its weights"
    )


def there(entry: ModelEntry) -> dict[str, Part]:
    """The model's parts that are there, by name."""
    found = {part: find(entry, part) for part in entry.parts}
    return {name: part for name, part in found.items() if part is not None}


def load(entry: ModelEntry, part: str) -> dict[str, Tensor]:
    """The tensors of a part in float32. Raises NotApplicable where there is no such file, and
    ForensicsError where its content is not what its card says."""
    import torch
    from safetensors.torch import load as parse

    found = find(entry, part)
    if found is None:
        raise NotApplicable(f"no weights for {part}: run `forensics train {entry.trained_as}`")
    content = found.path.read_bytes()
    if hashlib.sha256(content).hexdigest() != found.sha256:
        raise ForensicsError(
            f"{found.path} is not the file that its card describes: install the plugin again "
            "or delete both files"
        )
    return {
        name: tensor.to(torch.float32) if tensor.is_floating_point() else tensor
        for name, tensor in parse(content).items()
    }
