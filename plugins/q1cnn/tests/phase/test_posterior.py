"""The network's scores against plain sums, and probabilities against an enumeration."""

import copy
import itertools

import pytest
import torch
from skimage import data

from forensics import jpeg
from forensics.errors import NotApplicable
from forensics_q1cnn.phase.features import Luma, features
from forensics_q1cnn.phase.network import PhaseNetwork, candidates, libjpeg_tables
from forensics_q1cnn.phase.posterior import (
    ALIKE,
    Posterior,
    Scores,
    every_phase,
    towards_alike,
)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(1)
    made = PhaseNetwork(5)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter += 0.1 * torch.randn_like(parameter)
    return made.eval().requires_grad_(False)


@pytest.fixture(scope="module")
def seen():
    pixels = torch.from_numpy(data.camera()[None, None, 100:164, 180:308])
    whole = jpeg.compress(pixels, 85)
    return Luma.cat([Luma.of(whole.cut(0, x, 64, 64)) for x in (0, 64)])


def test_a_score_is_the_sum_over_frequencies(network, seen):
    phases = torch.tensor([[0, 5, 60], [0, 33, 1]])
    own, others = (features(seen, part.contiguous()) for part in (phases[:, :1], phases[:, 1:]))
    listed = libjpeg_tables()[[3, 40]]
    hidden = network.hidden(own, others)
    found = network.scores(hidden, network.index(listed))
    steps = candidates()
    for n, p, t in itertools.product(range(2), range(3), range(2)):
        part = network.aligned if p == 0 else network.shifted
        from_ = (own, 0) if p == 0 else (others, p - 1)
        total = network.bias[min(p, 1)].clone()
        for i in range(64):
            counts = from_[0].counts[i, n, from_[1]]
            x = counts @ part.enter[i] + part.offset[i, 0]
            if i < 6:
                x = x + from_[0].waves[i, n, from_[1]] @ part.waves[i]
            x = x * (
                1 + torch.tanh(counts[67:] @ part.gate[i] + part.gate_offset[i, 0]) @ part.scale[i]
            )
            place = steps[i].index(int(listed[t, i]))
            total += torch.relu(x) @ part.leave[i][:, place] + part.last[i, 0, place]
        torch.testing.assert_close(found[n, p, t], total, rtol=1e-4, atol=1e-3)


def test_a_step_that_a_frequency_does_not_know_is_its_nearest(network):
    table = libjpeg_tables()[0].clone()
    known = candidates()[63]
    table[63] = known[-1] + 500
    assert network.index(table)[63] == len(known) - 1
    table[63] = known[4] + 0
    assert network.index(table)[63] == 4


def test_patches_answer_alone_as_together(network, seen):
    index = network.index(libjpeg_tables())
    together = every_phase(network, seen, index)
    for n in range(2):
        alone = every_phase(network, seen[n : n + 1], index)
        torch.testing.assert_close(alone.tables[0], together.tables[n])
        torch.testing.assert_close(alone.steps[0], together.steps[n])
        torch.testing.assert_close(alone.single[0], together.single[n])


def test_probabilities_are_sums_over_phases_and_tables():
    torch.manual_seed(2)
    listed = libjpeg_tables()[20:40]
    scores = torch.randn(3, 64, 20).double()
    found = Posterior.of(Scores(scores, torch.zeros(3), torch.zeros(3)), listed, ALIKE)
    joint = scores.exp()
    joint = joint / joint.sum((1, 2), keepdim=True)
    torch.testing.assert_close(found.double, joint, rtol=1e-5, atol=1e-8)
    for i in (0, 7, 14):
        by_hand = torch.zeros(3, int(listed[:, i].max()) + 1).double()
        for t in range(20):
            by_hand[:, listed[t, i]] += joint[:, :, t].sum(1)
        torch.testing.assert_close(found.steps(i), by_hand, rtol=1e-5, atol=1e-8)
        values = torch.arange(by_hand.shape[1]).double()
        expected = (by_hand * values).sum(1)
        torch.testing.assert_close(
            found.estimates("expectation")[:, i].double(), expected, rtol=1e-5, atol=1e-5
        )
        assert torch.equal(found.estimates("argmax")[:, i], by_hand.argmax(1).float())
    best = listed[joint.sum(1).argmax(1), :15]
    assert torch.equal(found.estimates("table"), best.float())


@pytest.mark.parametrize("aligned", [0, 0.1, 0.8, 1])
def test_what_is_known_of_the_grid_beforehand_is_multiplied(aligned):
    torch.manual_seed(3)
    listed = libjpeg_tables()[20:40]
    scores = Scores(torch.randn(3, 64, 20), torch.zeros(3), torch.zeros(3))
    by_hand = scores.tables.double().exp()
    by_hand[:, 0] *= aligned
    by_hand[:, 1:] *= (1 - aligned) / 63
    by_hand /= by_hand.sum((1, 2), keepdim=True)
    found = Posterior.of(scores, listed, aligned).double
    torch.testing.assert_close(found.double(), by_hand, rtol=1e-4, atol=1e-8)


def test_scores_of_steps_are_those_of_the_tables_apart(network, seen):
    """A table's score is its steps' where all other frequencies say nothing."""
    network = copy.deepcopy(network)
    for part in (network.aligned, network.shifted):
        part.leave[15:] = 0
        part.last[15:] = 0
    listed = libjpeg_tables()[[0, 25, 45]]
    found = every_phase(network, seen, network.index(listed))
    bias = network.bias[[0] + [1] * 63]
    prior = towards_alike(bias.device)[:, 0]
    for t, table in enumerate(listed):
        chosen = [found.steps[:, :, i, int(table[i]) - 1] for i in range(15)]
        torch.testing.assert_close(
            found.tables[:, :, t], sum(chosen) + bias + prior, rtol=1e-4, atol=1e-3
        )
    known = torch.isfinite(found.steps[0, 0]).sum(1)
    assert known.tolist() == [len(steps) for steps in candidates()[:15]]


def test_weights_of_other_features_are_one_sentence(network):
    state = network.state_dict()
    assert PhaseNetwork.of(state).outputs == network.outputs
    older = state | {"shifted.enter": state["shifted.enter"][:, :-2]}
    with pytest.raises(
        NotApplicable, match="trained on 75 features a frequency and now looks at 77"
    ):
        PhaseNetwork.of(older)
