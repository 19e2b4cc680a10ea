"""Memberships of codewords by a soft maximum on a CPU, compiled by numba: their sums, and the way
back, a site at a time, so that the memberships of one site alone ever exist."""

# numba infers the types of compiled functions from their arguments.
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math

import numpy as np
import torch
from numba import njit
from numpy.typing import NDArray
from torch import Tensor

from forensics.device import parallel_for

_WIDTH = 96  # 81 codewords, and what fills the processor's registers
_BASE = 1 / math.log(2.0)  # powers of 2 are what is computed
_NEVER = -1e30  # the logit of a codeword that fills up
_OFTEN = 256  # sites summed in single precision
# 2^f for f from -1 to 0, to 3e-7: the interpolation at 200 Chebyshev points, by least squares.
_AT = -np.cos((np.arange(200) + 0.5) * np.pi / 200) / 2 - 0.5
_C0, _C1, _C2, _C3, _C4, _C5 = map(
    np.float32, np.polynomial.polynomial.polyfit(_AT, 2.0**_AT, 5, w=2.0**-_AT)
)


@njit(cache=True, nogil=True, fastmath=True, inline="always")
def _members(site, w, b, logit, bits, powers, p):
    """p: 2^(logit - the highest) of every codeword; returns its sum."""
    for k in range(96):
        logit[k] = (
            b[k] + site[0] * w[0, k] + site[1] * w[1, k] + site[2] * w[2, k] + site[3] * w[3, k]
        )
    highest = np.float32(-3e38)
    for k in range(96):
        highest = max(highest, logit[k])
    for k in range(96):
        below = max(logit[k] - highest, np.float32(-120.0))
        whole = np.int32(below)
        f = below - np.float32(whole)
        p[k] = _C0 + f * (_C1 + f * (_C2 + f * (_C3 + f * (_C4 + f * _C5))))
        bits[k] = (whole + np.int32(127)) << np.int32(23)  # the exponent of a float of 32 bits
    total = np.float32(0)
    for k in range(96):
        p[k] = p[k] * powers[k]
        total += p[k]
    return total


@njit(cache=True, nogil=True, fastmath=True)
def _sums(sites, cells, w, b, out):
    """out, float64 `[cells, 96]`: memberships added, those of site i to row cells[i]."""
    logit, p, part = np.empty(96, np.float32), np.empty(96, np.float32), np.zeros(96, np.float32)
    bits = np.empty(96, np.int32)
    powers = bits.view(np.float32)
    count = len(sites)
    for i in range(count):
        total = _members(sites[i], w, b, logit, bits, powers, p)
        share = np.float32(1) / total
        for k in range(96):
            part[k] += p[k] * share
        if i + 1 == count or cells[i + 1] != cells[i] or i & 255 == 255:
            for k in range(96):
                out[cells[i], k] += part[k]
                part[k] = np.float32(0)


@njit(cache=True, nogil=True, fastmath=True)
def _back(sites, w, b, upstream, to_sites, to_w, to_b):
    """The gradients of the sum over sites of the memberships' product with upstream `[96]`."""
    logit, p, bits = np.empty(96, np.float32), np.empty(96, np.float32), np.empty(96, np.int32)
    powers = bits.view(np.float32)
    part = np.zeros((5, 96), np.float32)
    count = len(sites)
    for i in range(count):
        total = _members(sites[i], w, b, logit, bits, powers, p)
        share = np.float32(1) / total
        mean = np.float32(0)
        for k in range(96):
            mean += p[k] * upstream[k]
        mean *= share
        r0, r1, r2, r3 = sites[i, 0], sites[i, 1], sites[i, 2], sites[i, 3]
        a0, a1, a2, a3 = np.float32(0), np.float32(0), np.float32(0), np.float32(0)
        for k in range(96):
            d = p[k] * share * (upstream[k] - mean)
            a0 += d * w[0, k]
            a1 += d * w[1, k]
            a2 += d * w[2, k]
            a3 += d * w[3, k]
            part[0, k] += d * r0
            part[1, k] += d * r1
            part[2, k] += d * r2
            part[3, k] += d * r3
            part[4, k] += d
        to_sites[i, 0], to_sites[i, 1], to_sites[i, 2], to_sites[i, 3] = a0, a1, a2, a3
        if i + 1 == count or i & 255 == 255:
            for k in range(96):
                for j in range(4):
                    to_w[j, k] += part[j, k]
                to_b[k] += part[4, k]
            part[:] = 0


Floats = NDArray[np.float32]


def _tables(weight: Tensor, bias: Tensor, alpha: float) -> tuple[Floats, Floats]:
    """Codewords as columns, float32 `[4, 96]`, and biases, of logits to the base of 2."""
    w, b = np.zeros((4, _WIDTH), np.float32), np.full(_WIDTH, _NEVER, np.float32)
    w[:, : len(weight)] = weight.detach().T.numpy() * (alpha * _BASE)
    b[: len(bias)] = bias.detach().numpy() * (alpha * _BASE)
    return w, b


def fits(sites: Tensor, weight: Tensor) -> bool:
    """Whether these are computed here: single precision, four residuals, up to 96 codewords."""
    shape = sites.shape[-1] == weight.shape[1] == 4 and len(weight) <= _WIDTH
    return shape and sites.dtype == weight.dtype == torch.float32


def sums(sites: Tensor, weight: Tensor, bias: Tensor, alpha: float, cells: Tensor) -> Tensor:
    """Memberships of sites `[S, 4]` added up by cells, int64 `[S]`: float64 `[cells, K]`."""
    count = int(cells.max()) + 1
    out = np.zeros((count, _WIDTH))
    w, b = _tables(weight, bias, alpha)
    _sums(np.ascontiguousarray(sites.detach().numpy()), cells.numpy(), w, b, out)
    return torch.from_numpy(out)[:, : len(weight)]


def means(sites: Tensor, weight: Tensor, bias: Tensor, alpha: float) -> Tensor:
    """The mean memberships of sites `[N, S, 4]`, float32 `[N, K]`."""
    rows = np.ascontiguousarray(sites.detach().numpy())
    w, b = _tables(weight, bias, alpha)
    out, cells = np.zeros((len(rows), 1, _WIDTH)), np.zeros(rows.shape[1], np.int64)

    def part(some: slice) -> None:
        for image in range(len(rows))[some]:
            _sums(rows[image], cells, w, b, out[image])

    parallel_for(part, len(rows), _WIDTH * rows.shape[1])
    return (torch.from_numpy(out[:, 0, : len(weight)]) / rows.shape[1]).float()


def gradients(
    upstream: Tensor, sites: Tensor, weight: Tensor, bias: Tensor, alpha: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Of `means`, for upstream `[N, K]`: those of sites, weight and bias."""
    rows = np.ascontiguousarray(sites.detach().numpy())
    w, b = _tables(weight, bias, alpha)
    slopes = np.zeros((len(rows), _WIDTH), np.float32)
    slopes[:, : len(weight)] = upstream.numpy() * (alpha / rows.shape[1])
    to_sites = np.empty_like(rows)
    to_w, to_b = np.zeros((len(rows), 4, _WIDTH)), np.zeros((len(rows), _WIDTH))

    def part(some: slice) -> None:
        for image in range(len(rows))[some]:
            _back(rows[image], w, b, slopes[image], to_sites[image], to_w[image], to_b[image])

    parallel_for(part, len(rows), _WIDTH * rows.shape[1])
    to_sites *= np.float32(1 / (alpha * _BASE))  # the columns were scaled by it
    found = to_w.sum(0).T[: len(weight)], to_b.sum(0)[: len(weight)]
    moved = [torch.from_numpy(part.astype(np.float32)) for part in found]
    return torch.from_numpy(to_sites), moved[0], moved[1]
