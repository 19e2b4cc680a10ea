"""Recipes whose model tells classes apart: the sides of a trace, or the values of a target."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from typing import ClassVar

import torch
from sklearn.metrics import roc_auc_score
from torch import Tensor, nn

from forensics.batch import Batch
from forensics.errors import ForensicsError, unknown
from forensics.traces import draws
from forensics.traces.trace import Target
from forensics.training.recipe import Example, Recipe, trace_of

PRISTINE = "pristine"


class Classification(Recipe):
    """Which classes there are, which crops belong to them, and how well they are told apart."""

    #: the target of the trace whose values are the classes; "": the classes are the trace's sides
    target: ClassVar[str] = ""
    #: what chooses the network that is kept: log_likelihood (of the true classes, in nats: it has
    #: no ties, and is that of beliefs), accuracy or auc
    chosen_by: ClassVar[str] = "log_likelihood"

    @property
    def classes(self) -> tuple[float, ...]:
        """The values of the target in the order of the network's answers: those that are drawn,
        the numbers of its words, and its value for 'none' where the trace has a pristine side; the
        numbers of the sides where there is no target. Stored with the weights as `classes`.

        Raises ForensicsError where they cannot be known: then a recipe says them itself."""
        trace = trace_of(self)
        if not self.target:
            return tuple(float(number) for number in range(len(trace.sides)))
        target = self._target()
        if target.classes:
            return tuple(float(number) for number in range(len(target.classes)))
        columns = {
            name: column
            for draw in draws.parse(self.draws())
            if not isinstance(draw.choices, draws.Uniform)
            for name, column in draw.columns.items()
        }
        if target.name not in columns or target.derive:
            raise ForensicsError(
                f"the values of {self.target} are not listed in the draws of "
                f"{type(self).__name__}: say its classes in `classes`"
            )
        values = set(map(float, columns[target.name].tolist()))
        if target.none is not None and PRISTINE in trace.sides:
            values.add(target.none)
        return tuple(sorted(values))

    @property
    def nothing(self) -> int | None:
        """The place among the classes of the one to which nothing was done; None where there is
        none. Two classes have one in any case: the first."""
        trace = trace_of(self)
        none = self._target().none if self.target else None
        if none is not None and none in self.classes:
            return self.classes.index(none)
        if not self.target and PRISTINE in trace.sides:
            return trace.sides.index(PRISTINE)
        return 0 if len(self.classes) == 2 else None

    @property
    def evenly(self) -> tuple[str, ...]:
        return (self.target,) if self.target else ()

    @abstractmethod
    def inputs(self, batch: Batch) -> Tensor:
        """What the model sees of a batch, `[N, ...]` on its device: the same in a training and in
        use, so a model calls the same function."""

    def labels(self, example: Example, side: str) -> Tensor | None:
        """The places of the classes of the crops of a side, int64 `[N]`; None where they belong to
        none, as the pristine ones do where the target has no value for 'none'.

        Raises ForensicsError where a value is that of no class."""
        count, device = len(example.sides[side]), example.sides[side].device
        if not self.target:
            place = list(example.sides).index(side)
            return torch.full((count,), place, device=device)
        if self._target().name not in example.targets[side]:
            return None
        true = example.targets[side][self.target]
        known = torch.tensor(self.classes, dtype=torch.float64, device=device)
        apart, places = (true[:, None] - known).abs().min(1)
        if bool((apart > 1e-6).any()):
            odd = true[apart > 1e-6][0].item()
            listed = ", ".join(f"{value:g}" for value in self.classes)
            raise ForensicsError(f"{self.target}={odd:g} is none of the classes {listed}")
        return places

    def cases(self, example: Example, balanced: bool = True) -> tuple[Tensor, Tensor]:
        """The inputs of a batch, `[M, ...]`, and the places of their classes, int64 `[M]`: all
        sides of the same places.

        balanced: of the pristine side, whose crops are all of one class, only as many as the other
        classes have each.
        """
        labelled = {side: self.labels(example, side) for side in example.sides}
        found = {side: label for side, label in labelled.items() if label is not None}
        others = sum(len(label) for side, label in found.items() if side != PRISTINE)
        inputs, labels = [], []
        for side, label in found.items():
            seen, batch = self.inputs(example.sides[side]), len(label)
            if balanced and self.target and side == PRISTINE and others:
                count = max(1, min(batch, round(others / (len(self.classes) - 1))))
                kept = torch.arange(count, device=label.device) * batch // count
                seen, label = seen[kept], label[kept]
            inputs.append(seen)
            labels.append(label)
        if not labels:
            raise ForensicsError(f"no side of {trace_of(self).name} has a value of {self.target}")
        return torch.cat(inputs), torch.cat(labels)

    def logits(self, answers: Tensor) -> Tensor:
        """A network's answers as logits `[M, classes]`: of two classes it may give one, of the
        second class, `[M]` or `[M, 1]`. Raises ForensicsError for another shape."""
        count = len(self.classes)
        if count == 2 and (answers.ndim == 1 or answers.shape[1:] == (1,)):
            second = answers.reshape(-1)
            return torch.stack([torch.zeros_like(second), second], 1)
        if answers.ndim != 2 or answers.shape[1] != count:
            raise ForensicsError(
                f"the network of {type(self).__name__} answers {list(answers.shape)} where there "
                f"are {count} classes: [N, {count}] are wanted"
            )
        return answers

    def validate(self, network: nn.Module, examples: Iterable[Example]) -> dict[str, float]:
        """`figures` of all crops of all sides."""
        logits, labels = [], []
        for example in examples:
            inputs, places = self.cases(example, balanced=False)
            logits.append(self.logits(network(inputs)))
            labels.append(places)
        return self.figures(torch.cat(logits), torch.cat(labels))

    def figures(self, logits: Tensor, labels: Tensor) -> dict[str, float]:
        """Accuracy and log-likelihood, each class counted as much as the others, and the area under
        the ROC curve of 'something was done' where there is a class of nothing."""
        logs, labels = logits.double().log_softmax(1).cpu(), labels.cpu()
        counts = torch.bincount(labels, minlength=logs.shape[1])
        weights = (1.0 / counts.clamp(min=1).double())[labels]
        weights /= weights.sum()
        figures = {
            "accuracy": float((weights * (logs.argmax(1) == labels)).sum()),
            "log_likelihood": float((weights * logs.gather(1, labels[:, None])[:, 0]).sum()),
        }
        none = self.nothing
        if none is not None and 0 < counts[none] < len(labels):
            rest = [place for place in range(logs.shape[1]) if place != none]
            odds = logs[:, rest].logsumexp(1) - logs[:, none]
            figures["auc"] = float(roc_auc_score(labels.numpy() != none, odds.numpy()))
        if self.chosen_by not in figures:
            raise ForensicsError(
                f"{type(self).__name__} is chosen by {self.chosen_by}; there are "
                f"{', '.join(figures)}"
            )
        return {"objective": figures[self.chosen_by], **figures}

    def _target(self) -> Target:
        trace = trace_of(self)
        for target in trace.targets:
            if target.name == self.target:
                return target
        raise unknown(f"target of {trace.name}", self.target, [t.name for t in trace.targets])
