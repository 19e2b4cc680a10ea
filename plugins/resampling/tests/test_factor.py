"""Scales from where peaks lie: places by hand, and factors that share one as two beliefs."""

import pytest
import torch
from skimage import data

from forensics.batch import Batch
from forensics.histories.operations import Resize
from forensics_resampling.factor import (
    FINE,
    SCALES,
    decoded,
    features,
    peaks_at,
    scale_belief,
)


@pytest.fixture(scope="module")
def axes():
    """Of a photograph that was enlarged by 1.5."""
    batch = Batch.of(torch.from_numpy(data.camera()[None, None, :200, :200].copy()))
    return features(Resize(1.5).apply(batch).pixels[:, 0, :128, :128].float())[0]


def test_the_peak_stands_at_its_factor_and_at_those_that_share_its_place(axes):
    factors = torch.tensor([1.5, 0.6, 1.2, 0.9])
    own, shared, other, another = peaks_at(axes, factors, 0)[0].tolist()
    assert own == pytest.approx(shared)  # 2/3 and 5/3 are 1/3 from a whole number
    assert own > max(other, another) + 1


def test_factors_that_share_a_place_are_two_beliefs_until_the_direction_is_known(axes):
    even = torch.zeros(1, len(SCALES))
    place = {f: FINE.index(f) for f in (0.6, 1.5)}
    shares = scale_belief(axes, even, torch.zeros(1, 2))[0]
    assert shares[place[0.6]] == pytest.approx(float(shares[place[1.5]]))
    up = scale_belief(axes, even, torch.tensor([[2.0, -2.0]]))[0]
    assert FINE[int(up.argmax())] == pytest.approx(1.5, abs=0.02)
    assert up[place[1.5]] > 100 * up[place[0.6]]


def test_decoded_takes_one_of_two_modes_and_what_lies_between_neighbours():
    values = torch.tensor([0.5, 0.6, 0.7, 1.0, 1.4, 1.5, 1.6], dtype=torch.float64)
    shares = torch.tensor([[0.1, 0.3, 0.0, 0.0, 0.0, 0.3, 0.3]])
    assert decoded(shares + torch.tensor([0, 0, 0, 0, 0, 1e-3, 0]), values).item() == pytest.approx(
        1.55, abs=1e-3
    )
