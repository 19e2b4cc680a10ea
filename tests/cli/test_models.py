"""`forensics models` and `plugins`: a line a model, everything about one, counts of the rest."""

import json

import pytest

from forensics.models.registry import MODEL_KINDS, registry

pytestmark = pytest.mark.usefixtures("toy")


def rows(out):
    """(plugin, kind, name) of every line of a model, from how far it is indented."""
    found, plugin, kind = [], "", ""
    for line in out.splitlines():
        if line.startswith("    "):
            found.append((plugin, kind, line.split()[0]))
        elif line.startswith("  "):
            kind = line.strip()
        elif line:
            plugin = line.split()[0]
    return found


def test_models_have_a_line_each_by_plugin_and_kind(command):
    code, out, _ = command("models")
    assert code == 0
    assert max(map(len, out.splitlines())) <= 100
    everything = [
        (thing.plugin, f"{kind}s", name)
        for kind in MODEL_KINDS
        for name, thing in registry().all(kind).items()
    ]
    assert sorted(rows(out)) == sorted(everything)
    # Of three kinds, so three times; its plugin's version is in the heading.
    assert [kind for _, kind, name in rows(out) if name == "toy-everything"] == [
        *("detectors", "estimators", "localizers")
    ]
    assert "\ntoy 0.1\n  detectors\n" in out


def test_a_line_has_weights_first_trace_and_summary(command):
    out = command("models", "toy-*")[1]
    lines = dict(line.split(maxsplit=1) for line in out.splitlines() if line.startswith("    "))
    assert lines["toy-trained"].split("  ")[0] == "missing"
    assert "djpeg +1" in lines["toy-zeros"]
    assert "zeros among the coefficients" in lines["toy-zeros"]
    # Its trace without the restriction.
    assert lines["toy-narrow"].split() == ["unneeded", "djpeg", "some", "points", "only"]
    assert "every slot" in lines["toy-median"]


def test_globs_and_names_narrow_the_listing(command):
    out = command("models", "toy-[mz]*", "toy-gra?n")[1]
    assert [name for *_, name in rows(out)] == ["toy-grain", "toy-zeros", "toy-median"]
    out = command("models", "toy-grain", "toy-zeros")[1]
    assert [name for *_, name in rows(out)] == ["toy-grain", "toy-zeros"]


def test_everything_about_a_named_model(command):
    code, out, _ = command("models", "toy-slow")
    assert code == 0
    assert out.splitlines() == [
        "toy-slow (toy 0.1, forensics-toy)",
        "  kind        detector: slow",
        "  traces      jpeg, djpeg, djpeg-shifted",
        "  needs       pixels",
        "  time        0.51 s a gray patch of 128 x 128, of processor time "
        "(slower than half a second a",
        "              patch: name it to run it)",
        "  options     scale=1.0: of the score",
        "  weights     none needed",
    ]
    out = command("models", "toy-narrow")[1]
    assert "  traces      djpeg[q2=70..80]\n" in out
    out = command("models", "toy-everything")[1]
    assert "detector, estimator, localizer: local variance\n" in out
    assert "  needs       gray, sides are multiples of 8\n" in out
    assert "  options     blind=false: answer none\n" in out
    assert "\n              breaks=: what to break\n" in out


def test_options_are_in_json_where_a_model_is_named(command):
    for names, wanted in ((["toy-grain"], True), (["toy-gr??n"], False)):
        (grain,) = json.loads(command("models", *names, "--json")[1])["models"]
        assert grain["name"] == "toy-grain"
        assert ("options" in grain) == wanted
        if wanted:
            assert grain["options"] == {"scale": {"default": 1.0, "about": "of the score"}}


def test_cards_of_weights_in_words(command, home):
    assert "  weights     toy-trained: missing\n" in command("models", "toy-trained")[1]
    folder = home / "weights" / "toy-trained"
    folder.mkdir(parents=True)
    figure = {"split": "val", "crops": 40, "side": 64, "photographs": 20}
    card = {
        "recipe": "toy:rate=0.1",
        "data": {"train": {"photographs": 221}},
        "steps": 300,
        "seconds": 90.0,
        "figures": [figure | {"values": {"auc": 0.98765, "loss": None}}],
        "limits": ["gray only", "never on a Sunday"],
        "sha256": "",
    }
    (folder / "toy-trained.json").write_text(json.dumps(card))
    (folder / "toy-trained.safetensors").write_bytes(b"")
    out = command("models", "toy-trained")[1]
    expected = """\
  weights     toy-trained (user): recipe toy:rate=0.1, 221 photographs seen, 300 steps in 1.5
              minutes
              auc 0.988, loss n/a (val, 40 crops of 64 x 64 from 20 photographs)
              limit: gray only
              limit: never on a Sunday
"""
    assert out.endswith(expected)
    listed = command("models", "toy-tr*")[1]
    assert " toy-trained  user  jpeg +2  has to be trained\n" in listed


@pytest.mark.parametrize("more", [[], ["--json"], ["toy-zeros"]])
def test_an_unknown_model(command, more):
    code, out, err = command("models", "toy-grian", *more)
    assert (code, out) == (1, "")
    assert err == "error: no model is called 'toy-grian'; did you mean 'toy-grain'?\n"
    assert "no model is called 'toy-x*'" in command("models", "toy-x*", *more)[2]


def test_models_and_plugins_as_json(command, home):
    content = json.loads(command("models", "--json")[1])
    toys = {m["name"]: m for m in content["models"] if m["distribution"] == "forensics-toy"}
    assert toys["toy-zeros"]["needs"] == "JPEG"
    assert toys["toy-trained"]["weights"] == "missing"
    assert toys["toy-grain"]["weights"] == "none needed"
    assert toys["toy-median"]["kind"] == "attacker"
    content = json.loads(command("plugins", "--json")[1])
    assert content["places"]["weights"] == str(home / "weights")
    toy = next(p for p in content["plugins"] if p["name"] == "toy")
    assert (toy["distribution"], toy["version"], toy["error"]) == ("forensics-toy", "0.1", None)


def test_plugins_counts_and_names_at_verbose(command, home):
    code, out, _ = command("plugins")
    assert code == 0
    assert max(len(line) for line in out.splitlines() if str(home) not in line) <= 100
    words = " ".join(out.split())
    from forensics_toy import plugin

    attackers, traces = len(plugin.forensics_attackers()), len(plugin.forensics_traces())
    toy = words[words.index(" toy forensics-toy 0.1 detectors ") :]
    assert f", attackers {attackers}, operations 1, traces {traces}" in toy
    assert f" detectors {len(plugin.forensics_detectors())}, estimators 4, localizers " in toy
    assert "toy-grain" not in out
    out = command("plugins", "--verbose")[1]
    assert "\ntoy\n  detectors   toy-everything, toy-grain, toy-raises, toy-zeros," in out
    assert "\n  localizers  toy-everything" in out
    assert "\n  traces      toy-slot, toy-pasted\n" in out
