"""The wider feature, against counting by hand and against its other path."""

import numpy as np
import torch
from skimage import data

from forensics_srmcnn import feature, wide

IMAGE = torch.from_numpy(data.astronaut()[40:114, 60:150, 1].copy())


def test_compiled_counts_are_those_of_tensors():
    planes = torch.stack([IMAGE, IMAGE.flip(0), torch.full_like(IMAGE, 255) - IMAGE])
    assert torch.equal(wide.counts(planes), wide.counts_on_tensors(planes))


def test_extremes_do_not_overflow():
    checks = (torch.arange(40)[:, None] + torch.arange(50)) % 2 * 255
    planes = checks.to(torch.uint8)[None]
    assert torch.equal(wide.counts(planes), wide.counts_on_tensors(planes))


def test_third_order_at_2_is_the_papers_feature():
    place = wide.KINDS.index((3, 2))
    found = wide.counts(IMAGE[None])[0, place].flatten()
    assert torch.equal(found, feature.counts(IMAGE[None])[0])


def test_counts_of_the_square_by_numpy():
    x = IMAGE.numpy().astype(int)
    found = np.zeros(81, int)
    for image in (x, x.T):
        second = np.diff(image, n=2, axis=1)
        square = np.diff(second, n=2, axis=0)
        digit = (square > 3).astype(int) + (square >= -3)
        code = 27 * digit[:-3] + 9 * digit[1:-2] + 3 * digit[2:-1] + digit[3:]
        found += np.bincount(code.ravel(), minlength=81)
    ours = wide.counts(IMAGE[None])[0, wide.KINDS.index((4, 3)), 1]
    assert (ours.numpy() == found).all()


def test_features_are_roots_of_shares():
    found = wide.features(IMAGE[None])
    assert found.shape == (1, wide.VALUES)
    sums = found.square().view(-1, 81).sum(1)
    torch.testing.assert_close(sums, torch.ones(24), atol=2e-4, rtol=0)


def test_the_perceptron_answers_alone_as_in_a_batch():
    torch.manual_seed(1)
    network = wide.perceptron(torch.zeros(30), torch.ones(30), 8, 2).eval()
    values = 3 * torch.randn(7, 30)
    assert torch.equal(network(values), torch.cat([network(v[None]) for v in values]))
    state = network.state_dict()
    again = wide.stored(state)
    again.load_state_dict(state)
    assert torch.equal(again.eval()(values), network(values))
