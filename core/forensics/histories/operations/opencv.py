"""Filters by OpenCV for a CPU, plane by plane."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from forensics.device import parallel_for

# The planes of a batch are shared out over the threads that torch may use; OpenCV's own would come
# on top of these. The setting is the process's.
cv2.setNumThreads(1)


def filtered(pixels: Tensor, act: Callable[[NDArray[np.uint8], int], Any]) -> Tensor:
    """uint8 `[N, C, H, W]` after `act`, which takes a plane `[H, W]` and its image's number."""
    images = pixels.contiguous().numpy()
    result = np.empty_like(images)

    def work(part: slice) -> None:
        for n in range(part.start, part.stop):
            for plane, into in zip(images[n], result[n], strict=True):
                into[:] = act(plane, n)

    parallel_for(work, len(images), images[:1].size)
    return torch.from_numpy(result)
