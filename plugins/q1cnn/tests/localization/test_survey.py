"""A map's windows say what `q1phase` says of the same 64 x 64 pixels."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from skimage import data

from forensics import jpeg, progress
from forensics_q1cnn.localization.survey import survey
from forensics_q1cnn.phase.features import Luma
from forensics_q1cnn.phase.network import libjpeg_tables
from forensics_q1cnn.phase.posterior import ALIKE, Posterior, every_phase
from forensics_q1cnn.phase.trained import phase_network
from forensics_q1cnn.tables import STEPS


@pytest.fixture(scope="module")
def file():
    """A JPEG of 96 x 136, of two others side by side: 5 x 10 windows."""
    picture = np.ascontiguousarray(data.coffee()[90:200, 210:360])
    pixels = torch.from_numpy(picture).permute(2, 0, 1)[None]
    parts = [jpeg.decode(jpeg.compress(pixels, q)) for q in (70, 85)]
    parts = [parts[0][:, :, 3:99, 5:141], parts[1][:, :, 6:102, 1:137]]
    together = torch.cat([parts[0][..., :68], parts[1][..., 68:]], 3)
    return jpeg.compress(together.contiguous(), 90)


@pytest.fixture(scope="module")
def single(file):
    """`q1phase` on every window, cut out of the file: where it lies and the posterior."""
    luma = replace(file, coefficients=file.coefficients[:1] * 3, sampling="4:4:4")
    network, listed = phase_network(torch.device("cpu")), libjpeg_tables()

    def alone(y, x):
        seen = Luma.of(luma.cut(8 * y, 8 * x, 64, 64))
        return Posterior.of(every_phase(network, seen, network.index(listed)), listed, ALIKE)

    with torch.inference_mode():
        return [(y, x, alone(y, x)) for y in range(5) for x in range(10)]


def surveyed(file, prune, decode="argmax"):
    with torch.inference_mode():
        return survey(phase_network(torch.device("cpu")), Luma.of(file), prune, decode)


def test_all_phases_give_the_single_answers(file, single):
    found, by_mean = surveyed(file, 0), surveyed(file, 0, "expectation")
    for y, x, alone in single:
        assert torch.equal(found.steps[y, x], alone.estimates("argmax")[0])
        expected = alone.estimates("expectation")[0]
        torch.testing.assert_close(by_mean.steps[y, x], expected, rtol=1e-3, atol=1e-3)
        torch.testing.assert_close(found.total[y, x], expected.sum(), rtol=1e-3, atol=1e-2)
        assert found.phase[y, x] == alone.phases().argmax()
        double = alone.double.flatten()
        bits = -(double * double.clamp_min(1e-38).log2()).sum()
        torch.testing.assert_close(found.entropy[y, x], bits, rtol=1e-3, atol=1e-3)
        logs = double[found.hypotheses].clamp_min(1e-12).log()
        torch.testing.assert_close(found.evidence[y, x], logs, rtol=1e-3, atol=1e-2)


def test_pruned_phases_take_no_more_than_their_share(file, single):
    """Where phases are left out the rest is what it was, but for what these had: the expected sum
    moves by no more than that times the range of sums."""
    found = surveyed(file, 0.3)
    assert found.looked_at < 32
    moved = 0
    for y, x, alone in single:
        phases = alone.phases()[0]
        total = alone.estimates("expectation")[0].sum()
        # The first pass has the windows (0, 0), (0, 4), (0, 8), (4, 0) and so on.
        first = torch.stack([p.phases()[0] for v, u, p in single if v % 4 == u % 4 == 0])
        left = slice(0, 3) if x < 8 else slice(2, 3)
        kept = first.unflatten(0, (2, 3))[:, left].amax((0, 1)) >= 0.3
        kept[0] = True
        lost = 1 - float(phases[kept].sum())
        if bool(kept[phases.argmax()]):
            assert found.phase[y, x] == phases.argmax()
        assert float((found.total[y, x] - total).abs()) <= 226 * lost + 0.05
        moved += int((found.total[y, x] - total).abs() > 1e-3)
    assert moved > 0  # or nothing was pruned


def test_hypotheses_are_what_was_done(file):
    """The first grid of a half begins 8 less its crop into it."""
    found = surveyed(file, 0.01)
    for quality, (r, c) in ((70, (3, 5)), (85, (6, 1))):
        place = 51 * (8 * ((8 - r) % 8) + (8 - c) % 8) + quality - 50
        assert place in found.hypotheses.tolist()
    assert found.steps.shape == (5, 10, STEPS)


def test_it_says_how_far_it_is(file):
    told = []
    with progress.heard(lambda done, of: told.append((done, of))):
        surveyed(file, 0.01)
    parts = told[0][1]
    assert told == [(done, parts) for done in range(1, parts + 1)]  # one count for both passes
