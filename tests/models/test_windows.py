"""Windows against NumPy's views and libjpeg's decode; pooled answers; maps by sliding."""

import numpy as np
import pytest
import torch
from scipy.ndimage import uniform_filter

import forensics
from forensics import jpeg, progress
from forensics.batch import Batch
from forensics.bench import identity
from forensics.errors import ForensicsError, NotApplicable
from forensics.models import selection, sliding
from forensics.models.interfaces import Detector, Heatmap
from forensics.models.registry import Registered
from forensics.models.sliding import SlidingLocalizer
from forensics.models.windows import Windows, windows


def pixels(channels=1, height=52, width=70, n=2):
    generator = torch.Generator().manual_seed(height)
    return torch.randint(0, 256, (n, channels, height, width), generator=generator).byte()


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("stride", [5, 8, 20])
def test_windows_are_numpys(channels, stride):
    batch = Batch.of(pixels(channels), first_key=7)
    every = Windows(batch, 20, stride, pixels=3 * 400)
    parts = list(every)
    assert max(map(len, parts)) == 3
    whole = Batch.cat(parts)
    views = np.lib.stride_tricks.sliding_window_view(batch.pixels.numpy(), (20, 20), (2, 3))
    views = views[:, :, ::stride, ::stride].transpose(0, 2, 3, 1, 4, 5)
    assert every.shape == views.shape[1:3]
    assert len(every) == len(whole) == views.shape[0] * views.shape[1] * views.shape[2]
    assert np.array_equal(every.gathered(part.pixels for part in parts).numpy(), views)
    assert every.gathered([whole.positions])[1, 1, 2].tolist() == [stride, 2 * stride]
    assert every.gathered([whole.keys]).unique(dim=0)[:, 0, 0].tolist() == [7, 8]


@pytest.mark.parametrize("sampling", ["gray", "4:4:4", "4:2:0"])
def test_windows_on_the_grid_keep_their_part_of_the_jpeg(sampling):
    jpegs = jpeg.compress(pixels(1 if sampling == "gray" else 3), torch.tensor([60, 90]), sampling)
    batch = Batch.of(jpeg.decode(jpegs), jpegs)
    for side in (32, 20):
        parts = Batch.cat(list(windows(batch, side, 16)))
        for window in range(0, len(parts), 3):
            image, (top, left) = window // (len(parts) // 2), parts.positions[window].tolist()
            alone = batch[image : image + 1].cut(top, left, side, side)
            found = parts[window : window + 1]
            assert torch.equal(found.pixels, alone.pixels)
            assert torch.equal(found.jpeg.tables, alone.jpeg.tables)
            for ours, theirs in zip(found.jpeg.coefficients, alone.jpeg.coefficients, strict=True):
                assert torch.equal(ours, theirs)
            if sampling != "4:2:0":  # elsewhere chroma is smoothed over the border
                assert torch.equal(jpeg.decode(found.jpeg), found.pixels)
    assert windows(batch, 32, 8).keep_jpeg == (sampling != "4:2:0")
    assert next(iter(windows(batch, 32, 12))).jpeg is None


def test_there_must_be_a_window():
    for side, stride in ((60, 8), (0, 8), (8, 0)):
        with pytest.raises(ValueError, match="no window"):
            windows(Batch.of(pixels()), side, stride)


def test_a_cell_stands_for_the_middle_of_its_window():
    found = Heatmap.of_windows(torch.zeros(1, 2, 3), 64, 8, torch.zeros(1))
    assert (found.offset, found.stride) == (32, 8)


def test_a_detector_by_windows_is_a_map(toy):
    batch = Batch.of(pixels(height=104, width=130))
    told = []
    with progress.heard(lambda done, of: told.append((done, of))):
        found = forensics.load("toy-grain-map").localize(batch)
    assert told[-1] == (2 * 6 * 9, 2 * 6 * 9)
    detector = forensics.load("toy-grain")
    assert found.values.shape == (2, 6, 9)
    for image, down, across in ((0, 0, 0), (1, 5, 8), (1, 2, 7)):
        window = batch[image : image + 1].cut(8 * down, 8 * across, 64, 64)
        alone = detector.score(window).values
        torch.testing.assert_close(found.values[image, down, across], alone[0])
    # Away from the border the mean of nine; at it of those that there are.
    count = uniform_filter(np.ones((6, 9)), 3, mode="constant")
    for values, score in zip(found.values.numpy(), found.scores.tolist(), strict=True):
        smooth = uniform_filter(values, 3, mode="constant") / count
        assert score == pytest.approx(smooth.max(), rel=1e-5)


def test_what_it_cannot_slide_over(toy):
    batch = Batch.of(pixels(height=104, width=130))
    for localizer, reason in (
        (SlidingLocalizer("toy-grain", 128), "smaller than 128 x 128"),
        (SlidingLocalizer("toy-zeros"), "not a JPEG at this place"),
    ):
        with pytest.raises(NotApplicable, match=reason):
            localizer.localize(batch)
    jpegs = jpeg.compress(batch.pixels, 80)
    with pytest.raises(NotApplicable, match="12 apart do not lie on the JPEG's grid"):
        SlidingLocalizer("toy-zeros", stride=12).localize(Batch.of(jpeg.decode(jpegs), jpegs))
    assert SlidingLocalizer("toy-zeros").localize(Batch.of(batch.pixels, jpegs)).scores.ndim == 1
    with pytest.raises(ForensicsError, match="a side and a stride"):
        SlidingLocalizer("toy-grain", stride=0)


class Dense(Detector):
    """Means of windows at once, of the first image where they are above the mean of all."""

    def score(self, batch):
        raise AssertionError("asked one by one")

    def score_windows(self, batch, side, stride):
        values = batch.luma().unfold(1, side, stride).unfold(2, side, stride).mean((3, 4))
        kept = (values > values.mean()) & torch.tensor([True, False])[:, None, None]
        return values.where(kept, torch.nan)


def test_scores_of_all_windows_at_once_and_none(monkeypatch):
    detector = Dense()
    detector._entry = selection.model("resave-90", "attacker").entry
    monkeypatch.setattr(type(detector._entry), "make", lambda *_: detector)
    monkeypatch.setattr(
        sliding.selection,
        "model",
        lambda *_: selection.Model(Registered(detector._entry, (), "", "", "")),
    )
    found = SlidingLocalizer("dense", 16).localize(Batch.of(pixels()))
    assert found.reasons == (None, "no window has a score")
    assert found.scores.isnan().tolist() == [False, True]
    assert found.values[0].isnan().any()


def test_its_identity_is_also_that_of_its_detector(toy, monkeypatch):
    made = selection.model("toy-grain-map", "localizer")
    before, of = identity.model(made), identity._sources_of

    def changed(thing):
        return of(thing) + ("changed" if thing.entry.name == "toy-grain" else "")

    monkeypatch.setattr(identity, "_sources_of", changed)
    assert identity.model(made) != before


@pytest.mark.parametrize(
    ("detector", "unit", "scale"),
    [("toy-grain", "score of toy-grain", None), ("toy-classes", "log odds", (-6.0, 6.0))],
)
def test_log_odds_have_a_scale_and_other_scores_have_none(toy, detector, unit, scale):
    """The scores of what is a detector by its beliefs are log odds."""
    pixels = torch.randint(0, 256, (1, 1, 96, 80), dtype=torch.uint8)
    found = SlidingLocalizer(detector).localize(Batch.of(pixels))
    assert (found.unit, found.scale) == (unit, scale)
