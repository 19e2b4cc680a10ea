"""Work that is shared out: everything is done once, in order, in the caller's mode."""

import contextlib
import os
import platform
import subprocess
import sys
import threading

import pytest
import torch

from forensics import device

CPU = torch.device("cpu")


@contextlib.contextmanager
def torch_threads(number):
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
        assert torch.get_num_threads() == number
    finally:
        torch.set_num_threads(before)


@pytest.fixture(params=[1, 3])
def threads(request):
    with torch_threads(request.param):
        yield request.param


@pytest.mark.parametrize("together", [1, 4, 50])
@pytest.mark.parametrize("images", [0, 1, 2, 4, 10, 25])
def test_every_image_is_worked_on_once_and_in_order(threads, images, together):
    found = device.side_by_side(lambda part: list(range(images))[part], images, together, CPU)
    assert [image for part in found for image in part] == list(range(images))
    sizes = [len(part) for part in found]
    assert max(sizes, default=0) <= together
    if sizes:
        assert max(sizes) - min(sizes) <= 1
    # No thread is idle while others work.
    assert len(found) % threads == 0 or len(found) == images


def test_the_modes_are_the_callers(threads):
    weight = torch.ones(3, requires_grad=True)

    def work(part):
        return (weight * 2).requires_grad, torch.is_inference_mode_enabled()

    assert set(device.side_by_side(work, 6, 1, CPU)) == {(True, False)}
    with torch.no_grad():
        assert set(device.side_by_side(work, 6, 1, CPU)) == {(False, False)}
    with torch.inference_mode():
        assert set(device.side_by_side(work, 6, 1, CPU)) == {(False, True)}


@pytest.mark.parametrize(("number", "each"), [(2, 1), (4, 2), (5, 2)])
def test_slices_are_worked_on_at_once_each_in_its_share_of_the_threads(number, each):
    both = threading.Barrier(2, timeout=20)  # passed by two threads together alone

    def work(part):
        # A product first, for by some operations torch learns its number of threads, not by this.
        torch.bmm(torch.ones(2, 3, 3), torch.ones(2, 3, 3))
        both.wait()
        return torch.get_num_threads()

    with torch_threads(number):
        assert device.side_by_side(work, 2, 1, CPU) == [each, each]


def test_a_gpu_is_asked_by_one_thread(threads):
    def work(part):
        return threading.get_ident(), part.stop - part.start

    found = device.side_by_side(work, 10, 4, torch.device("cuda"))  # which this does not touch
    assert {ident for ident, _ in found} == {threading.get_ident()}
    assert sorted(size for _, size in found) == [3, 3, 4]


def test_an_error_is_the_callers_and_the_threads_come_back(threads):
    def work(part):
        raise ValueError("no such image")

    with pytest.raises(ValueError, match="no such image"):
        device.side_by_side(work, 6, 1, CPU)


_RESIDENT = """
import sys
import torch
from forensics import device
if sys.argv[1] == "kept":
    assert device.keep_memory()
before = torch.ones(1 << 26)
del before
print(int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="mallopt is glibc's")
def test_freed_memory_is_kept():
    """256 MiB that were freed are still resident; else the system has them back."""

    def resident(how):
        program = "import resource" + _RESIDENT
        environment = {k: v for k, v in os.environ.items() if not k.startswith("MALLOC_")}
        done = subprocess.run(
            [sys.executable, "-c", program, how],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        return int(done.stdout)

    assert resident("kept") - resident("given back") > 200 << 20


def test_the_environment_wins(monkeypatch):
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "1000000")
    assert not device.keep_memory.__wrapped__()
