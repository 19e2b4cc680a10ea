"""The networks of `mperfast`, and how they are trained."""

import numpy as np
import torch
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from forensics.plugin import Batch, Example
from forensics_mpernet.fast import Perceptrons, columns_of, perceptron, perceptrons
from forensics_mpernet.fast_recipe import cases, discriminate, labels_of
from forensics_mpernet.features import GROUPS, features
from forensics_mpernet.tasks import KINDS, groups_of, values_of


def test_layers_in_double_precision_say_the_same():
    torch.manual_seed(0)
    network = perceptron(torch.randn(9), torch.rand(9) + 0.5, 8, 3).eval()
    features = 3 * torch.randn(5, 9)
    torch.nn.init.normal_(network.linear.weight)
    inputs = network.standard(features)
    expected = network.layers(inputs) + network.linear(inputs)
    assert torch.allclose(expected, network(features), atol=1e-5)


def test_the_linear_part_agrees_with_scikit_learn():
    generator = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], 40)
    features = generator.normal(size=(120, 6)) + np.eye(3, 6)[labels]
    reference = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.2).fit(features, labels)
    network = perceptron(torch.zeros(6), torch.ones(6), 4, 3)
    discriminate(network, torch.from_numpy(features).float(), torch.from_numpy(labels))
    found = network.linear(torch.from_numpy(features).float()).detach().numpy() / 0.2
    expected = reference.decision_function(features)
    assert np.allclose(
        found - found.mean(1, keepdims=True), expected - expected.mean(1, keepdims=True), atol=1e-4
    )


def test_networks_come_back_from_their_state():
    torch.manual_seed(0)
    made = Perceptrons({"median": (8, 8), "awgn": (6, 5)}).eval()
    again = perceptrons(made.state_dict()).eval()
    again.load_state_dict(made.state_dict())
    inputs = torch.randn(2, max(len(columns_of(task)) for task in KINDS[1:]) * 3)
    for one, other in zip(made(inputs), again(inputs), strict=True):
        assert torch.equal(one, other)


def test_each_task_looks_at_its_groups():
    luma, steps = torch.rand(1, 128, 128) * 255, torch.full((1, 64), 7.0)
    found = features(luma, steps, GROUPS)
    own = features(luma, steps, [name for name in GROUPS if name in groups_of("awgn")])
    assert torch.equal(found[:, columns_of("awgn")], own)


def example():
    """Four places, each processed in all ways."""
    blank = Batch.of(torch.zeros(4, 1, 8, 8, dtype=torch.uint8))
    values = {
        "k": torch.tensor([3, 5, 15, 3]),
        "g": torch.tensor([3, 7, 11, 15]),
        "n": torch.tensor([80.6, 139.7, 342.1, 80.6], dtype=torch.float64),
        "f": torch.tensor([0.5, 0.9, 1.1, 1.5], dtype=torch.float64),
    }
    return Example(dict.fromkeys(("pristine", *KINDS[1:]), blank), values)


def test_labels_say_kind_and_value():
    made = example()
    labels = torch.cat([labels_of(side, made) for side in made.sides])
    kept, places = cases("median", labels)
    assert kept.tolist() == [True] * 8 + [False] * 16  # the untouched and the medians
    medians = values_of("median")
    assert [medians[place] for place in places] == [1, 1, 1, 1, 3, 5, 15, 3]
    factors = values_of("bicubic")
    kept, places = cases("bicubic", labels)
    assert [factors[place] for place in places] == [1, 1, 1, 1, 0.5, 0.9, 1.1, 1.5]
    assert kept.nonzero()[:, 0].tolist() == [0, 1, 2, 3, 20, 21, 22, 23]
    kept, places = cases("which", labels)
    assert kept.all()
    assert [KINDS[place] for place in places[::4]] == list(KINDS)
