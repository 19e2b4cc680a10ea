"""`affine(1.3,10,0.2)`: scale, rotation and shear in one interpolation."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from forensics.errors import ForensicsError
from forensics.histories.operations.parameters import reals, span
from forensics.histories.operations.warp import Rotate, Shear, Warp, warped

# The kernels by the order of their polynomials, as in scipy.ndimage and scikit-image.
_KERNELS = {0: "nearest", 1: "bilinear", 3: "bicubic"}


@dataclass(frozen=True)
class Affine(Warp):
    """Shear, then rotate, then scale, as one map of the plane: each a number or `[N]`.

    scale: new / old, 0.1..8; degrees: counter-clockwise, -360..360; shear: pixels a row, -2..2;
    order: of the kernel's polynomials, 0 (nearest), 1 (bilinear) or 3 (bicubic), or `[N]` of
    these. Three warps in a row would leave three traces and three low-passes. Never antialiased;
    size, borders and rounding as those of `rotate`.
    """

    scale: float | Tensor = 1.0
    degrees: float | Tensor = 0.0
    shear: float | Tensor = 0.0
    order: int | Tensor = 1

    def __post_init__(self) -> None:
        span(self.scale, "affine takes a scale new / old", 0.1, 8)
        span(self.degrees, "affine takes degrees", -360, 360)
        span(self.shear, "affine takes a shear", -2, 2)
        span(self.order, "affine takes an order", 0, 3)
        for order in torch.as_tensor(self.order).flatten().tolist():
            if order not in _KERNELS:
                raise ForensicsError(
                    f"affine takes the order 0, 1 or 3 of an interpolation, not {order:g}"
                )

    @property
    def kernel(self) -> str:  # type: ignore[override]
        """The widest of its kernels."""
        return _KERNELS[int(torch.as_tensor(self.order).max())]

    def matrices(self, count: int) -> Tensor:
        scale = reals(self.scale, count)[:, None, None]
        turned = Rotate(reals(self.degrees, count)).matrices(count)
        return scale * (turned @ Shear(reals(self.shear, count)).matrices(count))

    def interpolated(self, pixels: Tensor, lines: Tensor, kernel: str) -> Tensor:
        orders = torch.as_tensor(self.order).cpu().expand(len(pixels))
        if kernel != self.kernel or bool((orders == orders[0]).all()):
            return warped(pixels, lines, kernel)
        result = torch.empty_like(pixels)
        for order in orders.unique().tolist():
            mine = (orders == order).nonzero()[:, 0]
            there = mine.to(pixels.device)
            result[there] = warped(pixels[there], lines[mine], _KERNELS[order])
        return result
