"""What nobody was asked about: too small, no JPEG, constant, sharpened."""

import math

import pytest
import torch

import forensics
from forensics.data.samples import samples
from forensics.histories.history import History
from forensics.jpeg import compress, decode
from forensics.models.beliefs import log_odds
from forensics.models.registry import registry
from forensics.plugin import Batch
from forensics_mpernet.tasks import target_of

MODELS = (
    "mperfast-median",
    "mperfast-gaussian",
    "mperfast-awgn",
    "mperfast-bilinear",
    "mperfast-bicubic",
    "mper-which",
)


def entry(name):
    return registry().get(name, "estimator").entry


def after(history, pixels):
    return History.parse(history).apply(Batch.of(pixels), {})


def photographs():
    whole = [torch.from_numpy(photograph.load(False).copy()) for photograph in samples()]
    return torch.stack([one[:, 64:320, 64:320] for one in whole if min(one.shape[1:]) >= 400])


@pytest.mark.parametrize("name", MODELS)
def test_too_small_or_no_jpeg_is_refused_with_a_reason(name):
    assert "128" in entry(name).needs.refusal(1, 120, 256, True)
    assert "JPEG" in entry(name).needs.refusal(1, 256, 256, False)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_constant_picture_has_no_answer(name, level):
    jpeg = compress(torch.full((1, 1, 128, 128), level, dtype=torch.uint8), 90)
    found = forensics.load(name).estimate(Batch.of(decode(jpeg), jpeg))
    assert found.values.isnan().all()
    assert found.reasons == ("one grey level everywhere",)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("quality", [75, 90])
def test_what_was_sharpened_only_is_nothing_or_no_sure_answer(name, quality):
    """Not surer than 3 to 1 that it was what it was not, the values as likely beforehand."""
    model = forensics.load(name)
    target = target_of(model.task)
    batch = after(f"jpeg(95) sharpen(1) jpeg({quality})", photographs())
    found = model.estimate(batch)
    belief = found.beliefs[target.name]
    odds = log_odds(found, {target.name: target.none}).values
    none = (belief.most_probable() - target.none).abs() < 1e-3
    assert (none | (odds - math.log(len(belief.values) - 1) < math.log(3))).all()
