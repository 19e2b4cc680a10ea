"""Spliced regions in training: of other photographs of the pool, drawn by the crop's key."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data as pictures

from forensics import data
from forensics.errors import ForensicsError
from forensics.training import NetworkRecipe, Phase
from forensics.training.generator import Generator, Pool


@dataclass(frozen=True)
class Spliced(NetworkRecipe):
    trace: str = "splice-two"
    phases: ClassVar[tuple[Phase, ...]] = (Phase(1, 16, 4, 1e-3),)
    part: ClassVar[str] = "spliced"

    def draws(self):
        return {"q1": [75], "qd": [65, 95], "qe": [85], "q2": [90]}

    def network(self):
        raise NotImplementedError

    loss = validate = network


@pytest.fixture
def pool(tmp_path):
    """Four flat photographs of four grey levels, with a little texture, and a small one."""
    texture = pictures.camera()[:160, :200] // 64
    for number in range(4):
        Image.fromarray(texture + np.uint8(50 * number + 20)).save(tmp_path / f"{number}.png")
    Image.fromarray(texture[:40, :40]).save(tmp_path / "small.png")
    return Pool(data.resolve(str(tmp_path)), False, torch.device("cpu"))


def test_they_come_from_other_photographs(pool):
    keys = torch.arange(300)
    numbers = pool.fitting(100)[torch.arange(300) % 4]
    two = pool.others(numbers, 100, keys, 2)
    own = [pool.names[n] for n in numbers.tolist()]
    seen = set()
    for a, b, c in zip(own, two[0].photographs, two[1].photographs, strict=True):
        assert len({a, b, c}) == 3
        seen.add((a, b, c))
    assert len(seen) == 4 * 3 * 2
    # A function of the key: alone as among others.
    alone = pool.others(numbers[7:8], 100, keys[7:8], 2)
    for one, many in zip(alone, two, strict=True):
        assert torch.equal(one.pixels[0], many.pixels[7])
    assert pool.others(numbers, 100, keys, 0) == []
    with pytest.raises(ForensicsError, match="regions from 4 other photographs, and 4 of the"):
        pool.others(numbers, 100, keys, 4)


def test_examples_hold_the_regions_that_their_masks_show(pool):
    generator = Generator(Spliced(), pool)
    example = generator.example(seed=0, step=3, side=32, count=12)
    mask = example.masks["altered"]
    assert not example.masks["pristine"].any()
    assert mask.shape == (12, 32, 32)
    assert (mask.double().mean((1, 2)) > 0.08).all()
    # The photographs differ by 50 levels, which no JPEG here hides.
    pristine, altered = (example.sides[s].pixels[:, 0].int() for s in ("pristine", "altered"))
    changed = (pristine - altered).abs() > 25
    assert ((changed == mask).double().mean((1, 2)) > 0.97).all()
    for batch in example.sides.values():
        assert (batch.mask, batch.donors, batch.window) == (None, None, None)
    (even,) = generator.evenly(side=32, count=6, batch=6)
    assert even.masks["altered"].any(2).any(1).all()
