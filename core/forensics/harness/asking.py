"""Asking models: what they need is looked at before, and what they did to their input after."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TypeVar

import torch
from torch import Tensor

from forensics import selection
from forensics.batch import Batch
from forensics.errors import NotApplicable
from forensics.interfaces import Attacker, Detector

T = TypeVar("T")


@functools.cache
def model(text: str, kind: str) -> Attacker | Detector:
    """A model of this process, made once."""
    made = selection.model(text, kind).create()
    assert isinstance(made, (Attacker, Detector))
    return made


def attacked(name: str, batch: Batch) -> Batch:
    """The batch after an attack, by an attacker that sees neither mask nor donors. Raises
    NotApplicable where the attacker cannot act, ValueError where it breaks its contract."""
    attacker = model(name, "attacker")
    assert isinstance(attacker, Attacker)
    refusal = attacker.needs.refusal(batch.pixels.shape[1], *batch.size, batch.jpeg is not None)
    if refusal:
        raise NotApplicable(refusal)

    def act(part: Batch) -> Batch:
        lent = _copy(part)
        result = attacker.apply(lent)
        _check_untouched(name, lent, part)
        return result

    shown = replace(batch, mask=None, donors=None, room=None)
    result = Batch.cat(_halving(act, shown))
    if result.pixels.shape != batch.pixels.shape or result.device != batch.device:
        raise ValueError(f"{name} gave pixels of another size or on another device")
    return replace(result, mask=batch.mask, donors=batch.donors, room=batch.room)


def scores(name: str, batch: Batch, size: int) -> tuple[Tensor, list[str | None]]:
    """The scores of a batch on the CPU, float32 `[N]`, `size` patches at a time, and why there
    is none. Raises ValueError where the detector breaks its contract."""
    detector = model(name, "detector")
    assert isinstance(detector, Detector)
    values: list[Tensor] = []
    reasons: list[str | None] = []
    for part in _parts(batch, size):
        refusal = detector.needs.refusal(part.pixels.shape[1], *part.size, part.jpeg is not None)
        if refusal:
            values.append(torch.full((len(part),), float("nan")))
            reasons += [refusal] * len(part)
            continue
        for given, why in _halving(functools.partial(_asked, name, detector), part):
            values.append(given)
            reasons += why
    together = torch.cat(values)
    unexplained = torch.isnan(together).tolist()
    return together, [
        reason or ("no score" if blank else None)
        for reason, blank in zip(reasons, unexplained, strict=True)
    ]


def _asked(name: str, detector: Detector, batch: Batch) -> tuple[Tensor, list[str | None]]:
    lent = _copy(batch)
    given = detector.score(lent)
    _check_untouched(name, lent, batch)
    if given.values.shape != (len(batch),):
        raise ValueError(f"{name} gave {tuple(given.values.shape)} scores for {len(batch)} patches")
    values = given.values.detach().to("cpu", torch.float32)
    return values, list(given.reasons or [None] * len(batch))


def _halving(act: Callable[[Batch], T], batch: Batch) -> list[T]:
    """What `act` makes of the batch; of its halves, in order, where a GPU's memory is too small
    for the whole."""
    try:
        return [act(batch)]
    except torch.OutOfMemoryError:
        if len(batch) == 1:
            raise
    torch.cuda.empty_cache()
    middle = len(batch) // 2
    return _halving(act, batch[:middle]) + _halving(act, batch[middle:])


def _parts(batch: Batch, size: int) -> Iterator[Batch]:
    for start in range(0, len(batch), size):
        yield batch[start : start + size]


def _copy(batch: Batch) -> Batch:
    jpeg = batch.jpeg
    if jpeg is not None:
        levels = tuple(c.clone() for c in jpeg.coefficients)
        jpeg = replace(jpeg, coefficients=levels, tables=jpeg.tables.clone())
    return replace(
        batch,
        pixels=batch.pixels.clone(),
        keys=batch.keys.clone(),
        positions=batch.positions.clone(),
        jpeg=jpeg,
        origins=None if batch.origins is None else batch.origins.clone(),
    )


def _check_untouched(name: str, lent: Batch, batch: Batch) -> None:
    """What was lent must come back as it was: a state is shared by all who need it."""
    pairs = zip(_tensors(lent), _tensors(batch), strict=True)
    if not all(torch.equal(a, b) for a, b in pairs):
        raise ValueError(f"{name} wrote into its input")


def _tensors(batch: Batch) -> Iterator[Tensor]:
    yield from (batch.pixels, batch.keys, batch.positions)
    if batch.origins is not None:
        yield batch.origins
    if batch.jpeg is not None:
        yield from (*batch.jpeg.coefficients, batch.jpeg.tables)
