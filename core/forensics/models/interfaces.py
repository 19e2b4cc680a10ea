"""What a plugin implements: operations, attackers, detectors, estimators and localizers.

Nothing here imports torch when it runs, so that listing plugins is quick. Models are frozen
dataclasses whose fields are their options. The text of a registered model with its options
(`str(selection.Model)`, such as `ku2:relative=true`) is its identity on the command line, in YAML
and in tables; `selection.model` reads it back.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from forensics.batch import Batch
    from forensics.models.entries import ModelEntry, Needs


@dataclass(frozen=True, eq=False)
class Scores:
    """A detector's answer. values: float32 `[N]`, higher means altered, NaN where there is no
    answer; reasons: N texts, None where there is an answer (or None when all have one)."""

    values: Tensor
    reasons: tuple[str | None, ...] | None = None


@dataclass(frozen=True, eq=False)
class Belief:
    """How probable each value of a target is. values: float32 `[classes]`, each once, such as
    s.d.s, factors or steps; shares: float32 `[N, classes]`, which sum to 1."""

    values: Tensor
    shares: Tensor

    def most_probable(self) -> Tensor:
        """float32 `[N]`: of equally probable values the first."""
        return self.values[self.shares.argmax(1)]

    def mean(self) -> Tensor:
        """float32 `[N]`: the expectation, which has the least squared error."""
        return (self.shares * self.values).sum(1)


@dataclass(frozen=True, eq=False)
class Estimate:
    """An estimator's answer. values: float32 `[N, K]` for the K names of the trace's targets that
    it knows; beliefs: optional, by such a name, how probable each value is."""

    names: tuple[str, ...]
    values: Tensor
    beliefs: dict[str, Belief] = field(default_factory=dict)
    reasons: tuple[str | None, ...] | None = None

    @classmethod
    def of(
        cls, beliefs: Mapping[str, Belief], reasons: tuple[str | None, ...] | None = None
    ) -> Estimate:
        """The most probable value of each target; NaN for a patch with a reason."""
        import torch

        columns = [belief.most_probable() for belief in beliefs.values()]
        values = torch.stack(columns, 1)
        if reasons is not None:
            blank = torch.tensor([reason is not None for reason in reasons], device=values.device)
            values = values.masked_fill(blank[:, None], torch.nan)
        return cls(tuple(beliefs), values, dict(beliefs), reasons)


@dataclass(frozen=True, eq=False)
class Layer:
    """One more map over the cells of a heat map. values: float32 `[N, h, w]`, NaN where nothing is
    said; unit: what they count, for people; classes: where they are no amounts but numbers of
    classes, from 0, the names of these; scale: as that of a heat map."""

    values: Tensor
    unit: str = ""
    classes: tuple[str, ...] = ()
    scale: tuple[float, float] | None = None


@dataclass(frozen=True)
class Region:
    """A part of an image that a localizer tells from the rest. pixels: its area; values: what is
    said of it, by name; doubt: why these may mean nothing."""

    pixels: int
    values: Mapping[str, float]
    doubt: str | None = None


@dataclass(frozen=True, eq=False)
class Heatmap:
    """A localizer's answer. values: float32 `[N, h, w]`, higher means altered; the cell (i, j)
    stands for the pixel (offset + i * stride, offset + j * stride); scores: float32 `[N]`.

    layers: what else it has a map of, by name; regions: one tuple an image, or none at all. Where
    there are regions, the layer `region` says in which one a cell lies, by its place in the tuple;
    the first is the main one.

    unit: what the values are, for people, such as `probability`; scale: the values that pictures
    show as black and as white, the same for all images, where values have a meaning of their own:
    (0, 1) for probabilities, (-6, 6) for log odds. Without one a picture is stretched from its
    least to its greatest value, and says so."""

    values: Tensor
    stride: int
    offset: int
    scores: Tensor
    reasons: tuple[str | None, ...] | None = None
    layers: Mapping[str, Layer] = field(default_factory=dict)
    regions: tuple[tuple[Region, ...], ...] = ()
    unit: str = ""
    scale: tuple[float, float] | None = None

    @classmethod
    def of_windows(
        cls,
        values: Tensor,
        side: int,
        stride: int,
        scores: Tensor,
        reasons: tuple[str | None, ...] | None = None,
        unit: str = "",
        scale: tuple[float, float] | None = None,
    ) -> Heatmap:
        """The answers of windows of `side` x `side` pixels, `stride` apart from the first pixel
        on, float32 `[N, h, w]`: each stands for the middle of its window."""
        return cls(values, stride, side // 2, scores, reasons, unit=unit, scale=scale)


def option(default: Any, about: str) -> Any:
    """A field of a model or recipe that users may set as `name:field=value`.

    default: its value otherwise, whose type is the type that it takes; about: a line on it, which
    `forensics models NAME` prints.
    """
    return field(default=default, metadata={"about": about})


class NamedModel:
    """What every model is: one of the things that a plugin registers."""

    _entry: ModelEntry | None = None

    @property
    def entry(self) -> ModelEntry:
        """What it is registered as. Raises TypeError for a model that was made from its class, and
        not by its name (`forensics.load`)."""
        if self._entry is None:
            raise TypeError(f"{type(self).__name__} has no entry: make it by forensics.load(name)")
        return self._entry

    @property
    def needs(self) -> Needs:
        """What it asks of its input, as it is registered."""
        return self.entry.needs

    def network(
        self,
        part: str,
        build: Callable[[Mapping[str, Tensor]], nn.Module],
        device: torch.device,
    ) -> nn.Module:
        """The network of a weight file of the model, on the device, in `eval` mode and without
        gradients; made once.

        build: makes a network of the shapes of these tensors, which are then loaded into it.
        A classifier's network has the values of its classes as `classes`, float32 `[C]`, where
        its recipe stored them (`training.ClassifierRecipe`).
        Raises NotApplicable with the part's name where there is no such file.
        """
        from forensics.models.networks import network

        return network(self.entry, part, build, device)


class Operation(ABC):
    """One step of a history: a frozen dataclass, written there by its name and fields, such as
    `jpeg(75)`; the text of a history (`str(History)`) parses back.

    A field holds one number, or, once drawn, a tensor `[N]` (int64 or float64) with one value a
    patch. The batch has whole images, or tiles (`Batch.origins`), whose size no step but `crop`
    changes.
    """

    # Whether it moves pixels, so that its input and its output cannot be compared one by one.
    geometric: ClassVar[bool] = False
    # Whether what comes out is a JPEG, with coefficients and tables.
    makes_jpeg: ClassVar[bool] = False
    # Whether its field `history` takes a history, which arrives as one operation.
    holds_history: ClassVar[bool] = False

    def margin(self, color: bool) -> int:
        """How many pixels around a patch this step's border rule can reach."""
        return 0

    def align(self, color: bool) -> int:
        """The side of the blocks, from the tile's corner on, that it treats as one."""
        return 1

    def side_before(self, side: int, color: bool) -> int:
        """The side of the square of input that a square of output, in the middle of its tile,
        depends on."""
        return side + 2 * self.margin(color)

    def side_beside(self, side: int, color: bool) -> int:
        """The same of the tiles of other photographs that it takes regions from, for regions in a
        square of this side; 0 where it takes none."""
        return 0

    def square_before(self, side: int, patch: int, color: bool) -> int:
        """The side of the tile that it needs so that a square of output, in the middle, is right,
        around a patch of this side: whole blocks, and as much as of other photographs' tiles."""
        blocks = 2 * self.align(color)
        side = patch + -(-(side - patch) // blocks) * blocks
        return max(self.side_before(side, color), self.side_beside(patch, color))

    @abstractmethod
    def apply(self, batch: Batch) -> Batch:
        """The batch after this step. Raises NotApplicable with a reason where it cannot act."""


class Attacker(Operation, NamedModel):
    """An operation that hides traces: same size, uint8 pixels out. Implements `attack`."""

    @abstractmethod
    def attack(self, batch: Batch) -> Tensor:
        """uint8 `[N, C, H, W]` pixels, of the batch's size, on the batch's device."""

    def apply(self, batch: Batch) -> Batch:
        return batch.with_pixels(self.attack(batch))


class Detector(NamedModel, ABC):
    """Says whether something was done to each patch.

    It may have `score_windows(batch, side, stride) -> Tensor` as well: the scores of all windows of
    whole images, float32 `[N, h, w]`, NaN where there is none, quicker than one by one
    (`models.sliding`)."""

    @abstractmethod
    def score(self, batch: Batch) -> Scores:
        """One score a patch, higher = altered; a patch alone scores as it does in a batch."""


class Estimator(NamedModel, ABC):
    """Says with what parameters it was done."""

    @abstractmethod
    def estimate(self, batch: Batch) -> Estimate:
        """The parameters that it knows of, one row a patch."""


class Localizer(NamedModel, ABC):
    """Says where it was done."""

    @abstractmethod
    def localize(self, batch: Batch) -> Heatmap:
        """A map for each image."""
