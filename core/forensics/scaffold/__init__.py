"""A new plugin from a template: small, real, and installable as it is."""

from __future__ import annotations

import importlib.util
import re
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template

from forensics.errors import ForensicsError
from forensics.models.registry import MODEL_KINDS, registry

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


def write(name: str, into: Path) -> Path:
    """The folder `forensics-NAME` under `into`: a distribution with the detector NAME, the
    attacker NAME-dither, and tests.

    Raises ForensicsError where the name is none, is taken by something that is installed, or
    where the folder is there or cannot be written.
    """
    if not _NAME.fullmatch(name):
        raise ForensicsError(
            f"a plugin's name is lower-case letters, digits and single hyphens, such as streaks "
            f"or double-jpeg, not {name!r}"
        )
    package = f"forensics_{name.replace('-', '_')}"
    _check_free(name, package)
    folder = into / f"forensics-{name}"
    if folder.exists():
        raise ForensicsError(f"{folder} is there already: choose another name or --into")
    values = {"name": name, "package": package}
    try:
        for target, content in _rendered(files(__name__) / "template", values):
            path = folder / target
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
    except OSError as error:
        raise ForensicsError(
            f"cannot write {folder}: {error.strerror}; choose another --into"
        ) from None
    return folder


def _check_free(name: str, package: str) -> None:
    for plugin in registry().plugins:
        if plugin.name == name:
            raise ForensicsError(
                f"a plugin {name} is installed ({plugin.distribution}): choose another name"
            )
    for model in (name, f"{name}-dither"):
        for kind in (*MODEL_KINDS, "operation"):
            if model in registry().all(kind):
                owner = registry().get(model, kind).distribution
                raise ForensicsError(
                    f"{owner} has the {kind} {model}, and names are unique: choose another name"
                )
    if importlib.util.find_spec(package) is not None:
        raise ForensicsError(f"a package {package} is installed: choose another name")


def _rendered(folder: Traversable, values: dict[str, str]) -> list[tuple[str, str]]:
    """Path and text of every file of the template. Each ends in `.in`, so that no tool takes it
    for source; `package` in a path stands for the plugin's."""
    found = []
    for entry in sorted(folder.iterdir(), key=lambda e: e.name):
        if entry.is_dir():
            inside = values["package"] if entry.name == "package" else entry.name
            found += [(f"{inside}/{path}", text) for path, text in _rendered(entry, values)]
        else:
            text = Template(entry.read_text()).substitute(values)
            found.append((entry.name.removesuffix(".in"), text))
    return found
