"""Which models a large image leaves time for."""

from forensics.models.entries import ModelEntry
from forensics.models.registry import Registered
from forensics.models.selection import Model, too_long


def model(name, seconds, weights_of="", most_patches=0):
    entry = ModelEntry(
        name, "m:M", "", seconds=seconds, weights_of=weights_of, most_patches=most_patches
    )
    return Model(Registered(entry, ("detector",), "toy", "", "0"))


def test_the_quickest_are_asked_for_as_long_as_three_seconds_last():
    asked = [model("a", 1.25), model("b", 0.75), model("c", 1.5), model("d", 0.25)]
    detectors = [("detector", m) for m in asked]
    assert too_long(detectors, 128, 128) == {"c": 1.5}  # .25 + .75 + 1.25, and no 1.5 more
    assert too_long(detectors, 128, 256) == {"a": 2.5, "c": 3.0}
    assert too_long(detectors, 256, 512) == {"a": 10.0, "b": 6.0, "c": 12.0}
    assert too_long(detectors, 64, 64) == {}


def test_what_looks_at_so_many_patches_only_takes_no_longer_on_larger_images():
    capped = [("estimator", model("capped", 0.5, most_patches=4))]
    assert too_long(capped, 4096, 4096) == {}
    assert list(too_long([("estimator", model("all", 0.5))], 4096, 4096)) == ["all"]


def test_detectors_of_one_network_count_once_and_its_maps_by_themselves():
    six = [("detector", model("net-up", 2.0))]
    six += [("detector", model(f"net-{n}", 2.0, "net-up")) for n in range(5)]
    assert too_long(six, 128, 128) == {}
    assert too_long([*six, ("localizer", model("net-map", 2.0, "net-up"))], 128, 128) == {
        "net-map": 2.0
    }
