"""Who may import whom: the layers of the core, its plugins, and what stays light.

The layers are those of ARCHITECTURE.md. An import may only go down, to a layer with a smaller
number; modules of one part (a folder, or the files named together) may import one another.
"""

import ast
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CORE = ROOT / "core" / "forensics"

# part -> (layer, the modules or packages directly under `forensics` that are the part)
PARTS = {
    "errors": (0, {"errors"}),
    "foundation": (1, {"atomic", "device", "progress", "random"}),
    "jpeg": (2, {"jpeg"}),
    "batch": (3, {"batch"}),
    "images": (4, {"images"}),
    "models": (4, {"models"}),
    "scaffold": (5, {"scaffold"}),
    "histories": (5, {"histories"}),
    "traces": (6, {"traces"}),
    "metrics": (7, {"metrics"}),
    "data": (7, {"data"}),
    "bench": (8, {"bench"}),
    "training": (8, {"training"}),
    "testing": (8, {"testing"}),
    "calibration": (9, {"calibration"}),
    "experiments": (10, {"experiments"}),
    "api": (10, {"api"}),
    "cli": (11, {"cli"}),
}
PART_OF = {module: part for part, (_, modules) in PARTS.items() for module in modules}
# It names the core's own entries as strings, like a plugin; the top level imports at first use.
BUILTIN_MAY = {"forensics.models.entries", "forensics.models.hookspecs"}
TOP_MAY = {"forensics.models.hookspecs"}


def sources(folder):
    return sorted(p for p in folder.rglob("*.py") if "__pycache__" not in p.parts)


def module_name(path, root):
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(path, root):
    """(line, module) of every import that happens at run time, wherever it stands."""
    text = path.read_text()
    tree = ast.parse(text)
    typing_only = {
        id(node)
        for test in ast.walk(tree)
        if isinstance(test, ast.If) and "TYPE_CHECKING" in ast.unparse(test.test)
        for part in test.body
        for node in ast.walk(part)
    }
    package = module_name(path, root).split(".")
    if path.name != "__init__.py":
        package = package[:-1]
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package[: len(package) - node.level + 1]
                base = ".".join([*above, *([base] if base else [])])
            # `from forensics import images` imports a module, `from forensics.batch import Batch`
            # a name; the first two parts of the dotted name are what counts here.
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)


def offences():
    for path in sources(CORE):
        name = module_name(path, CORE.parent)
        head = name.split(".")[1] if "." in name else ""
        for line, target in imported(path, CORE.parent):
            where = f"{path.relative_to(ROOT)}:{line}: {name} imports {target}"
            words = target.split(".")
            if words[0].startswith("forensics_"):
                yield f"{where}: the core imports no plugin"
            if words[0] != "forensics":
                if head == "nn" and words[0] not in {
                    "torch",
                    "numpy",
                    "numba",
                    "__future__",
                    *sys.stdlib_module_names,
                }:
                    yield f"{where}: nn imports torch, numba, forensics.jpeg and .device only"
                continue
            dotted = ".".join(words[:2])
            if not head or head == "builtin":
                allowed = BUILTIN_MAY if head else TOP_MAY
                if ".".join(words[:3]) not in allowed:
                    yield f"{where}: it may import {', '.join(sorted(allowed))} only"
                continue
            if head == "nn":
                if dotted not in {"forensics.nn", "forensics.jpeg", "forensics.device"}:
                    yield f"{where}: nn imports torch, numba, forensics.jpeg and .device only"
                continue
            if words[1] == "hookimpl" or words[1] == "nn":
                continue
            if words[1] not in PART_OF:
                yield f"{where}: core modules import no builtin and no name of the top level"
                continue
            own, other = PART_OF[head], PART_OF[words[1]]
            if own != other and PARTS[other][0] >= PARTS[own][0]:
                yield (
                    f"{where}: {own} (layer {PARTS[own][0]}) may not import {other} "
                    f"(layer {PARTS[other][0]}); imports go down only"
                )


def test_every_module_of_the_core_has_a_place():
    heads = {
        module_name(p, CORE.parent).split(".")[1]
        for p in sources(CORE)
        if p.parent == CORE and p.name != "__init__.py"
    }
    heads |= {p.name for p in CORE.iterdir() if (p / "__init__.py").is_file()}
    assert heads - set(PART_OF) <= {"builtin", "nn", "plugin"}, (
        "name the layer of a new module in PARTS"
    )


def test_the_lines_of_the_document_are_the_layers():
    """Every part stands in the drawing of ARCHITECTURE.md, higher ones on higher lines."""
    text = (ROOT / "ARCHITECTURE.md").read_text().partition("## Who may import whom")[2]
    drawing = [line[:40].split() for line in text.splitlines() if line.startswith("    ")]
    lines = {
        part: [n for n, words in enumerate(drawing) if modules <= set(words)]
        for part, (_, modules) in PARTS.items()
    }
    places = {part: numbers[0] for part, numbers in lines.items() if numbers}
    assert set(places) == set(PARTS)
    for part, (layer, _) in PARTS.items():
        for other, (below, _) in PARTS.items():
            assert not (layer > below and places[part] > places[other]), f"{part}, {other}"


def test_imports_of_the_core_go_down_only():
    found = list(offences())
    assert not found, "\n" + "\n".join(found)


def graph():
    """Module of the core -> the modules of the core that it imports at run time."""
    paths = {module_name(p, CORE.parent): p for p in sources(CORE)}
    found = {}
    for name, path in paths.items():
        targets = [t for _, t in imported(path, CORE.parent)]
        known = [t if t in paths else t.rpartition(".")[0] for t in targets]
        found[name] = {t for t in known if t in paths and t != name}
    return found


def test_no_modules_import_one_another_in_a_circle():
    sorter = TopologicalSorter(graph())
    try:
        sorter.prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def plugin_modules():
    for folder in sorted((ROOT / "plugins").iterdir()):
        for path in sources(folder):
            if "tests" not in path.relative_to(folder).parts:
                yield folder, path


def test_plugins_import_the_core_and_never_one_another():
    found, seen = [], 0
    for folder, path in plugin_modules():
        seen += 1
        for line, target in imported(path, folder):
            first = target.split(".")[0]
            if first.startswith("forensics_") and first != f"forensics_{folder.name}":
                found.append(f"{path.relative_to(ROOT)}:{line}: a plugin imports {first}")
    assert seen >= 5
    assert not found, "\n" + "\n".join(found)


def test_the_rule_can_be_broken(tmp_path):
    """The reader of imports sees every form of them, and leaves out what only types need."""
    package = tmp_path / "forensics"
    (package / "images").mkdir(parents=True)
    path = package / "images" / "stream.py"
    path.write_text(
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    from forensics import cli\n"
        "import forensics.bench.loop\n"
        "from forensics import traces\n"
        "from ..data import folder\n"
        "from . import header\n"
        "def late():\n    from forensics.metrics.cost import psnr\n"
    )
    assert [target for _, target in imported(path, tmp_path)] == [
        "typing.TYPE_CHECKING",
        "forensics.bench.loop",
        "forensics.traces",
        "forensics.data.folder",
        "forensics.images.header",
        "forensics.metrics.cost.psnr",
    ]


LIGHT = "import sys; {}; print([m for m in ('torch', 'sklearn', 'skimage') if m in sys.modules])"


@pytest.mark.parametrize(
    "module",
    [
        "",
        ".errors",
        ".plugin",
        *(
            f".models.{name}"
            for name in ("entries", "hookspecs", "interfaces", "registry", "selection", "weights")
        ),
    ],
)
def test_light_modules_import_neither_torch_nor_scikit_learn(module):
    line = LIGHT.format(f"import forensics{module}")
    done = subprocess.run([sys.executable, "-c", line], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("[]\n", "")


@pytest.mark.parametrize(
    "arguments",
    [
        *(["--help"], ["-h"], ["--version"], ["plugins"], ["plugins", "--verbose"]),
        *(["models"], ["models", "--json"], ["models", "toy-*"], ["models", "toy-*", "toy-zeros"]),
        ["traces"],
    ],
)
def test_listing_commands_import_neither_torch_nor_scikit_learn(arguments, toy):
    script = (
        "import atexit, runpy, sys\n"
        "atexit.register(lambda: print(*sys.modules, sep='\\n', file=sys.stderr))\n"
        f"sys.argv = ['forensics', *{arguments!r}]\n"
        "runpy.run_module('forensics.cli', run_name='__main__')\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0
    assert done.stdout
    loaded = set(done.stderr.splitlines())
    assert "forensics.cli" in loaded
    if arguments[0] in ("models", "plugins"):
        assert "forensics_toy.plugin" in loaded
    assert not loaded & {"torch", "sklearn", "skimage"}
