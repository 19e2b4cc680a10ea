"""What the command line does, as calls: models by name, histories on batches."""

from __future__ import annotations

from typing import Any

from forensics.batch import Batch
from forensics.histories.history import History
from forensics.models import selection
from forensics.models.registry import MODEL_KINDS


def load(name: str) -> Any:
    """A model by its registered name, with options if need be: `load("ku2:relative=true")`.

    The model takes a `Batch`: `forensics.load("kl").score(forensics.open("photo.png").batch())`.
    Raises UnknownName, and ForensicsError for an option that the model does not have.
    """
    return selection.model(name, *MODEL_KINDS).create()


def models(*kinds: str) -> list[str]:
    """The names of all registered models, or of those of some kinds (`"detector"`, ...)."""
    return [str(m) for m in selection.models(["all"], *(kinds or MODEL_KINDS))]


def simulate(history: str, batch: Batch) -> Batch:
    """The batch after a history such as `"jpeg(60) crop(3,5) jpeg(90)"`; attackers are steps too.

    Raises ForensicsError where the text is no history or a step cannot take its arguments.
    """
    return History.parse(history).apply(batch)
