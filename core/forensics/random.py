"""Counter-based random numbers: a pure function of keys and a name, the same on every device.

A patch's noise must not depend on the batch that it travels in, on the order of work or on the
device, so there is no generator with a state. Integers come from SplitMix64 (Steele, Lea and
Flood, 2014, "Fast splittable pseudorandom number generators"), in int64 arithmetic that wraps
alike on CPU and GPU.
"""

from __future__ import annotations

import hashlib
import math

import torch
from torch import Tensor

GOLDEN = -7046029254386353131  # 0x9E3779B97F4A7C15 as a signed integer
_MIX_1 = -4658895280553007687  # 0xBF58476D1CE4E5B9
_MIX_2 = -7723592293110705685  # 0x94D049BB133111EB
ANGLE = 2.0 * math.pi * 2.0**-31  # the unit of 31-bit angles


def key(*parts: object) -> int:
    """A signed 64-bit key from anything with a stable text: seeds, hashes, positions, names."""
    text = "\x1f".join(str(part) for part in parts).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big", signed=True)


def _shift(x: Tensor, bits: int) -> Tensor:
    """Logical shift to the right; torch's is arithmetic."""
    return (x >> bits) & ((1 << (64 - bits)) - 1)


def splitmix(x: Tensor) -> Tensor:
    """SplitMix64's finalizer of int64. In plain operators, so that numba compiles it as well, for
    single numbers; the masks make shifts logical."""
    x = (x ^ ((x >> 30) & 0x3FFFFFFFF)) * _MIX_1
    x = (x ^ ((x >> 27) & 0x1FFFFFFFFF)) * _MIX_2
    return x ^ ((x >> 31) & 0x1FFFFFFFF)


def stream(keys: Tensor, name: str) -> Tensor:
    """int64 `[N]`: where the streams of that name begin for int64 keys `[N]`."""
    return splitmix(keys ^ key(name))


def bits(keys: Tensor, name: str, shape: tuple[int, ...] = ()) -> Tensor:
    """Random int64 `[N, *shape]` for int64 keys `[N]`; each name is a stream of its own."""
    counters = torch.arange(1, math.prod(shape) + 1, device=keys.device)
    counted = counters.expand(len(keys), -1)
    return _bits_at(stream(keys, name), counted).view(len(keys), *shape)


def _bits_at(streams: Tensor, counters: Tensor) -> Tensor:
    """Random int64 of the shape of the int64 `counters` `[N, ...]`: the numbers at these places of
    each stream."""
    start = streams.view(-1, *[1] * (counters.ndim - 1))
    return splitmix(start + counters * GOLDEN)


def integers(keys: Tensor, name: str, high: int, shape: tuple[int, ...] = ()) -> Tensor:
    """Integers in 0..high-1, int64 `[N, *shape]`, uniform to within high / 2**62."""
    return _shift(bits(keys, name, shape), 2) % high


def uniform(keys: Tensor, name: str, shape: tuple[int, ...] = ()) -> Tensor:
    """Float32 `[N, *shape]` in [0, 1), 24 random bits each."""
    return _shift(bits(keys, name, shape), 40).to(torch.float32) * 2.0**-24


def normal(keys: Tensor, name: str, shape: tuple[int, ...] = ()) -> Tensor:
    """Standard normal float32 `[N, *shape]`, by Box and Muller's transform of 32 + 31 bits."""
    return _normal(bits(keys, name, shape))


def normal_at(streams: Tensor, counters: Tensor) -> Tensor:
    """Standard normal float32 of the shape of the int64 `counters` `[N, ...]`: the numbers at
    these places of each of the N streams."""
    return _normal(_bits_at(streams, counters))


def _normal(word: Tensor) -> Tensor:
    radius = (_shift(word, 32).to(torch.float64) + 1.0) * 2.0**-32
    angle = (word & 0x7FFFFFFF).to(torch.float64) * ANGLE
    return box_muller(radius, angle)


def box_muller(radius: Tensor, angle: Tensor) -> Tensor:
    """Standard normal float32 of float64 `radius` in (0, 1] and `angle` in [0, 2 pi)."""
    return (torch.sqrt(-2.0 * torch.log(radius)) * torch.cos(angle)).to(torch.float32)
