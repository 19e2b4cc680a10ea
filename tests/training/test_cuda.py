"""A training on a GPU."""

import pytest

from forensics import training


@pytest.mark.cuda
def test_a_training_on_a_gpu_ends_near_one_on_a_cpu(plugin, photographs, tmp_path):
    """The same crops, histories and first weights; sums in another order."""
    objectives = []
    for device in ("cpu", "cuda"):
        result = training.train(
            "tiny", str(photographs), out=tmp_path / device, device=device, steps=30
        )
        objectives.append(result.card["figures"][0]["values"]["objective"])
    assert objectives[1] == pytest.approx(objectives[0], rel=0.05)
