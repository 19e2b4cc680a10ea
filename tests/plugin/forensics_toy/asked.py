"""Estimators and localizers, and a step that leaves a mask."""

from dataclasses import dataclass, replace

import torch
from torch.nn.functional import avg_pool2d

from forensics import random
from forensics.jpeg import ZIGZAG, block_dct, standard_tables
from forensics.models.interfaces import (
    Belief,
    Detector,
    Estimate,
    Estimator,
    Heatmap,
    Layer,
    Localizer,
    Operation,
    Region,
    Scores,
    option,
)

QUALITIES = (60, 80, 90)


@dataclass(frozen=True)
class Quality(Estimator):
    """Which of three qualities puts the coefficients of the pixels nearest to its multiples."""

    def estimate(self, batch):
        coefficients = block_dct(batch.pixels[:, 0].double() - 128)
        tables = standard_tables(torch.tensor(QUALITIES), 1).to(batch.device).double()[:, :, None]
        steps = coefficients[:, None] / tables
        off = (steps - steps.round()).abs() * tables.clamp(max=8)
        shares = (-off.mean((2, 3, 4, 5))).softmax(1).float()
        return Estimate.of({"q": Belief(shares.new_tensor(QUALITIES), shares)})


@dataclass(frozen=True)
class Table(Estimator):
    """What the last table says, as if it were the first; and a name that no trace knows."""

    def estimate(self, batch):
        steps = batch.jpeg.tables[:, 0].flatten(1)[:, list(ZIGZAG[:2])].float()
        zeros = torch.zeros(len(batch), 2, device=batch.device)
        return Estimate(("step1", "step2", "r", "mood"), torch.cat([steps, zeros], 1))


@dataclass(frozen=True)
class Everything(Detector, Estimator, Localizer):
    """Local variance of differences, as a score, a class of three and a map."""

    blind: bool = option(False, "answer none")
    breaks: str = option("", "what to break")
    halves: bool = option(False, "halve the answer")

    def heat(self, batch):
        x = batch.pixels.double()
        energy = (x[:, :, 1:, 1:] - x[:, :, :-1, 1:] - x[:, :, 1:, :-1] + x[:, :, :-1, :-1]) ** 2
        energy = torch.nn.functional.pad(energy, (1, 0, 1, 0), mode="replicate")
        return avg_pool2d(energy, 8)[:, 0].float()

    def score(self, batch):
        return Scores(self.heat(batch).amax((1, 2)))

    def estimate(self, batch):
        found = (self.heat(batch).mean((1, 2)) / 40).clamp(max=2).floor()[:, None]
        if self.breaks == "infinite":
            found = found / 0
        return Estimate(("which", "what") if self.breaks == "shape" else ("which",), found)

    def localize(self, batch):
        heat = self.heat(batch)
        scores = heat.amax((1, 2))
        if self.breaks:
            heat = heat[:-1] if self.breaks == "shape" else heat / 0
        if self.halves:
            right = torch.zeros_like(heat)
            right[:, :, heat.shape[2] // 2 :] = 1
            layers = {
                "region": Layer(right, "number", ("0", "1")),
                "heat": Layer(heat, "grey levels"),
                "step": Layer(3 + 4 * right, "first step"),
            }
            pixels = 64 * int(heat[0].numel() - right[0].sum()), 64 * int(right[0].sum())
            said = ({"step1": 3 + n, "step2": 5, "r": n} for n in range(2))
            halves = map(Region, pixels, said, (None, "moot"))
            return Heatmap(heat, 8, 4, scores, None, layers, (tuple(halves),) * len(batch))
        if not self.blind:
            return Heatmap(heat, 8, 4, scores)
        return Heatmap(heat, 8, 4, scores * float("nan"), ("blind",) * len(batch))


@dataclass(frozen=True)
class Grainy(Estimator):
    """How probable each of three classes is, by the mean difference of neighbours."""

    silent: bool = option(False, "state no belief")

    def estimate(self, batch):
        grain = batch.luma().diff().abs().mean((1, 2))
        shares = (-((grain[:, None] - grain.new_tensor([6.0, 12.0, 2.0])) ** 2) / 9).softmax(1)
        found = Estimate.of({"which": Belief(torch.arange(3.0, device=batch.device), shares)})
        return replace(found, beliefs={}) if self.silent else found


@dataclass(frozen=True)
class Paste(Operation):
    """Noise in a square in the middle of the tile."""

    side: int

    def apply(self, batch):
        h, w = batch.size
        top, left = (h - self.side) // 2, (w - self.side) // 2
        where = (slice(None), slice(top, top + self.side), slice(left, left + self.side))
        mask = torch.zeros(len(batch), h, w, dtype=torch.bool, device=batch.device)
        mask[where] = True
        size = (batch.pixels.shape[1], self.side, self.side)
        noise = random.normal(batch.keys, "toy-paste", size) * 12 + 128
        pixels = batch.pixels.clone()
        pixels[(slice(None), *where)] = noise.clamp(0, 255).to(torch.uint8)
        return replace(batch.with_pixels(pixels), mask=mask)
