"""`resampling-factor`: by how much a picture was scaled or turned."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, max_pool2d

from forensics import load
from forensics.plugin import (
    Batch,
    Belief,
    Draw,
    Estimate,
    Estimator,
    Example,
    NetworkRecipe,
    Phase,
    Progress,
    Trace,
)
from forensics_resampling import pmaps, spectrum
from forensics_resampling.constrained import ConstrainedNetwork, constrained_network
from forensics_resampling.patches import flat, gray, windows
from forensics_resampling.traces import TASKS

SIDE, STRIDE = 128, 64
# None of 0.55, 0.83 and 1.27, nor of 7 degrees, which tests ask for.
SCALES = (
    *(0.5, 0.525, 0.575, 0.6, 0.625, 0.65, 0.675, 0.7, 0.725, 0.75, 0.775, 0.8),
    *(0.85, 0.875, 0.9, 0.925, 0.95, 0.975, 1.0, 1.025),
    *(1.05, 1.1, 1.15, 1.2, 1.25, 1.3, 1.35, 1.4, 1.45, 1.5),
    *(1.55, 1.6, 1.65, 1.7, 1.75, 1.8, 1.85, 1.9, 1.95, 2.0),
)
_TURNS = (2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 12.0, 15.0, 18.0, 21.0, 25.0, 30.0, 35.0, 40.0, 45.0)
ANGLES = (*(-turn for turn in reversed(_TURNS)), 0.0, *_TURNS)
FINE = tuple(k / 100 for k in range(50, 201))
_HIDDEN = 256
_NEAR = 1  # classes on either side of the likeliest that its value is the mean of


def features(gray: Tensor) -> tuple[Tensor, Tensor]:
    """What scale and angle are told from, float32 `[N, K]` and `[N, L]` of gray `[N, H, W]`: means
    over windows of 128 x 128, 64 apart.

    Log ratios (`spectrum.ratios`) of the spectra of the linear predictor's p-map and of the root of
    its error. For scale bin by bin on the two axes, where its peaks lie, and the logarithm of the
    spectrum of the mean magnitude of second differences along each axis (Gallagher 2005), less its
    mean; for angle the whole plane, the largest of 2 x 2 bins.
    """
    cut = windows(gray, SIDE, STRIDE)
    n, count = cut.shape[:2]
    cut = cut.flatten(0, 1)
    belief = pmaps.linear(cut)
    error = (-belief.clamp_min(1e-30).log()).sqrt().sqrt()
    axes, planes = [second_differences(cut), second_differences(cut.transpose(1, 2))], []
    for one in (belief, error):
        found = spectrum.ratios(one).nan_to_num(1.0).add(1e-3).log()
        half = found.shape[1] // 2 + 1
        axes += [found[:, 0, :half], found[:, :half, 0]]
        planes.append(max_pool2d(found[:, None, :, :half], 2).flatten(1))
    both = (torch.cat(parts, 1).view(n, count, -1).mean(1) for parts in (axes, planes))
    scale, angle = both
    return scale, angle


def second_differences(gray: Tensor) -> Tensor:
    """float32 `[N, W // 2]`: see `features`; of those along the rows of `[N, H, W]`."""
    found = gray.diff(n=2, dim=2).abs().mean(1)
    taper = torch.hann_window(found.shape[1], periodic=False, device=gray.device)
    log = torch.fft.rfft((found - found.mean(1, keepdim=True)) * taper).abs().add(1e-3).log()
    return log - log.mean(1, keepdim=True)


def _trunk(count: int) -> list[nn.Module]:
    return [
        nn.BatchNorm1d(count),
        nn.Linear(count, _HIDDEN),
        nn.ReLU(),
        nn.Dropout(0.2),
        nn.Linear(_HIDDEN, _HIDDEN),
        nn.ReLU(),
        nn.Dropout(0.2),
    ]


class FactorNetwork(nn.Module):
    """Logits over scales and over angles, each `[N, C]`, of what each is told from; their values
    are stored with it."""

    def __init__(self, counts: tuple[int, int], scales: Tensor, angles: Tensor) -> None:
        super().__init__()
        self.register_buffer("scales", scales)
        self.register_buffer("angles", angles)
        self.scale = nn.Sequential(*_trunk(counts[0]), nn.Linear(_HIDDEN, len(scales)))
        self.angle = nn.Sequential(*_trunk(counts[1]), nn.Linear(_HIDDEN, len(angles)))

    scales: Tensor
    angles: Tensor

    def forward(self, features: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        return self.scale(features[0]), self.angle(features[1])


def factor_network(state: Mapping[str, Tensor]) -> FactorNetwork:
    """Of the shapes of these weights."""
    counts = len(state["scale.0.weight"]), len(state["angle.0.weight"])
    return FactorNetwork(counts, state["scales"], state["angles"])


def decoded(shares: Tensor, values: Tensor) -> Tensor:
    """`[N]` of beliefs `[N, C]`: the likeliest value, or the mean of it and its neighbours, which
    lies between the values that there are. Of two modes it is the one."""
    best = shares.argmax(1)
    places = torch.arange(len(values), device=shares.device)
    near = (places - best[:, None]).abs() <= _NEAR
    # Nothing done is no neighbour of a little.
    nothing = places == (values - values.abs().clamp(max=1)).abs().argmin()
    near &= nothing == nothing[best][:, None]
    weight = shares * near
    return (weight * values).sum(1) / weight.sum(1)


def scale_belief(axes: Tensor, logits: Tensor, sides: Tensor) -> Tensor:
    """Shares of `FINE` scales, `[N, C]`: the network's log probabilities, by half, between its
    values; how high the peak stands where each factor puts it, at 1 / f modulo 1; and, as factors
    above and below 1 share such places, what model II says of an enlargement and a reduction.

    axes: what `features` tells scale from, `[N, K]`; logits: `[N, len(SCALES)]`; sides: log odds
    `[N, 2]`. The weights 1/2, 2 and 2 were chosen on val.
    """
    fine = torch.tensor(FINE, device=axes.device)
    listed = torch.tensor(SCALES, device=axes.device)
    upper = torch.searchsorted(listed, fine.clamp(max=SCALES[-1])).clamp(1, len(SCALES) - 1)
    part = (fine - listed[upper - 1]) / (listed[upper] - listed[upper - 1])
    logs = logits.log_softmax(1)
    prior = torch.lerp(logs[:, upper - 1], logs[:, upper], part)
    belief, error = (peaks_at(axes, fine, which) for which in (0, 1))
    up, down = fine > 1.02, fine < 0.98
    odds = sides[:, :1] * up + sides[:, 1:] * down
    return (0.5 * prior + 2 * torch.maximum(belief, error) + 2 * odds).softmax(1)


def peaks_at(axes: Tensor, factors: Tensor, which: int) -> Tensor:
    """Log ratios at the place of each factor, the mean of both axes, `[N, C]`; 0 for places near 0,
    where the content's own spectrum is, and near 1/2. which: 0 of the p-map, 1 of the error."""
    size = SIDE - 2
    half = size // 2 + 1
    planes = axes[:, -4 * half :].unflatten(1, (2, 2, half))[:, which]
    place = (1 / factors - (1 / factors).round()).abs() * size
    low = place.floor().long().clamp(max=half - 1)
    found = torch.maximum(planes[..., low], planes[..., (low + 1).clamp(max=half - 1)]).mean(1)
    return torch.where((place < 4) | (place > half - 3), 0.0, found)


@dataclass(frozen=True)
class Factor(Estimator):
    """Scale (`f`, new / old) and angle (`d`, degrees, counter-clockwise), each the likeliest of a
    belief over listed values. Factors whose peaks share a place, as 0.6 and 1.5 do, are two modes
    of one belief, of which the higher is said. The weights of `radonfft-up` are needed as well."""

    def estimate(self, batch: Batch) -> Estimate:
        seen = gray(batch)
        empty = flat(seen)
        beliefs = self.beliefs(batch)
        scale, angle = beliefs["f"], beliefs["d"]
        values = torch.stack([scale.most_probable(), decoded(angle.shares, angle.values)], 1)
        reasons = tuple("one grey level everywhere" if none else None for none in empty.tolist())
        values = torch.where(empty[:, None], torch.nan, values)
        return Estimate(("f", "d"), values, beliefs, reasons)

    def beliefs(self, batch: Batch) -> dict[str, Belief]:
        """Of the scales `FINE` and of the angles `ANGLES`."""
        seen = gray(batch)
        axes, plane = features(seen)
        network = self._network(batch)
        scale, angle = network((axes, plane))
        six = load("radonfft-up").network("six", constrained_network, batch.device)
        assert isinstance(six, ConstrainedNetwork)
        cut = windows(seen, 64, 32)
        odds = six.both(cut.flatten(0, 1)).view(*cut.shape[:2], -1).mean(1)
        sides = odds[:, [TASKS.index("up"), TASKS.index("down")]]
        fine = torch.tensor(FINE, device=batch.device)
        return {
            "f": Belief(fine, scale_belief(axes, scale, sides)),
            "d": Belief(network.angles.float(), angle.softmax(1)),
        }

    def _network(self, batch: Batch) -> FactorNetwork:
        network = self.network("net", factor_network, batch.device)
        assert isinstance(network, FactorNetwork)
        return network


def _maps() -> Draw:
    """Half scaled, half turned, a tenth neither; orders of interpolation in turn."""
    scaled = [(f, 0.0) for f in SCALES if f != 1] * 2
    turned = [(1.0, d) for d in ANGLES if d] * 3
    none = [(1.0, 0.0)] * (len(scaled + turned) // 10)
    return Draw(
        ("f", "d", "o"),
        tuple((*one, order) for one in scaled + turned + none for order in (1, 3)),
    )


TRACE = Trace(
    "resampling-factor",
    (("altered", "maybe(0.4,jpeg({q0})) affine({f},{d},order={o}) maybe(0.5,jpeg({q2}))"),),
    ((),),
    "pixels",
    (),
    (
        _maps(),
        Draw(("q0",), tuple((q,) for q in range(75, 99))),
        Draw(("q2",), tuple((q,) for q in range(70, 101))),
    ),
)


@dataclass(frozen=True)
class FactorRecipe(NetworkRecipe):
    """Cross-entropy of both, before and after a JPEG."""

    trace: ClassVar[Trace] = TRACE
    part: ClassVar[str] = "net"
    phases: ClassVar[tuple[Phase, ...]] = (Phase(1.0, SIDE, 64, 1e-3),)
    validation_crop: ClassVar[int] = SIDE
    validation_crops: ClassVar[int] = 1200
    validations: ClassVar[int] = 5
    averaging: ClassVar[float] = 0.999
    decay: ClassVar[float] = 1e-2
    limits: ClassVar[tuple[str, ...]] = (
        "one scaling from 0.5 to 2 or one rotation up to 45 degrees, not both, never antialiased",
    )

    def draws(self) -> dict[str, list[int]]:
        return {}  # the trace draws everything

    def network(self) -> nn.Module:
        scale, angle = features(torch.zeros(1, SIDE, SIDE))
        values = (torch.tensor(those, dtype=torch.float64) for those in (SCALES, ANGLES))
        return FactorNetwork((scale.shape[1], angle.shape[1]), *values)

    def loss(
        self, network: nn.Module, example: Example, progress: Progress
    ) -> tuple[Tensor, dict[str, float]]:
        both = [cross_entropy(*case) for case in self._cases(network, example)]
        return both[0] + both[1], {"scale": both[0].item(), "angle": both[1].item()}

    def _cases(self, network: nn.Module, example: Example) -> list[tuple[Tensor, Tensor]]:
        """Logits and the places of the true values: of scale where nothing was turned, of angle
        where nothing was scaled, so that neither takes the other for nothing."""
        scale, angle = (example.values[name].double() for name in ("f", "d"))
        logits = network(features(gray(example.sides["altered"])))
        cases = (
            (logits[0], scale, angle == 0, network.scales),
            (logits[1], angle, scale == 1, network.angles),
        )
        return [
            (given[asked], (truth[asked, None] - listed).abs().argmin(1))
            for given, truth, asked, listed in cases
        ]

    def validate(self, network: nn.Module, examples: Iterable[Example]) -> dict[str, float]:
        """Log-likelihoods of the true values in nats, and mean absolute errors."""
        assert isinstance(network, FactorNetwork)
        rows = [self._cases(network, example) for example in examples]
        found: dict[str, float] = {}
        for k, (name, values) in enumerate((("scale", network.scales), ("angle", network.angles))):
            logits, places = (torch.cat([row[k][i] for row in rows]) for i in (0, 1))
            found[f"{name}_log_likelihood"] = -cross_entropy(logits, places).item()
            off = (decoded(logits.softmax(1), values) - values[places]).abs()
            found[f"{name}_mae"] = off.mean().item()
        objective = found["scale_log_likelihood"] + found["angle_log_likelihood"]
        return {"objective": objective, **found}
