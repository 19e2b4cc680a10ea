"""A filter of 3 x 3 that takes a JPEG back to the photograph."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn

from forensics.training import NetworkRecipe, Phase


class Filter(nn.Module):
    def __init__(self):
        super().__init__()
        self.filter = nn.Conv2d(1, 1, 3, padding=1, padding_mode="replicate")
        self.drop = nn.Dropout(0.1)

    def forward(self, x):
        return x + self.filter(self.drop(x))


@dataclass(frozen=True)
class Tiny(NetworkRecipe):
    quality: int = 60
    explode: int = -1

    trace: ClassVar[str] = "jpeg"
    phases: ClassVar[tuple[Phase, ...]] = (Phase(1, 16, 4, 1e-2), Phase(2, 24, 8, 5e-3))
    validation_crop: ClassVar[int] = 24
    validation_crops: ClassVar[int] = 6
    limits: ClassVar[tuple[str, ...]] = ("a toy",)

    @property
    def part(self):
        return f"tiny-{self.quality}"

    def draws(self):
        return {"q": [self.quality]}

    def network(self):
        return Filter()

    def schedule(self, progress):
        return 1.0 - 0.5 * progress.within

    def loss(self, network, example, progress):
        photograph = example.sides["pristine"].pixels / 255
        # Noise from torch's own generator: a resumed run has to draw the same.
        noisy = example.sides["altered"].pixels / 255 + 0.001 * torch.randn_like(photograph)
        error = (network(noisy) - photograph).square().mean()
        if progress.step == self.explode:
            error = error / 0.0
        return error, {"error": error.item()} if progress.phase else {}

    def validate(self, network, examples):
        errors = []
        for example in examples:
            output = network(example.sides["altered"].pixels / 255)
            errors.append((output - example.sides["pristine"].pixels / 255).square().mean())
        return {"objective": -torch.stack(errors).mean().item(), "batches": len(errors)}
