"""Pictures that cannot say anything of an earlier JPEG: constant, or of one frequency alone."""

import io

import numpy as np
import pytest
from PIL import Image
from skimage import data

import forensics

MODELS = ("q1phase", "q1phase:given=double", "q1analytic", "q1bianchi", "q1galvan", "q1dalmia")
RAMP = np.tile(np.linspace(0, 255, 128), (128, 1))
PICTURES = {
    "gray": np.full((128, 128), 128),
    "white": np.full((96, 128), 255),
    "ramp": RAMP,
    "ramp downwards": RAMP.T,
    "blocks": np.kron(np.random.default_rng(1).integers(0, 256, (16, 16)), np.ones((8, 8))),
}


@pytest.fixture
def batch(tmp_path):
    def make(picture, quality=75):
        file = io.BytesIO()
        Image.fromarray(picture.astype(np.uint8)).save(file, "JPEG", quality=quality)
        (tmp_path / "a.jpg").write_bytes(file.getvalue())
        return forensics.open(tmp_path / "a.jpg").batch()

    return make


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize("model", MODELS)
def test_estimators_have_no_answer(batch, model, name):
    found = forensics.load(model).estimate(batch(PICTURES[name]))
    assert found.reasons[0]
    assert bool(found.values.isnan().all()) or "steps" in found.reasons[0]


@pytest.mark.parametrize("name", PICTURES)
def test_the_detector_and_the_localizer_have_none(batch, name):
    shown = batch(PICTURES[name])
    scored = forensics.load("q1phase").score(shown)
    located = forensics.load("q1map").localize(shown)
    for values, reasons in (
        (scored.values, scored.reasons),
        (located.scores, located.reasons),
    ):
        assert bool(values.isnan().all())
        assert reasons == ("nearly all its coefficients are 0: too little evidence",)


def test_of_a_batch_the_others_are_answered(batch):
    """A photograph of the same size and second quality beside a constant one."""
    import torch

    from forensics.batch import Batch

    photo = batch(data.camera()[100:228, 200:328])
    both = Batch.cat([photo, batch(PICTURES["gray"])])
    detector = forensics.load("q1phase")
    together, alone = detector.score(both), detector.score(photo)
    assert together.reasons[0] is None
    assert together.reasons[1]
    torch.testing.assert_close(together.values[:1], alone.values)
