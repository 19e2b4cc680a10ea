"""What changes in a training: a network under an optimiser, or the features for a fit."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from forensics import random
from forensics.errors import ForensicsError
from forensics.training.recipe import Example, FittedRecipe, NetworkRecipe, Progress, Recipe


class Learner(ABC):
    """Takes one example a step, and has a network to show at any time.

    last: whether the last network is the one to keep, as it has seen the most; else it is the one
    with the highest objective.
    """

    last: ClassVar[bool] = False

    @abstractmethod
    def step(self, example: Example, now: Progress) -> dict[str, float]:
        """Learn from a batch; figures for the log. Raises ForensicsError where it cannot."""

    @abstractmethod
    def network(self) -> nn.Module:
        """What is judged and kept, as learnt so far."""

    @abstractmethod
    def content(self) -> dict[str, Any]:
        """All that changes, as tensors and plain values."""

    @abstractmethod
    def restore(self, content: dict[str, Any]) -> None:
        """Go on from what `content` gave."""


def learner(recipe: Recipe, seed: int, device: torch.device) -> Learner:
    """The learner of a recipe's kind."""
    if isinstance(recipe, FittedRecipe):
        return Fitted(recipe, device)
    assert isinstance(recipe, NetworkRecipe)
    return Descent(recipe, seed, device)


class Descent(Learner):
    """A network that follows the gradient of its recipe's loss, and the mean of its weights."""

    def __init__(self, recipe: NetworkRecipe, seed: int, device: torch.device) -> None:
        self.recipe, self.seed = recipe, seed
        torch.manual_seed(random.key("network", seed))
        self.moving = recipe.begun().to(device)
        self._constrain(self.moving)
        first = recipe.phases[0].rate
        self.optimiser = recipe.optimiser(self.moving, first)
        self.ratios = [group["lr"] / first for group in self.optimiser.param_groups]
        self.mean = self._averaged() if recipe.averaging else None

    def _averaged(self) -> AveragedModel:
        if not 0 < self.recipe.averaging < 1:
            raise ForensicsError(
                f"averaging is a decay between 0 and 1, not {self.recipe.averaging:g}"
            )
        return AveragedModel(self.moving, use_buffers=True)

    @torch.no_grad()
    def _constrain(self, network: nn.Module) -> None:
        self.recipe.constrain(network)

    def step(self, example: Example, now: Progress) -> dict[str, float]:
        rate = self.recipe.phases[now.phase].rate * self.recipe.schedule(now)
        for group, ratio in zip(self.optimiser.param_groups, self.ratios, strict=True):
            group["lr"] = ratio * rate
        # Whatever a recipe draws from torch depends on the step alone, so a resumed run agrees.
        torch.manual_seed(random.key("step", self.seed, now.step))
        self.moving.train()
        self.optimiser.zero_grad(set_to_none=True)
        loss, parts = self.recipe.loss(self.moving, example, now)
        value = loss.item()
        if not math.isfinite(value):
            raise ForensicsError(
                f"the loss is {value} at step {now.step}; --resume goes on from the last "
                "checkpoint, and a smaller learning rate may help"
            )
        loss.backward()
        self.optimiser.step()
        self._constrain(self.moving)
        if self.mean is not None:
            # Early steps are forgotten sooner, or the mean would remember the network's beginning.
            decay = min(self.recipe.averaging, (1 + now.step) / (10 + now.step))
            self.mean.multi_avg_fn = get_ema_multi_avg_fn(decay)
            self.mean.update_parameters(self.moving)
            # Whole numbers, such as counts and indices, have no mean: torch truncates theirs.
            for kept, given in zip(self.mean.module.buffers(), self.moving.buffers(), strict=True):
                if not kept.is_floating_point():
                    kept.copy_(given)
            self._constrain(self.mean.module)
        return {"rate": self.optimiser.param_groups[0]["lr"], "loss": value, **parts}

    def network(self) -> nn.Module:
        return self.moving if self.mean is None else self.mean.module

    def content(self) -> dict[str, Any]:
        return {
            "network": self.moving.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "mean": None if self.mean is None else self.mean.state_dict(),
        }

    def restore(self, content: dict[str, Any]) -> None:
        self.moving.load_state_dict(content["network"])
        self.optimiser.load_state_dict(content["optimiser"])
        if self.mean is not None:
            self.mean.load_state_dict(content["mean"])


class Fitted(Learner):
    """Features of all examples so far, on the CPU, and what was last fitted to them."""

    last: ClassVar[bool] = True

    def __init__(self, recipe: FittedRecipe, device: torch.device) -> None:
        self.recipe, self.device = recipe, device
        self.features: list[Tensor] = []
        self.labels: list[Tensor] = []
        self.fitted: tuple[int, nn.Module] | None = None

    def step(self, example: Example, now: Progress) -> dict[str, float]:
        with torch.no_grad():
            features, labels = self.recipe.rows(example)
        if not bool(features.isfinite().all()):
            raise ForensicsError(
                f"the features of step {now.step} are not all finite; a fit takes numbers"
            )
        self.features.append(features.float().cpu())
        self.labels.append(labels.cpu())
        return {"rows": float(sum(map(len, self.features)))}

    def network(self) -> nn.Module:
        """Fitted anew where there are more features than last time."""
        count = len(self.features)
        if self.fitted is None or self.fitted[0] != count:
            self.features, self.labels = [torch.cat(self.features)], [torch.cat(self.labels)]
            made = self.recipe.fit(self.features[0], self.labels[0])
            self.fitted = (1, made.to(self.device))
        return self.fitted[1]

    def content(self) -> dict[str, Any]:
        return {"features": self.features, "labels": self.labels}

    def restore(self, content: dict[str, Any]) -> None:
        self.features = [part.cpu() for part in content["features"]]
        self.labels = [part.cpu() for part in content["labels"]]
