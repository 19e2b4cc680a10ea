"""Plugins through real entry points: what they register, and what becomes of broken ones."""

import inspect
from importlib.metadata import EntryPoint, entry_points

import pluggy
import pytest

from forensics.errors import ForensicsError, UnknownName
from forensics.models import hookspecs, registry, selection
from forensics.models.entries import Entry, ModelEntry
from forensics.models.registry import Registry


def detector(name, extra=""):
    return (
        "@hookimpl\ndef forensics_detectors():\n"
        f"    return [ModelEntry({name!r}, 'nowhere:X', 'a test', traces=('jpeg',)){extra}]\n"
    )


def plugin(found, name):
    return next(p for p in found.plugins if p.name == name)


def test_the_toy_plugin_comes_in_through_its_entry_point(toy):
    found = registry.registry()
    assert plugin(found, "toy").distribution == "forensics-toy"
    assert plugin(found, "toy").version == "0.1"
    assert plugin(found, "toy").error is None
    assert plugin(found, "toy").registers["attacker"][0] == "toy-median"
    thing = found.get("toy-grain", "detector")
    assert (thing.plugin, thing.distribution) == ("toy", "forensics-toy")
    assert thing.kinds == ("detector",)
    assert type(thing.entry.make()).__name__ == "Grain"
    assert plugin(found, "builtin").registers["operation"][:2] == ("jpeg", "crop")


BROKEN = {
    "import": ("import not_there_at_all\n", "ModuleNotFoundError: No module named"),
    "syntax": ("def (:\n", "SyntaxError"),
    "exits": ("raise SystemExit(3)\n", "SystemExit: 3"),
    "raises": ("@hookimpl\ndef forensics_detectors():\n    raise OSError('no luck')\n", "no luck"),
    "entry": ("@hookimpl\ndef forensics_detectors():\n    return ['kl']\n", "ModelEntry"),
    "plain-entry": (
        "@hookimpl\ndef forensics_detectors():\n    return [Entry('x', 'a:b', 'c')]\n",
        "is not a ModelEntry",
    ),
    "nothing": ("@hookimpl\ndef forensics_detectors():\n    pass\n", ""),
    "unknown-hook": ("@hookimpl\ndef forensics_detektors():\n    return []\n", "detektors"),
    "arguments": ("@hookimpl\ndef forensics_detectors(x):\n    return []\n", "forensics_detectors"),
    "twice": (detector("twin", ", ModelEntry('twin', 'a:b', 'c')"), "'twin' twice"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_plugin_is_listed_with_its_error_and_the_rest_works(install, kind):
    source, words = BROKEN[kind]
    good = install("aa-good", detector("good"))
    # It registers something sound too, which has to go with it; it is loaded between two others.
    sound = "@hookimpl\ndef forensics_attackers():\n    return [ModelEntry('sound', 'a:b', 'c')]\n"
    broken = install("mm-broken", sound + source)
    later = install("zz-later", detector("later"))
    found = Registry([*later, *broken, *good])
    state = plugin(found, "mm-broken")
    if kind == "nothing":  # a hook that gives None is skipped by pluggy
        assert state.error is None
        return
    assert words in state.error
    assert "\n" not in state.error
    assert "Traceback" in state.traceback
    assert state.registers == {}
    assert (state.distribution, state.version) == ("mm-broken", "2.5")
    assert list(found.all("detector")) == ["good", "later"]
    assert {r.plugin for r in found.all("attacker").values()} == {"builtin"}
    assert "jpeg" in found.all("operation")


def test_the_command_line_lists_a_broken_plugin(install, command):
    install("broken", "import not_there_at_all\n")
    registry.registry.cache_clear()
    try:
        code, out, _ = command("plugins")
        assert code == 0
        assert "broken: ModuleNotFoundError" in " ".join(out.split())
        broken = plugin(registry.registry(), "broken")
        assert "not_there_at_all" in broken.error
        assert command("models")[0] == 0
    finally:
        registry.registry.cache_clear()


def test_an_entry_point_that_is_no_module_is_an_error():
    found = Registry([EntryPoint("pi", "math:pi", registry.GROUP)])
    assert "math:pi is not a module" in plugin(found, "pi").error


def test_strict_raises(install, monkeypatch):
    points = install("broken", "import not_there_at_all\n")
    monkeypatch.setenv("FORENSICS_STRICT", "1")
    with pytest.raises(ModuleNotFoundError, match="not_there_at_all"):
        Registry(points)


@pytest.mark.parametrize("hook", ["detectors", "attackers", "operations"])
def test_a_clash_names_both_distributions(install, hook):
    first = install("aa-first", detector("same"))
    clash = "@hookimpl\ndef forensics_%s():\n    return [ModelEntry(%r, 'a:b', 'c')]\n"
    # An attacker and an operation are both steps of a history; models share one space of names.
    second = install("bb-second", clash % (hook, "crop" if hook == "operations" else "same"))
    found = Registry([*first, *second])
    error = plugin(found, "bb-second").error
    assert "bb-second" in error
    assert ("image-forensics" if hook == "operations" else "aa-first") in error
    assert found.get("same", "detector").distribution == "aa-first"


def test_an_attacker_may_not_take_the_name_of_an_operation(install):
    source = "@hookimpl\ndef forensics_attackers():\n    return [ModelEntry('jpeg', 'a:b', 'c')]\n"
    found = Registry(install("taker", source))
    assert "image-forensics" in plugin(found, "taker").error
    assert found.get("jpeg", "attacker", "operation").distribution == "image-forensics"


def test_every_hook_says_what_it_is_for():
    specs = {
        name: function
        for name, function in inspect.getmembers(hookspecs, inspect.isfunction)
        if name.startswith("forensics_")
    }
    assert set(specs) == {f"forensics_{kind}s" for kind in registry.KINDS}
    manager = pluggy.PluginManager("forensics")
    manager.add_hookspecs(hookspecs)
    for name, function in specs.items():
        assert hasattr(manager.hook, name)
        assert len((function.__doc__ or "").split()) >= 5, f"{name} needs a docstring"
        assert "return" in function.__annotations__, f"{name} needs a return type"


def names(*texts, kind="detector"):
    return [str(m) for m in selection.models(texts, kind)]


@pytest.mark.usefixtures("toy")
class TestSelection:
    def test_names_globs_and_groups(self):
        assert names("toy-zeros", "toy-grain") == ["toy-zeros", "toy-grain"]
        assert names("toy-[gz]*") == ["toy-grain", "toy-zeros"]
        assert names("toy-grain", "toy-g*") == ["toy-grain"]
        assert names("none") == []
        toys = [m for m in names("all") if m.startswith("toy-")]
        assert toys == names("plugin:toy")
        assert "toy-median" not in toys
        attackers = names("plugin:toy", kind="attacker")
        assert attackers[:2] == ["toy-median", "toy-jpeg-only"]
        assert all(name.startswith("toy-") for name in attackers)
        judges = names("trace:djpeg")
        assert "toy-narrow" in judges
        assert "toy-raises" not in judges

    def test_options_are_read_as_yaml_and_sorted(self):
        assert names("toy-grain:scale=2.5") == ["toy-grain:scale=2.5"]
        model = selection.model("toy-grain:scale=2.5", "detector")
        assert model.create().scale == 2.5
        assert selection.parse_options("b=true, a=1,c=x") == (("a", 1), ("b", True), ("c", "x"))
        assert selection.model("toy-grain:scale=3", "detector").create().scale == 3

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("toy-grian", "did you mean 'toy-grain'"),
            ("zzzzzz", "there are: "),
            ("toy-q*", "no model is called 'toy-q*'"),
            ("trace:djpg", "did you mean 'djpeg'"),
            ("plugin:toi", "did you mean 'toy'"),
            ("toy-median", "no detector is called"),
        ],
    )
    def test_an_unknown_name_says_what_was_meant(self, text, words):
        with pytest.raises(UnknownName) as error:
            names(text)
        assert words in str(error.value)

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("toy-grain:scael=2", "did you mean 'scale'"),
            ("toy-grain:scale=wide", "takes float, not wide"),
            ("toy-grain:scale=true", "takes float, not true"),
            ("toy-grain:scale", "key=value"),
            ("toy-grain:=2", "key=value"),
            ("toy-grain:scale=[", "cannot read '['"),
        ],
    )
    def test_options_are_checked(self, text, words):
        with pytest.raises(ForensicsError) as error:
            selection.model(text, "detector").create()
        assert words in str(error.value)


def test_real_installed_entry_points_of_this_environment_load(monkeypatch):
    monkeypatch.setenv("FORENSICS_STRICT", "1")
    found = Registry(entry_points(group=registry.GROUP))
    assert all(p.error is None for p in found.plugins)


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (lambda: Entry("two words", "m:C", ""), "letters, digits"),
        (lambda: Entry("kl:x=1", "m:C", ""), "letters, digits"),
        (lambda: ModelEntry("mine", "m:C", "", traces="jpeg"), "tuple of names"),
        (lambda: ModelEntry("mine", "m:C", "", traces=("nope[",)), "written djpeg"),
    ],
)
def test_an_entry_that_could_not_be_asked_for_is_refused_when_it_is_made(made, words):
    with pytest.raises(ForensicsError, match=words):
        made()
