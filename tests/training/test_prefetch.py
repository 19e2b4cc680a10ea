"""Data that is made ahead of its step, or when it is asked for."""

import threading
import time

import pytest
import torch

from forensics import data
from forensics.errors import ForensicsError
from forensics.models.registry import registry
from forensics.training.generator import Generator, Pool
from forensics.training.prefetch import prefetch


class Slow:
    """Examples that are their own step and phase, and take a while."""

    def __init__(self, seconds):
        self.seconds, self.made, self.threads = seconds, [], set()

    def __call__(self, step, phase):
        time.sleep(self.seconds)
        self.made.append((step, phase))
        self.threads.add(threading.get_ident())
        if step == 9:
            raise ForensicsError("no more")
        return step, phase


def test_data_made_ahead_is_the_same_and_is_made_during_the_step():
    make, device = Slow(0.05), torch.device("cpu")
    with prefetch(device, make, ahead=True) as take:
        for step in range(4):
            example, seconds = take(step, 0)
            assert example == (step, 0)
            assert seconds >= 0.05
            until = time.monotonic() + 20  # the step; what comes next is made meanwhile
            while (step + 1, 0) not in make.made and time.monotonic() < until:
                time.sleep(0.01)
            assert (step + 1, 0) in make.made
        # A new phase: what was made for the old one is left.
        assert take(4, 1)[0] == (4, 1)
    assert threading.get_ident() not in make.threads
    assert (4, 0) in make.made


def test_an_error_of_data_made_ahead_comes_with_its_step():
    with prefetch(torch.device("cpu"), Slow(0), ahead=True) as take:
        assert take(8, 0)[0] == (8, 0)
        with pytest.raises(ForensicsError, match="no more"):
            take(9, 0)


def test_a_cpu_makes_data_when_it_is_asked_for():
    make = Slow(0)
    with prefetch(torch.device("cpu"), make) as take:
        take(0, 0)
    assert make.made == [(0, 0)]
    assert make.threads == {threading.get_ident()}


@pytest.mark.cuda
def test_a_gpu_is_given_the_same_examples_ahead(plugin, photographs):
    recipe = registry().get("tiny", "recipe").entry.make()
    device = torch.device("cuda")
    source = data.resolve(str(photographs), "train")
    generator = Generator(recipe, Pool(source, False, device), recipe.augmentations)

    def make(step, phase):
        return generator.example(0, step, 16, 8)

    with prefetch(device, make, ahead=True) as take:
        for step in range(20):
            ours = take(step, 0)[0].sides["altered"].pixels
            assert torch.equal(ours, make(step, 0).sides["altered"].pixels)
            torch.cuda.current_stream().synchronize()
