"""Where tensors are worked on: the device that a user names, or the best there is."""

from __future__ import annotations

import torch

from forensics.errors import ForensicsError


def choose(name: str | None = None) -> torch.device:
    """The device of that name; a GPU where there is one for None or `"auto"`. Raises
    ForensicsError where the device cannot be used."""
    if name is None or name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise ForensicsError(f"device {name} cannot be used ({reason}); try --device cpu") from None
    return device
