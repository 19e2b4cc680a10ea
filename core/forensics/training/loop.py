"""The loop that trains every model, on CPU and GPU."""

from __future__ import annotations

import dataclasses
import math
import signal
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from torch import Tensor, nn

from forensics import random
from forensics.errors import ForensicsError
from forensics.training.budget import Budget
from forensics.training.export import Figures, State
from forensics.training.generator import Generator
from forensics.training.learner import learner
from forensics.training.prefetch import Take, prefetch, settle
from forensics.training.recipe import Example, Progress, Recipe
from forensics.training.runfiles import Checkpoint, Log

_ROWS = 200  # of the log, in all
_CHECKPOINT_SECONDS = 120.0


class Watch:
    """Follows a training; this one says nothing."""

    def at(self, done: float, text: str) -> None:
        """After every step: 0..1 of the whole, and what is being done."""

    def line(self, text: str) -> None:
        """A sentence, or a validation's figures."""


@dataclasses.dataclass
class Best:
    """The network to keep so far: of the last phase the one with the highest objective."""

    step: int
    figures: Figures
    state: State


@dataclasses.dataclass
class Tally:
    """What a phase took. patches: crops drawn; seconds: of making data, of waiting for it, of
    steps and of validations."""

    steps: int = 0
    patches: int = 0
    generating: float = 0.0
    waiting: float = 0.0
    stepping: float = 0.0
    validating: float = 0.0

    def card(self) -> dict[str, float]:
        """Steps, seconds of validation, patches a second of making data and of the steps, and the
        share of the time of the steps that they waited for data."""
        rates = {"generated": self.generating, "trained": self.stepping}
        return {
            "steps": self.steps,
            "validating_seconds": round(self.validating, 1),
            **{f"{k}_per_second": round(self.patches / (v or 1.0), 1) for k, v in rates.items()},
            "waiting": round(self.waiting / ((self.waiting + self.stepping) or 1.0), 3),
        }


class Training:
    """A training on its way: all that changes, and the files of the run."""

    def __init__(
        self,
        recipe: Recipe,
        budget: Budget,
        seed: int,
        generator: Generator,
        held_out: Generator,
        folder: Path,
        watch: Watch,
    ) -> None:
        self.recipe, self.budget, self.seed, self.watch = recipe, budget, seed, watch
        self.generator, self.held_out, self.device = generator, held_out, generator.pool.device
        self.checkpoint = Checkpoint(folder)
        self.validation = list(
            held_out.evenly(
                recipe.validation_crop, recipe.validation_crops, recipe.phases[-1].batch
            )
        )
        self.learner = learner(recipe, seed, self.device)
        self.step, self.seconds = 0, 0.0
        self.best: Best | None = None
        self.tallies = [Tally() for _ in recipe.phases]
        self.pending: dict[str, list[float]] = defaultdict(list)

    def content(self) -> dict[str, Any]:
        """All that changes, as tensors and plain values."""
        return {
            "step": self.step,
            "seconds": self.seconds,
            "learner": self.learner.content(),
            "best": None if self.best is None else {**vars(self.best)},
            "tallies": [dataclasses.asdict(tally) for tally in self.tallies],
            "pending": dict(self.pending),
        }

    def restore(self, content: dict[str, Any]) -> None:
        """Go on from what `content` gave."""
        self.step, self.seconds = content["step"], content["seconds"]
        self.learner.restore(content["learner"])
        self.best = Best(**content["best"]) if content["best"] else None
        self.tallies = [Tally(**tally) for tally in content["tallies"]]
        self.pending = defaultdict(list, content["pending"])

    def run(self, identity: dict[str, Any], log: Log) -> Best:
        """Train to the budget; the network with the best objective in the last phase.

        identity: goes into every checkpoint. Raises ForensicsError where the user stops it,
        after writing a checkpoint, and where the loss is no longer finite.
        """
        with prefetch(self.device, self._made) as take, _stoppable() as stop:
            saved = self.seconds
            started = time.perf_counter() - self.seconds
            now = self._progress()
            while now.total < 1.0 and not stop.is_set():
                self._step(now, take)
                self.seconds = time.perf_counter() - started
                before, now = now, self._progress()
                due = self._due(before, now)
                if due or int(before.total * _ROWS) < int(now.total * _ROWS):
                    self._log(log, before, self._validate(before) if due else {})
                    self.seconds = time.perf_counter() - started
                    now = self._progress()
                if due or self.seconds - saved > _CHECKPOINT_SECONDS:
                    self.checkpoint.write({**identity, **self.content()})
                    saved = self.seconds
                self.watch.at(now.total, f"phase {now.phase + 1}, step {self.step}")
            if now.total < 1.0:
                self.checkpoint.write({**identity, **self.content()})
                raise ForensicsError(
                    f"stopped after {self.step} steps and {self.seconds:.0f} seconds; "
                    "the same command with --resume goes on"
                )
            if self.best is None:  # a budget so short that the last phase never came
                self._keep(self.figures())
            assert self.best is not None
            return self.best

    def figures(self) -> Figures:
        """What the recipe measures on the validation crops, of the network as it is."""
        network = self.learner.network().eval()
        torch.manual_seed(random.key("validation"))
        with torch.no_grad():
            figures = self.recipe.validate(network, iter(self.validation))
        return {name: float(value) for name, value in figures.items()}

    def answers(self, state: State) -> tuple[Figures, list[Tensor]]:
        """The same with another state, which stays in the network; and all that the network gave,
        in order."""
        given: list[Tensor] = []

        def keep(module: nn.Module, arguments: Any, output: Any) -> None:
            several = output if isinstance(output, tuple) else (output,)
            given.extend(o.detach().cpu() for o in several if isinstance(o, Tensor))

        network = self.learner.network()
        network.load_state_dict(state)
        hook = network.register_forward_hook(keep)
        try:
            return self.figures(), given
        finally:
            hook.remove()

    def _progress(self) -> Progress:
        return self.budget.progress(self.step, self.seconds, self.recipe.phases)

    def _due(self, before: Progress, now: Progress) -> bool:
        often = self.recipe.validations
        return now.phase != before.phase or int(before.total * often) < int(now.total * often)

    def _made(self, step: int, phase: int) -> Example:
        chosen = self.recipe.phases[phase]
        return self.generator.example(self.seed, step, chosen.crop, chosen.batch)

    def _step(self, now: Progress, take: Take) -> None:
        tally = self.tallies[now.phase]
        began = time.perf_counter()
        example, seconds = take(self.step, now.phase)
        made = time.perf_counter()
        parts = self.learner.step(example, now)
        settle(self.device)
        done = time.perf_counter()
        self.step += 1
        tally.steps += 1
        tally.patches += self.recipe.phases[now.phase].batch
        tally.generating += seconds
        tally.waiting += made - began
        tally.stepping += done - made
        waiting = (made - began) / (done - began)
        for name, part in {**parts, "waiting": waiting}.items():
            self.pending[name].append(float(part))

    def _validate(self, before: Progress) -> Figures:
        began = time.perf_counter()
        figures = self.figures()
        settle(self.device)
        self.tallies[before.phase].validating += time.perf_counter() - began
        if before.phase == len(self.recipe.phases) - 1:
            self._keep(figures)
        shown = "  ".join(f"{name} {value:.4g}" for name, value in figures.items())
        self.watch.line(f"{self.seconds:7.0f} s  step {self.step}  val: {shown}")
        return figures

    def _keep(self, figures: Figures) -> None:
        if self.best is None or self.learner.last or _rank(figures) > _rank(self.best.figures):
            network = self.learner.network()
            state = {k: v.detach().cpu().clone() for k, v in network.state_dict().items()}
            self.best = Best(self.step, figures, state)

    def _log(self, log: Log, at: Progress, figures: Figures) -> None:
        parts = {name: _shown(name, values) for name, values in self.pending.items()}
        self.pending.clear()
        measured = {f"val {name}": value for name, value in figures.items()}
        row = {"step": self.step, "seconds": round(self.seconds, 1), "phase": at.phase + 1}
        log.add({**row, **parts, **measured})


def _shown(name: str, values: list[float]) -> float:
    """Over the steps since the last row: the mean, but of what has a state the last."""
    return values[-1] if name in ("rate", "rows") else sum(values) / len(values)


def _rank(figures: Figures) -> float:
    objective = figures["objective"]
    return -math.inf if math.isnan(objective) else objective


@contextmanager
def _stoppable() -> Iterator[threading.Event]:
    """An event that Ctrl-C or a termination sets, so that the step at hand is finished first; a
    second one ends at once."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    former = {int(n): signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)}

    def ask(number: int, frame: FrameType | None) -> None:
        stop.set()
        signal.signal(number, former[number])

    for number in former:
        signal.signal(number, ask)
    try:
        yield stop
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
