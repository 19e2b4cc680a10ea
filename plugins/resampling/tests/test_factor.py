"""Scales and angles from where peaks lie: pictures warped by OpenCV, places by hand."""

import cv2
import numpy as np
import pytest
import torch
from skimage import data

from forensics.plugin import Belief
from forensics_resampling import factor, peaks

SCALES, ANGLES = torch.tensor(peaks.SCALES), torch.tensor(peaks.ANGLES)


def heights(picture, jpeg=False):
    """Mean over kinds, of scales and of angles."""
    middle = torch.from_numpy(picture[60:252, 60:252].copy())[None].float()
    return peaks.heights(middle, jpeg)[0].mean(1).split((len(SCALES), len(ANGLES)))


def turned(degrees, kernel=cv2.INTER_LINEAR):
    matrix = cv2.getRotationMatrix2D((256, 256), degrees, 1)
    return cv2.warpAffine(data.camera(), matrix, (512, 512), flags=kernel)[100:412, 100:412]


@pytest.mark.parametrize(
    ("degrees", "kernel"),
    [(7, cv2.INTER_LINEAR), (-17, cv2.INTER_LINEAR), (33.5, cv2.INTER_CUBIC)],
)
def test_peaks_stand_where_opencv_turned_it_to(degrees, kernel):
    _, angles = heights(turned(degrees, kernel))
    assert ANGLES[angles.argmax()].item() == pytest.approx(degrees, abs=0.5)


@pytest.mark.parametrize("scale", [0.83, 1.27, 1.62])
def test_peaks_stand_where_opencv_scaled_it_to(scale):
    found, _ = heights(cv2.resize(data.camera(), None, fx=scale, fy=scale))
    side = (scale > 1) == (SCALES > 1)
    assert SCALES[torch.where(side, found, -9).argmax()].item() == pytest.approx(scale, abs=0.015)


def test_scales_that_put_their_peaks_at_the_same_places_stand_equally_high():
    found, _ = heights(cv2.resize(data.camera(), None, fx=1.5, fy=1.5))
    place = {f: peaks.SCALES.index(f) for f in (0.6, 1.5, 1.2)}
    assert found[place[0.6]] == pytest.approx(found[place[1.5]].item(), abs=1e-5)
    assert found[place[1.5]] > found[place[1.2]] + 0.3


def test_the_lines_of_a_jpeg_are_left_out_and_nothing_done_has_no_place():
    plain, marked = (
        heights(np.tile(np.eye(8, dtype=np.uint8) * 99, (64, 64)), j)[0] for j in (0, 1)
    )
    # 1 / 0.8 and 2 / 0.8 are multiples of 1/8; so are those of 1.6.
    for scale in (0.8, 1.6):
        assert plain[peaks.SCALES.index(scale)] > 0.5
        assert marked[peaks.SCALES.index(scale)] == 0
    assert plain[peaks.SCALES.index(1.0)] == 0


def test_the_median_of_a_belief_is_where_half_of_it_lies():
    belief = Belief(torch.tensor([0.5, 1.0, 1.5, 2.0]), torch.tensor([[0.3, 0.1, 0.2, 0.4]]))
    assert factor.median(belief).tolist() == [1.5]


def test_what_the_profile_says_is_linear_between_knots():
    found = factor._between((1.0, 1.25, 2.0), (1.0, 1.5, 2.0))
    assert found.tolist() == [[1, 0, 0], [0.5, 0.5, 0], [0, 0, 1]]
