"""Inference: needs of models are checked before they are asked, their input is checked after."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import torch
from torch import Tensor

from forensics.batch import Batch
from forensics.bench.conditions import ESTIMATE, HEAT, SCORE, Query
from forensics.errors import NotApplicable
from forensics.images import Picture
from forensics.images.recovered import recovered
from forensics.metrics import confidence, mask_histogram
from forensics.models import selection
from forensics.models.beliefs import estimated
from forensics.models.entries import Needs
from forensics.models.interfaces import Attacker, Detector, Estimator, Localizer

T = TypeVar("T")


Asked = Attacker | Detector | Estimator | Localizer


@dataclass(frozen=True, eq=False)
class Answer:
    """The answers to a query. values: float32 `[N]` on the CPU, by the name of the rows, NaN
    where there is a reason; reasons: N, by the same names; evidence: of a localizer, N histograms
    (`MaskHistogram.pack`), of an estimator that states probabilities, N summaries of them
    (`confidence.pack`), by the same names; None where there is a reason."""

    values: dict[str, Tensor]
    reasons: dict[str, list[str | None]]
    evidence: dict[str, list[bytes | None]]


@functools.cache
def model(text: str, kind: str) -> Asked:
    """A model of this process, made once."""
    made = selection.model(text, kind).create()
    assert isinstance(made, Asked)
    return made


def attacked(name: str, batch: Batch) -> Batch:
    """The batch after an attack, by an attacker that sees neither mask nor donors. Raises
    NotApplicable where the attacker cannot act, ValueError where it breaks its contract."""
    attacker = model(name, "attacker")
    assert isinstance(attacker, Attacker)
    refusal = refused(attacker.needs, batch)
    if refusal:
        raise NotApplicable(refusal)

    def act(part: Batch) -> Batch:
        lent = _copy(part)
        result = attacker.apply(lent)
        _check_untouched(name, lent, part)
        return result

    shown = replace(batch, mask=None, donors=None, window=None)
    result = Batch.cat(_halving(act, shown))
    if result.pixels.shape != batch.pixels.shape or result.device != batch.device:
        raise ValueError(f"{name} gave pixels of another size or on another device")
    return replace(result, mask=batch.mask, donors=batch.donors, window=batch.window)


def answers(
    queries: Sequence[Query], batch: Batch, masks: Tensor, size: int
) -> dict[Query, Answer | str]:
    """What a model says of a batch, `size` patches at a time, as each of the kinds that it is asked
    as, or why it cannot be asked. An estimator that is asked as a detector too estimates once.

    masks: bool `[N, H, W]`, with which maps are compared. Sides are cut to the multiple that the
    model needs. Raises ValueError where the model breaks its contract.
    """
    needs = model(*queries[0]).needs
    batch = fitting(needs, batch)
    refusal = refused(needs, batch)
    if refusal:
        return dict.fromkeys(queries, refusal)
    height, width = batch.size
    parts: list[dict[Query, Answer | str]] = []
    for start in range(0, len(batch), size):
        part = batch[start : start + size]
        marked = masks[start : start + size, :height, :width]
        parts += _halving(functools.partial(_asked, queries), part, marked)
    return {query: _joined(query, [part[query] for part in parts]) for query in queries}


def _joined(query: Query, said: Sequence[Answer | str]) -> Answer | str:
    parts = [part for part in said if isinstance(part, Answer)]
    if len(parts) < len(said):
        return next(part for part in said if isinstance(part, str))
    if any(part.values.keys() != parts[0].values.keys() for part in parts):
        raise ValueError(f"{query.model} gave other names for other patches")
    return Answer(
        {name: torch.cat([part.values[name] for part in parts]) for name in parts[0].values},
        {name: [r for part in parts for r in part.reasons[name]] for name in parts[0].values},
        {name: [e for part in parts for e in part.evidence[name]] for name in parts[0].values},
    )


def fitting(needs: Needs, batch: Batch) -> Batch:
    """The batch with its last rows and columns cut off where a model needs a multiple."""
    height, width = (side - side % needs.multiple_of for side in batch.size)
    return batch if (height, width) == batch.size else batch.cut(0, 0, height, width)


def wants_jpeg(query: Query) -> bool:
    """Whether the model of a query needs coefficients."""
    return selection.model(query.model, query.kind).entry.needs.jpeg


def shown(needs: Needs, picture: Picture) -> Batch:
    """What a model is shown of a whole picture, by `analyze` and by `run --positive` alike.

    Gray as everything that models are trained and calibrated on, in colour where a model takes
    nothing else. A model that needs a JPEG gets the luma that the pixels of another file were
    decoded from, where they show it (`images.recovered`). The last rows and columns are cut off
    where it needs a multiple.
    """
    jpeg_before = recovered(picture) if needs.jpeg else None
    gray = picture.batch(color=False)
    if jpeg_before is not None:
        return fitting(needs, jpeg_before.batch(gray))
    only_color = 1 not in needs.channels and picture.pixels.shape[2] == 3
    return fitting(needs, picture.batch() if only_color else gray)


def refused(needs: Needs, batch: Batch) -> str | None:
    """Why a model cannot take such a batch, for n/a; None where it can."""
    return needs.refusal(batch.pixels.shape[1], *batch.size, batch.jpeg is not None)


def _asked(queries: Sequence[Query], batch: Batch, masks: Tensor) -> dict[Query, Answer | str]:
    lent = _copy(batch)  # one for all queries: what they have in common is computed once
    found: dict[Query, Answer | str] = {}
    for query in queries:
        try:
            found[query] = _asked_as(query, lent, masks)
        except NotApplicable as error:  # such as a part of its weights that is not there
            found[query] = str(error)
        _check_untouched(query.model, lent, batch)
    return found


def _asked_as(query: Query, batch: Batch, masks: Tensor) -> Answer:
    asked = model(*query)
    evidence: dict[str, Sequence[bytes | None]] = {}
    if query.kind == "detector":
        assert isinstance(asked, Detector)
        scores = asked.score(batch)
        values, reasons = {SCORE: scores.values}, scores.reasons
    elif query.kind == "estimator":
        assert isinstance(asked, Estimator)
        estimate = estimated(asked, batch)
        _check_shape(query.model, "values", estimate.values, (len(batch), len(estimate.names)))
        _check_finite(query.model, estimate.values)
        columns = zip(estimate.names, estimate.values.unbind(1), strict=True)
        values, reasons = {ESTIMATE + n: column for n, column in columns}, estimate.reasons
        for name, belief in estimate.beliefs.items():
            given = values[ESTIMATE + name]
            shape = (len(batch), len(belief.values))
            _check_shape(query.model, "probabilities", belief.shares, shape)
            evidence[ESTIMATE + name] = confidence.pack(given, belief)
    else:
        assert isinstance(asked, Localizer)
        heatmap = asked.localize(batch)
        values, reasons = {HEAT: heatmap.scores}, heatmap.reasons
        if heatmap.values.ndim != 3 or len(heatmap.values) != len(batch):
            raise ValueError(f"{query.model} gave no map for each patch")
        _check_finite(query.model, heatmap.values)
        evidence[HEAT] = [one.pack() for one in mask_histogram.evidence(heatmap, masks)]
    for given in values.values():
        _check_shape(query.model, "scores", given, (len(batch),))
    plain = {name: given.detach().to("cpu", torch.float32) for name, given in values.items()}
    why = {name: _reasons(given, reasons) for name, given in plain.items()}
    nothing: list[bytes | None] = [None] * len(batch)
    said = {
        name: [
            e if r is None else None
            for e, r in zip(evidence.get(name, nothing), why[name], strict=True)
        ]
        for name in plain
    }
    return Answer(plain, why, said)


def _check_shape(name: str, what: str, given: Tensor, shape: tuple[int, ...]) -> None:
    if given.shape != shape:
        raise ValueError(
            f"{name} gave {what} of shape {tuple(given.shape)} for {shape[0]} patches, "
            f"not {tuple(shape)}"
        )


def _check_finite(name: str, given: Tensor) -> None:
    """An infinite score has a rank; an infinite error or heat has no use."""
    if given.isinf().any():
        raise ValueError(f"{name} gave an infinite value")


def _reasons(values: Tensor, reasons: Sequence[str | None] | None) -> list[str | None]:
    """For each patch why it has no value, or None."""
    given = reasons or [None] * len(values)
    blank = torch.isnan(values).tolist()
    return [r or ("no answer" if b else None) for r, b in zip(given, blank, strict=True)]


def _halving(act: Callable[..., T], batch: Batch, *more: Tensor) -> list[T]:
    """The results of `act` on the batch and on `more`, which has a row a patch: one result, or
    those of its halves, in order, where the memory of a GPU is too small for the whole."""
    try:
        return [act(batch, *more)]
    except torch.OutOfMemoryError:
        if len(batch) == 1:
            raise
    torch.cuda.empty_cache()
    middle = len(batch) // 2
    halves = (slice(None, middle), slice(middle, None))
    return [
        result for half in halves for result in _halving(act, batch[half], *(m[half] for m in more))
    ]


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
    """Raises ValueError where a model changed its input, which other models need as it was."""
    pairs = zip(_tensors(lent), _tensors(batch), strict=True)
    if not all(torch.equal(a, b) for a, b in pairs):
        raise ValueError(f"{name} wrote into its input")


def _tensors(batch: Batch) -> Iterator[Tensor]:
    yield from (batch.pixels, batch.keys, batch.positions)
    if batch.origins is not None:
        yield batch.origins
    if batch.jpeg is not None:
        yield from (*batch.jpeg.coefficients, batch.jpeg.tables)
