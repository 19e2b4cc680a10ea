"""Which models a large image leaves time for."""

from forensics.models.entries import ModelEntry
from forensics.models.registry import Registered
from forensics.models.selection import Model, too_long


def model(name, seconds, weights_of="", most_patches=0):
    entry = ModelEntry(
        name, "m:M", "", seconds=seconds, weights_of=weights_of, most_patches=most_patches
    )
    return Model(Registered(entry, ("detector",), "toy", "", "0"))


def test_the_quickest_are_asked_for_as_long_as_five_seconds_last():
    asked = [model("a", 2.0), model("b", 1.0), model("c", 2.5), model("d", 0.5)]
    detectors = [("detector", m) for m in asked]
    assert too_long(detectors, 128, 128) == {"c": 2.5}  # .5 + 1 + 2, and no 2.5 more
    assert too_long(detectors, 128, 256) == {"a": 4.0, "c": 5.0}
    assert too_long(detectors, 256, 512) == {"a": 16.0, "b": 8.0, "c": 20.0}
    assert too_long(detectors, 64, 64) == {}


def test_what_looks_at_so_many_patches_only_takes_no_longer_on_larger_images():
    capped = [("estimator", model("capped", 0.5, most_patches=4))]
    assert too_long(capped, 4096, 4096) == {}
    assert list(too_long([("estimator", model("all", 0.5))], 4096, 4096)) == ["all"]


def test_detectors_of_one_network_count_once_and_its_maps_by_themselves():
    six = [("detector", model("net-up", 3.0))]
    six += [("detector", model(f"net-{n}", 3.0, "net-up")) for n in range(5)]
    assert too_long(six, 128, 128) == {}
    assert too_long([*six, ("localizer", model("net-map", 3.0, "net-up"))], 128, 128) == {
        "net-map": 3.0
    }
