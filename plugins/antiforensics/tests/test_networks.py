import torch

from forensics.jpeg import block_dct, standard_tables
from forensics_antiforensics.networks import AFCNN, EDSRSub, Matched, Restorer, soft_clamp
from forensics_antiforensics.networks.residual import mixed


def planes(n=2, side=32):
    generator = torch.Generator().manual_seed(0)
    return 255 * torch.rand(n, side, side, generator=generator), standard_tables(60, 1).expand(
        n, -1, -1
    )


def parameters(network):
    return sum(p.numel() for p in network.parameters())


def shaken(network, amount=0.05):
    """The network with all its parameters moved, zero tails among them."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for p in network.parameters():
            if p.ndim:
                p += amount * torch.randn(p.shape, generator=generator)
    return network


def test_the_papers_network_has_the_papers_size():
    assert parameters(EDSRSub()) == 628_993
    assert parameters(AFCNN()) == 628_994


def test_soft_clamp_by_hand():
    # Eq. 5 with X = 20, Q = 10 (low 15, high 25) and alpha 0.1.
    wanted = torch.tensor([10.0, 15.0, 22.0, 25.0, 40.0])
    found = soft_clamp(wanted, torch.tensor(20.0), torch.tensor(10.0), torch.tensor(0.1))
    expected = [0.9 * 15 + 0.1 * 10, 15.0, 22.0, 25.0, 0.9 * 25 + 0.1 * 40]
    torch.testing.assert_close(found, torch.tensor(expected))


def test_the_untrained_networks_return_their_input():
    luma, steps = planes()
    for network in (AFCNN(), Restorer()):
        torch.testing.assert_close(network(luma, steps), luma, atol=1e-3, rtol=0)


def test_alpha_zero_keeps_every_coefficient_in_its_bin():
    luma, steps = planes()
    network = shaken(AFCNN())
    jpeg = block_dct(luma - 128)

    def farthest():
        moved = block_dct(network(luma, steps) - 128) - jpeg
        return (moved.abs() / steps[:, None, None]).max().item()

    with torch.no_grad():
        network.alpha.fill_(-3.0)  # acts as 0
        assert farthest() < 0.5 + 1e-3
        network.alpha.fill_(7.0)  # acts as 1: no clamp
        restored, final = network.both(luma, steps)
        torch.testing.assert_close(final, restored, atol=2e-2, rtol=0)
        assert farthest() > 0.6


def test_a_matched_network_begins_as_the_restorer_with_grain():
    luma, steps = planes(4, 64)
    restorer = shaken(Restorer(), 0.02)
    matched = Matched()
    matched.start_from(restorer.state_dict())
    noise = torch.randn(4, 2, 64, 64, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        grain = matched(luma, steps, noise) - restorer(luma, steps)
        torch.testing.assert_close(grain, 0.5 * noise[:, 1], atol=1e-3, rtol=0)


def test_the_light_networks_know_the_grid_and_the_table():
    flat, steps = torch.full((1, 64, 64), 90.0), standard_tables(60, 1)
    network = shaken(Restorer())
    with torch.no_grad():
        inner = (network(flat, steps) - flat)[0, 24:40, 24:40]
        assert inner.std() > 1e-3
        torch.testing.assert_close(inner[:8, :8], inner[8:, 8:], atol=1e-3, rtol=0)
        other = (network(flat, standard_tables(90, 1)) - flat)[0, 24:40, 24:40]
    assert (inner - other).abs().max() > 1e-3


def test_bfloat16_changes_little_and_stays_out_of_the_state():
    luma, steps = planes()
    network = shaken(Restorer(), 0.02)
    with torch.no_grad():
        full = network(luma, steps)
        half = mixed(network)(luma, steps)
    assert half.dtype == torch.float32
    assert 0 < (half - full).abs().mean() < 0.05 * (full - luma).abs().mean()
    assert network.state_dict().keys() == Restorer().state_dict().keys()
