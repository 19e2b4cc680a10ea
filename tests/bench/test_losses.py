"""What cannot be had: models that raise or write, points and positions that do not fit, damage."""

import hashlib
import json
import math

import pyarrow.parquet as pq
import pytest
import safetensors.torch
import torch
from PIL import Image

import forensics
from forensics.bench import identity
from forensics.errors import ForensicsError

pytestmark = pytest.mark.usefixtures("toy")


@pytest.fixture
def run(photographs, tmp_path):
    counter = iter(range(100))

    def call(**options):
        options = {"data": str(photographs), "patch": 64, "limit": 8, **options}
        return forensics.run(tmp_path / f"out{next(counter)}", **options)

    return call


def cells(matrix, **wanted):
    return [c for c in matrix.cells if all(getattr(c, k) == v for k, v in wanted.items())]


def test_a_detector_that_raises_loses_its_own_cells_only(run):
    alone = run(detectors="toy-grain", trace="jpeg", attack="toy-median")
    both = run(detectors=["toy-raises", "toy-grain"], trace="jpeg", attack="toy-median")
    assert cells(both, model="toy-grain") == alone.cells
    lost = cells(both, model="toy-raises")
    assert len(lost) == 6
    assert all(c.na == "toy-raises raised RuntimeError: out of luck" for c in lost)
    assert all(c.metrics == {} and c.n == 0 for c in lost)
    assert "Traceback" in both.failures["toy-raises"]
    assert "out of luck" in both.failures["toy-raises"]
    assert alone.failures == {}


@pytest.mark.parametrize("where", ["pixels", "coefficients", "tables", "keys"])
def test_writing_into_the_input_is_an_error_of_that_model(run, where):
    writer = "toy-writes" if where == "pixels" else f"toy-writes:where={where}"
    alone = run(detectors="toy-grain", trace="djpeg")
    both = run(detectors=[writer, "toy-grain"], trace="djpeg")
    assert cells(both, model="toy-grain") == alone.cells
    assert all("wrote into its input" in c.na for c in cells(both, model=writer))
    assert list(both.failures) == [writer]


def test_an_attacker_that_writes_into_its_input_loses_its_own_cells_only(run):
    alone = run(detectors="toy-grain", trace="djpeg", attack="toy-median")
    both = run(detectors="toy-grain", trace="djpeg", attack=["toy-writing", "toy-median"])
    for attack in (None, "toy-median"):
        assert cells(both, attack=attack) == cells(alone, attack=attack)
    lost = cells(both, attack="toy-writing")
    assert lost
    assert all("toy-writing" in c.na and "wrote into its input" in c.na for c in lost)
    assert all(c.cost is None for c in lost)
    assert list(both.failures) == ["toy-writing"]


def test_a_restricted_model_is_not_asked_elsewhere(run):
    matrix = run(detectors="toy-narrow")
    assert {c.trace for c in matrix.cells} == {"djpeg"}
    reasons = {c.point["q2"]: c.na for c in matrix.cells}
    assert reasons == {75: None, 95: "judges q2=70..80 only"}
    assert cells(matrix, na=None)[0].metrics["auc"].value is not None


def test_an_attacker_that_wants_a_jpeg_where_there_is_none(run):
    matrix = run(detectors="toy-first", attack=["toy-jpeg-only", "toy-median"])
    assert {c.trace for c in matrix.cells} == {"toy-slot"}
    (lost,) = cells(matrix, attack="toy-jpeg-only")
    assert lost.na == "not a JPEG at this place"
    assert (lost.n, lost.n_na, lost.cost) == (0, 8, None)
    assert matrix.failures == {}
    (attacked,) = cells(matrix, attack="toy-median")
    assert attacked.na is None
    # Nothing precedes the slot: the reference is what the attacker was given.
    assert attacked.cost.against == "the attacker's input"
    assert attacked.cost.ssim_input.value == 1
    # Where the slot follows a compression, it acts.
    assert cells(run(detectors="toy-grain", attack="toy-jpeg-only", trace="djpeg"))[1].na is None


def test_a_model_without_weights_and_with_the_users_own(run, home):
    matrix = run(detectors=["toy-trained", "toy-grain"], trace="jpeg")
    lost = cells(matrix, model="toy-trained")
    assert all("no weights: run `forensics train toy-trained`" in c.na for c in lost)
    assert all(c.trained is None for c in matrix.cells)
    assert cells(matrix, model="toy-grain")[0].na is None
    folder = home / "weights" / "toy-trained"
    folder.mkdir(parents=True)
    content = safetensors.torch.save({"w": torch.tensor([-1.0])})
    (folder / "toy-trained.safetensors").write_bytes(content)
    card = {"sha256": hashlib.sha256(content).hexdigest()}
    (folder / "toy-trained.json").write_text(json.dumps(card))
    matrix = run(detectors=["toy-trained", "toy-grain"], trace="jpeg")
    trained, grain = (cells(matrix, model=name) for name in ("toy-trained", "toy-grain"))
    assert {c.trained for c in trained} == {"user"}
    assert matrix.protocol["models"]["toy-trained"]["weights"] == "user"
    for one, other in zip(trained, grain, strict=True):
        total = one.metrics["auc"].value + other.metrics["auc"].value
        assert total == pytest.approx(1)  # the same scores with the other sign
    (folder / "toy-trained.json").write_text("{")
    with pytest.raises(ForensicsError, match=r"toy-trained\.json"):
        run(detectors="toy-trained", trace="jpeg")


def test_a_part_that_is_missing_when_it_is_asked_for_is_no_failure(run, monkeypatch):
    """Of a model with several weight files some may be there: what needs another is n/a."""
    monkeypatch.setattr(identity, "untrained", lambda model: None)
    matrix = run(detectors=["toy-trained", "toy-grain"], trace="jpeg")
    assert matrix.failures == {}
    for cell in cells(matrix, model="toy-trained"):
        assert cell.na == "no weights for toy-trained: run `forensics train toy-trained`"
    assert cells(matrix, model="toy-grain")[0].na is None


def test_damaged_photographs_are_counted(run, photographs):
    whole = (photographs / "0.png").read_bytes()
    (photographs / "0.png").write_bytes(b"no picture")
    (photographs / "1.png").write_bytes(whole[: len(whole) // 2])  # its header is sound
    matrix = run(detectors="toy-grain", trace="jpeg")
    assert matrix.protocol["photographs"] == 2
    assert matrix.protocol["lost"] == matrix.protocol["skipped"] == 2
    assert len(matrix.skipped) == 2
    assert all(c.photographs == 2 and c.skipped == 2 for c in matrix.cells)


def test_nothing_but_damaged_photographs(run, photographs):
    for path in photographs.glob("*.png"):
        path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(ForensicsError, match="could be read"):
        run(detectors="toy-grain", trace="jpeg")


def test_a_photograph_that_is_too_small_is_left_out(run, photographs):
    Image.open(photographs / "0.png").resize((100, 100)).save(photographs / "0.png")
    matrix = run(detectors="toy-grain", trace="jpeg")
    assert {c.photographs for c in matrix.cells} == {3}
    assert {c.skipped for c in matrix.cells} == {1}
    (line,) = matrix.skipped
    assert "0.png" in line
    assert "too small" in line
    # One that only the limit leaves out is not too small.
    assert run(detectors="toy-grain", trace="jpeg", limit=2).skipped == matrix.skipped
    with pytest.raises(ForensicsError, match="room for a patch of 256"):
        run(detectors="toy-grain", trace="jpeg", patch=256)


def test_no_detectors_at_all_says_what_the_attack_costs(run):
    matrix = run(detectors="none", attack="toy-median", trace="jpeg")
    attacked = cells(matrix, attack="toy-median")
    assert len(attacked) == 3
    assert all(c.model is None and c.cost.psnr.value > 20 for c in attacked)


@pytest.mark.parametrize(("how", "reason"), [("reason", "too dark"), ("silent", "no answer")])
def test_patches_without_an_answer_are_counted(run, tmp_path, how, reason):
    matrix = run(detectors=f"toy-picky:how={how}", trace="jpeg")
    for cell in matrix.cells:
        assert cell.na is None
        assert cell.n + cell.n_pristine + cell.n_na == 16
        assert 0 < cell.n < 8
        assert 0 < cell.n_pristine < 8
        assert cell.reasons == {reason: cell.n_na}
        assert cell.metrics["auc"].value is not None
    rows = [r for p in tmp_path.rglob("*.parquet") for r in pq.read_table(p).to_pylist()]
    assert {r["reason"] for r in rows if math.isnan(r["value"])} == {reason}
    assert {r["reason"] for r in rows if not math.isnan(r["value"])} == {None}


def test_scores_of_another_number_than_patches_are_an_error_of_that_model(run):
    matrix = run(detectors=["toy-picky:how=shape", "toy-grain"], trace="jpeg")
    assert all("patches" in c.na for c in cells(matrix, model="toy-picky:how=shape"))
    assert all(c.na is None for c in cells(matrix, model="toy-grain"))


def test_options_make_another_attacker(run):
    names = ["toy-median", "toy-median:passes=1", "toy-median:passes=3"]
    matrix = run(detectors="toy-grain", trace="jpeg", attack=names)
    # An option at its default makes no other attacker.
    assert {c.attack for c in matrix.cells} == {None, "toy-median", "toy-median:passes=3"}
    once, thrice = (cells(matrix, attack=name) for name in (names[0], names[2]))
    assert all(a.cost.psnr.value > b.cost.psnr.value for a, b in zip(once, thrice, strict=True))


def test_batches_are_halved_where_memory_runs_out(run):
    roomy = run(detectors="toy-grain", trace="jpeg", attack="toy-median")
    cramped = run(detectors="toy-cramped", trace="jpeg", attack="toy-cramped-median")
    names = {"toy-median": "toy-cramped-median", None: None}
    for a, b in zip(roomy.cells, cramped.cells, strict=True):
        assert (b.attack, b.model) == (names[a.attack], "toy-cramped")
        assert (a.metrics, a.cost) == (b.metrics, b.cost)


def test_no_memory_for_a_single_patch_is_a_loss(run):
    matrix = run(detectors="toy-cramped:room=0", trace="jpeg")
    assert all("out of memory" in c.na for c in matrix.cells)


def test_a_single_photograph_has_no_interval(run, photographs):
    for path in sorted(photographs.glob("*.png"))[1:]:
        path.unlink()
    matrix = run(detectors="toy-grain", trace="jpeg", attack="toy-median")
    for cell in matrix.cells:
        assert cell.metrics["auc"].low is None
        assert cell.metrics["pe_cv"].value is None
        assert cell.metrics["pe_cv"].reason
    matrix.to_json()
