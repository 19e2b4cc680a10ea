"""What a run shows to a detector, and a classifier that sees everything of it but image content."""

import zlib
from dataclasses import fields, is_dataclass
from unittest import mock

import numpy as np
import torch
from sklearn.feature_extraction import DictVectorizer
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.tree import DecisionTreeClassifier

from forensics import bench
from forensics.traces import crop

# Whose values are image content; their forms are not.
CONTENT = {"pixels", "jpeg.coefficients.0", "jpeg.coefficients.1", "jpeg.coefficients.2"}


def run(folder, out, trace, attack, **options):
    """(side, attacked, point) -> what the crop let out in one run, a batch a photograph; and the
    matrix. The detector is shown that, and nothing else."""
    from forensics_watch.models import SHOWN

    given = {"detectors": "watch", "attack": attack, "trace": trace, "data": str(folder)}
    plan = bench.make(bench.Settings.of(given | {"patch": 32, "limit": 8} | options))
    SHOWN.clear()
    cut, let_out = crop.cut, []

    def keeping(*given):
        let_out.append(cut(*given))
        return let_out[-1]

    with mock.patch.object(crop, "cut", keeping):
        matrix = bench.execute(plan, out)
    shown = torch.cat([batch.pixels for batch in SHOWN])
    assert torch.equal(shown, torch.cat([batch.pixels for batch in let_out]))
    conditions = [plan.conditions[digest] for digest in plan.wanted]
    seen = {}
    for number, batch in enumerate(let_out):
        condition = conditions[number % len(conditions)]
        named = {condition.trace.history(s): s for s in reversed(condition.trace.sides)}
        key = named[condition.template], condition.attacker is not None, condition.point
        seen.setdefault(key, []).append(batch)
    return seen, matrix


def form(thing, number, name=""):
    """Everything of one patch that is not image content, by name."""
    if is_dataclass(thing):
        found = {}
        for field in fields(thing):
            inner = f"{name}.{field.name}".lstrip(".")
            found |= form(getattr(thing, field.name), number, inner)
        return found
    if isinstance(thing, tuple) and not all(isinstance(t, str) for t in thing):
        return {
            k: v for i, t in enumerate(thing) for k, v in form(t, number, f"{name}.{i}").items()
        }
    if not isinstance(thing, torch.Tensor):
        one = thing[number] if isinstance(thing, tuple) else thing
        return {name: zlib.crc32(repr(one).encode())}
    found = {f"{name} shape {i}": s for i, s in enumerate(thing.shape[1:])}
    found |= {f"{name} stride {i}": s for i, s in enumerate(thing.stride()[1:])}
    found[f"{name} {thing.dtype} {thing.device}"] = 1
    if name not in CONTENT:
        values = thing[number].flatten().tolist()
        found |= {f"{name} {i}": float(v) for i, v in enumerate(values)}
    return found


def accuracy(pristine, altered):
    """How often a tree tells which side a patch is from, patches that it has not seen."""
    sides = [[form(b, n) for b in side for n in range(len(b))] for side in (pristine, altered)]
    labels = np.repeat([0, 1], [len(s) for s in sides])
    # Both sides of a place are in one fold, or the tree would know it by its position.
    group = np.concatenate([np.arange(len(s)) % 4 for s in sides])
    folds = [(np.flatnonzero(group != g), np.flatnonzero(group == g)) for g in range(4)]
    tree = make_pipeline(DictVectorizer(sparse=False), DecisionTreeClassifier(random_state=0))
    return float(np.mean(cross_val_score(tree, sides[0] + sides[1], labels, cv=folds)))
