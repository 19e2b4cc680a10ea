"""States that conditions share: rows do not depend on what else runs, and nothing is done twice."""

import math
from dataclasses import replace
from unittest import mock

import pytest
import torch

from forensics import bench
from forensics.batch import Batch
from forensics.bench import states
from forensics.bench.conditions import Condition
from forensics.bench.evaluate import work
from forensics.bench.states import States, around, narrowed, stages
from forensics.bench.store import Store
from forensics.traces import crop
from forensics.traces import trace as traces
from forensics.traces.trace import Trace

PATCH = 32


def plan(folder, trace, **options):
    given = {"detectors": "watch-sum", "data": str(folder), "patch": PATCH, "limit": 9}
    return bench.make(bench.Settings.of(given | {"trace": trace} | options))


def rows(folder, out, trace, attack, **options):
    """Everything that a run of these traces stored."""
    made = plan(folder, trace, attack=attack, **options)
    assert not bench.execute(made, out).failures
    return {
        (photograph.sha256, *key, *position): value
        for photograph in made.photographs
        for key, positions in Store(out).read(photograph.sha256).items()
        for position, value in positions.items()
    }


def same(a, b):
    return a[1:] == b[1:] and (a[0] == b[0] or (math.isnan(a[0]) and math.isnan(b[0])))


@pytest.mark.parametrize("color", [False, True])
def test_rows_do_not_depend_on_what_else_runs(watch, squares, tmp_path, color):
    """Of traces that share states and need more or less around a patch, with attackers whose
    output depends on how much they see (`resize-back`) and on where that lies (`noise`)."""
    chosen = ["jpeg", "djpeg", "djpeg-shifted", "rotate-jpeg", "median-jpeg", "splice-resize"]
    attack = ["resize-back", "noise"]
    together = rows(squares, tmp_path / "together", chosen, attack, color=color, limit=4)
    apart = {}
    for name in chosen:
        apart |= rows(squares, tmp_path / name, name, attack, color=color, limit=4)
    assert together.keys() == apart.keys()
    assert all(same(together[key], apart[key]) for key in apart)


def test_an_attack_that_traces_share_is_made_once(watch, squares, tmp_path):
    chosen, calls = ("jpeg", "djpeg", "djpeg-shifted"), {}
    for names in (chosen, *((name,) for name in chosen)):
        first = {p for name in names for p in traces.get(name).parameters} & {"q", "q1"}
        values = {name: [60] for name in first}
        with mock.patch.object(states, "attacked", wraps=states.attacked) as counted:
            rows(squares, tmp_path / "-".join(names), list(names), "toy-median", set=values)
        calls[names] = sum(len(call.args[1]) for call in counted.call_args_list)
    assert set(calls.values()) == {9}  # the patches of each


def test_an_attacker_sees_its_margin_and_what_later_steps_need(watch, squares, tmp_path):
    """After a rotation, whose tile is far larger, and before steps that need little."""
    for name in ("rotate", "rotate-jpeg", "djpeg-shifted"):
        with mock.patch.object(states, "attacked", wraps=states.attacked) as counted:
            rows(squares, tmp_path / name, name, "toy-median")
        sizes = {call.args[1].size for call in counted.call_args_list}
        assert sizes == {(PATCH + 64, PATCH + 64)}


def test_states_are_forgotten_when_nobody_needs_them(watch, squares, tmp_path):
    left, release = [], States.release

    def counting(self, condition):
        release(self, condition)
        left.append(len(self._states))

    with mock.patch.object(States, "release", counting):
        rows(squares, tmp_path / "out", ["jpeg", "djpeg"], "toy-median", photographs=["0.png"])
    made = plan(squares, ["jpeg", "djpeg"], attack="toy-median")
    keys = {s.key for c in made.conditions.values() for s in stages(c, PATCH, False)}
    assert left[-1] == 0
    assert 0 < max(left) < len(keys) / 2


def test_a_narrower_state_is_a_part_of_the_wider_one(watch, squares):
    """Pixels, coefficients and place together, on the grid of 4:2:0."""
    made = plan(squares, "djpeg", color=True)
    conditions = list(made.conditions.values())
    assert around(conditions, PATCH, True) % 16 == 0
    shown, cut = [], narrowed

    def keeping(state, pixels):
        shown.append((state, cut(state, pixels), pixels))
        return shown[-1][1]

    with mock.patch.object(states, "narrowed", keeping):
        work(made, made.photographs[0], {}, "cpu")
    some = [(wide, narrow, p) for wide, narrow, p in shown if wide is not narrow]
    assert some
    for wide, narrow, pixels in some:
        off = wide.window[0] - pixels
        assert off % 16 == 0
        assert narrow.window == (pixels, PATCH)
        assert (narrow.origins - wide.origins == off).all()
        inside = wide.pixels[:, :, off : off + narrow.size[0], off : off + narrow.size[1]]
        assert (narrow.pixels == inside).all()


def test_conditions_of_different_draws_share_no_state(watch, squares):
    """The parameters of one name that two traces draw from different values."""
    made = plan(squares, ["djpeg-shifted", "splice-q1"], set={"q1": [75], "q2": [90]})
    by_trace = {}
    for condition in made.conditions.values():
        found = by_trace.setdefault(condition.trace.name, set())
        found |= {s.key for s in stages(condition, PATCH, False)}
    shared = by_trace["djpeg-shifted"] & by_trace["splice-q1"]
    assert {key.strip().partition("#")[0] for key in shared} == {"jpeg(75)"}


@pytest.mark.parametrize("text", ["crop(21,30)", "crop(3,5)", "median(1) crop(18,2) crop(3,28)"])
def test_a_crop_may_be_the_last_step(text):
    """However many rows and columns go, the patch is what lies as far down and to the right."""
    trace = Trace("cropped", (("altered", text),), ((),), "pixels")
    condition = Condition(trace, trace.history("altered"), (), None, "cropped", "")
    margin = around([condition], PATCH, False)
    pixels = torch.randint(256, (1, 1, *(PATCH + 2 * margin,) * 2)).to(torch.uint8)
    state = States(
        replace(Batch.of(pixels), window=(margin, PATCH)), [condition], PATCH, False, {}
    ).after(condition)
    shown = crop.cut(state, state.window[0], PATCH, "pixels").pixels
    top, left = (3, 5) if text == "crop(3,5)" else (21, 30)
    rows, columns = (slice(margin + off, margin + off + PATCH) for off in (top, left))
    assert torch.equal(shown, pixels[:, :, rows, columns])
