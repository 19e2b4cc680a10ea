"""Work that is shared out: everything is done once, in order, in the caller's mode."""

import threading

import pytest
import torch

from forensics import device

CPU = torch.device("cpu")


@pytest.fixture(params=[1, 3])
def threads(request):
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    assert torch.get_num_threads() == request.param
    torch.set_num_threads(before)


@pytest.mark.parametrize("together", [1, 4, 50])
@pytest.mark.parametrize("images", [0, 1, 2, 10])
def test_every_image_is_worked_on_once_and_in_order(threads, images, together):
    found = device.side_by_side(lambda part: list(range(images))[part], images, together, CPU)
    assert [image for part in found for image in part] == list(range(images))
    assert max(map(len, found), default=0) <= together
    assert len(found) >= min(images, threads)


def test_the_modes_are_the_callers(threads):
    weight = torch.ones(3, requires_grad=True)

    def work(part):
        return (weight * 2).requires_grad, torch.is_inference_mode_enabled()

    assert set(device.side_by_side(work, 6, 1, CPU)) == {(True, False)}
    with torch.no_grad():
        assert set(device.side_by_side(work, 6, 1, CPU)) == {(False, False)}
    with torch.inference_mode():
        assert set(device.side_by_side(work, 6, 1, CPU)) == {(False, True)}


def test_slices_are_worked_on_at_once_each_in_one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    both = threading.Barrier(2, timeout=20)  # passed by two threads together alone

    def work(part):
        both.wait()
        return torch.get_num_threads()

    try:
        assert device.side_by_side(work, 4, 1, CPU) == [1, 1, 1, 1]
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_an_error_is_the_callers_and_the_threads_come_back(threads):
    def work(part):
        raise ValueError("no such image")

    with pytest.raises(ValueError, match="no such image"):
        device.side_by_side(work, 6, 1, CPU)
