"""The whole bench against the loop that it replaces: Pillow, numpy, scipy, scikit-learn."""

import hashlib
import io
import json

import jpeglib
import numpy as np
import pytest
import torch
from PIL import Image
from scipy.ndimage import median_filter
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from sklearn.metrics import roc_auc_score

import forensics
from forensics import bench, random
from forensics.bench.positions import lattice, spread
from forensics.errors import ForensicsError
from forensics.traces import trace as traces

pytestmark = pytest.mark.usefixtures("toy")

PATCH = 64


def compressed(pixels, quality):
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=quality)
    return stream.getvalue()


def saved(pixels, quality):
    return np.array(Image.open(io.BytesIO(compressed(pixels, quality))))


def grain(pixels):
    return -np.abs(np.diff(pixels.astype(float), axis=1)).mean()


def zeros(pixels, quality, folder):
    """The share of zeros among the coefficients of the patch's own JPEG file."""
    (folder / "patch.jpg").write_bytes(compressed(pixels, quality))
    return (jpeglib.read_dct(str(folder / "patch.jpg")).Y == 0).mean()


class ByHand:
    """The conditions of a trace, patch by patch, by Pillow and numpy.

    Gray blocks do not see one another: compressing the whole photograph first and the bare patch
    last gives what the bench has to find in its tiles.
    """

    def __init__(self, folder, positions, name):
        self.name, self.positions, self.gray = name, [], {}
        for path in sorted(folder.glob("*.png")):
            sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
            self.gray[sha256] = np.array(Image.open(path).convert("L"))
            self.positions += [(sha256, y, x) for y, x in positions.get(sha256, [])]

    def shift(self, sha256, y, x):
        if self.name != "djpeg-shifted":
            return 0, 0
        keys = torch.tensor([random.key(0, sha256, y, x)])
        drawn = traces.get(self.name).drawn(keys)
        return int(drawn["r"]), int(drawn["c"])

    def patches(self, side, point, attack=False):
        whole = dict(self.gray)
        if side == "altered":
            first = point["q" if self.name == "jpeg" else "q1"]
            whole = {s: saved(p, first) for s, p in whole.items()}
            if attack:
                whole = {s: median_filter(p, 3) for s, p in whole.items()}
        for sha256, y, x in self.positions:
            r, c = self.shift(sha256, y, x)
            yield whole[sha256][y + r : y + r + PATCH, x + c : x + c + PATCH]

    def scores(self, model, side, point, attack, folder):
        found = []
        for patch in self.patches(side, point, attack):
            if model == "toy-zeros":
                found.append(zeros(patch, point["q2"], folder))
            else:
                patch = patch if self.name == "jpeg" else saved(patch, point["q2"])
                found.append(grain(patch))
        return found


@pytest.mark.parametrize("name", ["jpeg", "djpeg", "djpeg-shifted"])
def test_every_cell_equals_the_loop_by_hand(photographs, tmp_path, name):
    options = {"detectors": ["toy-grain", "toy-zeros"], "attack": "toy-median", "trace": name}
    plan = bench.make(
        bench.Settings.of(options | {"data": str(photographs), "patch": PATCH, "limit": 14})
    )
    matrix = bench.execute(plan, tmp_path / "out")
    hand = ByHand(photographs, plan.positions[name], name)
    assert len(hand.positions) == 14
    models = ["toy-grain"] if name == "jpeg" else ["toy-grain", "toy-zeros"]
    # 3 points x clean and attacked x models.
    assert len(matrix.cells) == 3 * 2 * len(models)
    for cell in matrix.cells:
        assert cell.na is None
        assert (cell.n, cell.n_na, cell.photographs) == (14, 0, 4)
        arguments = (cell.point, cell.attack is not None, tmp_path)
        pristine = hand.scores(cell.model, "pristine", *arguments)
        altered = hand.scores(cell.model, "altered", *arguments)
        auc = roc_auc_score([0] * 14 + [1] * 14, pristine + altered)
        assert cell.metrics["auc"].value == pytest.approx(auc, abs=1e-12)
        low, high = cell.metrics["auc"].low, cell.metrics["auc"].high
        assert 0 <= low <= auc <= high <= 1
        assert (cell.cost is None) == (cell.attack is None)
    check_cost(matrix, hand)


def check_cost(matrix, hand):
    """At the slot, before any crop: against the photograph before the compression."""
    window = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    for cell in matrix.cells:
        if cell.attack is None:
            continue
        quality = next(iter(cell.point.values()))
        values = {"psnr": [], "ssim": [], "psnr_input": [], "ssim_input": []}
        for sha256, y, x in hand.positions:
            first = saved(hand.gray[sha256], quality)
            given, attacked, reference = (
                p[y : y + PATCH, x : x + PATCH]
                for p in (first, median_filter(first, 3), hand.gray[sha256])
            )
            for image, ending in ((attacked, ""), (given, "_input")):
                values["psnr" + ending].append(peak_signal_noise_ratio(reference, image))
                values["ssim" + ending].append(
                    structural_similarity(reference, image, data_range=255, **window)
                )
        for key, those in values.items():
            assert getattr(cell.cost, key).value == pytest.approx(np.mean(those), rel=1e-6)
        assert cell.cost.against == f"the image before jpeg({quality})"


def test_colour_equals_pillow(photographs, tmp_path):
    """A patch of a 4:2:0 JPEG of the photograph, cut where no edge is near."""
    options = {"detectors": "toy-grain", "trace": "jpeg", "set": {"q": 60}, "color": True}
    plan = bench.make(
        bench.Settings.of(options | {"data": str(photographs), "patch": PATCH, "limit": 8})
    )
    matrix = bench.execute(plan, tmp_path / "out")
    sides = {"pristine": [], "altered": []}
    for photograph in plan.photographs:
        whole = Image.open(photograph.path)
        stream = io.BytesIO()
        whole.save(stream, "JPEG", quality=60)  # 4:2:0 is Pillow's default at this quality
        for y, x in plan.positions["jpeg"][photograph.sha256]:
            for side, image in (("pristine", whole), ("altered", Image.open(stream))):
                patch = np.array(image)[y : y + PATCH, x : x + PATCH].astype(float)
                sides[side].append(-np.abs(np.diff(patch, axis=1)).mean())
    auc = roc_auc_score([0] * 8 + [1] * 8, sides["pristine"] + sides["altered"])
    assert matrix.cells[0].metrics["auc"].value == pytest.approx(auc, abs=1e-12)
    assert matrix.protocol["color"] == "RGB, 4:2:0"


def test_gray_photographs_are_left_out_of_a_run_in_colour(photographs, tmp_path):
    Image.open(photographs / "0.png").convert("L").save(photographs / "0.png")
    Image.open(photographs / "1.png").convert("L").convert("RGB").save(photographs / "1.png")
    matrix = forensics.run(
        tmp_path / "out",
        data=str(photographs),
        color=True,
        patch=PATCH,
        detectors="toy-grain",
        trace="jpeg",
        limit=12,
    )
    assert (matrix.protocol["photographs"], matrix.protocol["skipped"]) == (2, 2)
    assert matrix.protocol["lost"] == 0
    assert all(cell.photographs == 2 and cell.skipped == 2 for cell in matrix.cells)
    assert any("0.png" in line for line in matrix.skipped)


def test_patches_are_nested_and_spread_evenly(photographs):
    sizes = [(f"{n:064x}", (512, 512 - 64 * (n % 2))) for n in range(11)]
    few, many = (spread(sizes, 64, 32, limit, seed=0) for limit in (48, 96))
    assert sum(map(len, few.values())) == 48
    assert sum(map(len, many.values())) == 96
    assert all(set(positions) <= set(many[sha256]) for sha256, positions in few.items())
    assert {len(p) for p in few.values()} == {4, 5}
    for sha256, size in sizes:
        assert set(many[sha256]) <= set(lattice(size, 64, 32))
        assert len(set(many[sha256])) == len(many[sha256])
    # Content and seed decide, not order or company.
    assert spread(sizes[::-1], 64, 32, 48, seed=0) == few
    assert spread(sizes, 64, 32, 48, seed=1) != few
    others = spread(sizes[1:], 64, 32, 48, seed=0)
    assert all(set(few[s]) <= set(others[s]) for s in others)
    # A small photograph gives what it has, the others the rest.
    uneven = spread([("a", (128, 128)), ("b", (1000, 1000))], 64, 32, 10, seed=0)
    assert (len(uneven["a"]), len(uneven["b"])) == (1, 9)


def test_without_options_a_run_is_what_the_documents_say():
    settings = bench.Settings()
    assert (settings.patch, settings.limit, settings.pool) == (128, 48, False)
    assert (settings.color, settings.data, settings.detectors) == (False, "samples", ("all",))
    plan = bench.make(bench.Settings.of({"detectors": "toy-grain"}))
    assert {c.trace.name for c in plan.cells} == {"jpeg"}
    for positions in plan.positions.values():
        assert sum(map(len, positions.values())) == 48
    # A photograph has fewer patches than another only where there is no room for more.
    for name, positions in plan.positions.items():
        margin = traces.get(name).margin(False, 128)
        most = max(map(len, positions.values()))
        for photograph in plan.photographs:
            window = len(lattice(photograph.size, 128, margin))
            assert len(positions.get(photograph.sha256, ())) >= min(window, most - 1)


def test_the_result_converts(photographs, tmp_path):
    matrix = forensics.run(
        tmp_path / "out",
        data=str(photographs),
        patch=PATCH,
        detectors=["toy-grain", "toy-raises"],
        estimators=["toy-quality"],
        attack="toy-median",
        trace="jpeg",
        limit=8,
    )
    frame = matrix.to_pandas()
    assert len(frame) == len(matrix.cells) == 18
    good = frame[frame.model == "toy-grain"]
    assert good.auc.tolist() == [
        c.metrics["auc"].value for c in matrix.cells if c.model == "toy-grain"
    ]
    assert good.psnr.notna().sum() == 3
    assert json.loads(matrix.to_json()) == json.loads(json.dumps(matrix.to_dict()))
    assert bench.Matrix.load(tmp_path / "out") == matrix
    with pytest.raises(ForensicsError, match="no finished run"):
        bench.Matrix.load(tmp_path)
