"""The metrics of a detector on one cell: pristine scores against altered ones.

`auc`, `pe`, `pe_any` and the TPRs choose their thresholds on the patches that they judge, which
flatters ('chosen here'); `pe_cv` and `asr` choose on other photographs. Intervals are 95 %, of
1,000 resamples of photographs, the same on both sides.
"""

from __future__ import annotations

import numpy as np

from forensics.metrics.crossfit import asr, pe_cv
from forensics.metrics.curves import Scored, Sides, auc, pe, pe_any, tpr_at_fpr
from forensics.metrics.intervals import Floats, Value, estimate

# The false alarm rates, in per cent, of `tpr_at_fpr_1` and `tpr_at_fpr_5`.
FPR_PERCENT = (1, 5)


def detector_metrics(
    pristine: Scored, altered: Scored, clean: Scored | None, seed: int
) -> dict[str, Value]:
    """All metrics of a cell by name, in the order of tables.

    Names: `auc`, `pe`, `pe_any`, `pe_cv`, `tpr_at_fpr_1`, `tpr_at_fpr_5`, and `asr` in attacked
    cells. clean: the same altered patches before the attack, None in an unattacked cell.
    TPR at a false alarm rate f is n/a below 2 / f pristine patches. What cannot be computed is
    a `Value` with a reason, never an exception. Equal arguments give equal results.
    """
    results = _chosen_here(pristine, altered, seed)
    results["pe_cv"] = pe_cv(pristine, altered, seed)
    order = ["auc", "pe", "pe_any", "pe_cv", *(f"tpr_at_fpr_{p}" for p in FPR_PERCENT)]
    results = {name: results[name] for name in order}
    if clean is not None:
        results["asr"] = asr(pristine, clean, altered, seed)
    return results


def _chosen_here(pristine: Scored, altered: Scored, seed: int) -> dict[str, Value]:
    names = ["auc", "pe", "pe_any", *(f"tpr_at_fpr_{p}" for p in FPR_PERCENT)]
    sides = Sides.of(pristine, altered)
    reason = sides.empty()
    if reason is not None:
        return {name: Value(None, reason=reason) for name in names}

    def statistic(weights: Floats) -> Floats:
        curves = sides.curves(weights)
        rates = [tpr_at_fpr(curves, percent / 100) for percent in FPR_PERCENT]
        return np.stack([auc(curves), pe(curves), pe_any(curves), *rates])

    values = estimate(statistic, sides.photographs, seed, width=len(sides.values) + 1)
    results = dict(zip(names, values, strict=True))
    for percent in FPR_PERCENT:
        needed = 200 // percent
        if len(sides.scores[0]) < needed:
            results[f"tpr_at_fpr_{percent}"] = Value(
                None, reason=f"needs {needed} pristine patches"
            )
    return results
