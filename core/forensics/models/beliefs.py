"""Every estimator with beliefs is a detector too: of 'something' against 'nothing was done'.

`entries.BeliefEntry` is how it is registered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from forensics.batch import Batch
from forensics.errors import NotApplicable
from forensics.models.interfaces import Belief, Detector, Estimate, Estimator, Scores

SILENT = "it states no probabilities"


@dataclass(frozen=True)
class BeliefDetector(Detector):
    """Scores are log odds: of all values of a target but `Target.none` against this one, by the
    estimator's belief; of several targets the largest. none: these values, by target."""

    estimator: Estimator
    none: tuple[tuple[str, float], ...]

    def score(self, batch: Batch) -> Scores:
        """Raises NotApplicable where the estimator states no belief of a target with a value for
        'none', or none of this value."""
        return log_odds(estimated(self.estimator, batch), dict(self.none))


def estimated(estimator: Estimator, batch: Batch) -> Estimate:
    """What an estimator says, asked once about a batch though it is asked as a detector too."""
    entry = estimator._entry
    key = "estimate", entry.name if entry else "", estimator
    return batch.once(key, lambda: estimator.estimate(batch))


def log_odds(estimate: Estimate, none: Mapping[str, float]) -> Scores:
    """Scores of N estimates. none: by target, the value that says that nothing was done."""
    odds = [_odds(estimate.beliefs[name], none[name]) for name in none if name in estimate.beliefs]
    told = [one for one in odds if one is not None]
    if not told:
        raise NotApplicable(SILENT)
    values = torch.stack(told).amax(0).to(torch.float32)
    reasons = estimate.reasons
    if reasons is not None:
        blank = torch.tensor([reason is not None for reason in reasons], device=values.device)
        values = values.masked_fill(blank, torch.nan)
    return Scores(values, reasons)


def _odds(belief: Belief, none: float) -> Tensor | None:
    """`[N]`; None where the value for 'none' is not among the stated ones."""
    is_none = torch.isclose(belief.values, belief.values.new_tensor(none))
    if not bool(is_none.any()):
        return None
    shares = belief.shares.double()
    least = torch.finfo(torch.float32).tiny  # a share of 0 has no logarithm
    logs = [shares[:, part].sum(1).clamp_min(least).log() for part in (~is_none, is_none)]
    return logs[0] - logs[1]
