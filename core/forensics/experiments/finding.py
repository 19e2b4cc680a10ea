"""The tables that can be reproduced: `experiments/*.yaml` in the package of every plugin."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

from forensics.errors import ForensicsError, unknown
from forensics.experiments.schema import Preset, read
from forensics.models.registry import package_folder, registry


@dataclass(frozen=True)
class Experiment:
    """One table of a plugin. package: the plugin's import package; path: the YAML file."""

    plugin: str
    package: str
    path: Path

    @property
    def name(self) -> str:
        """The file's name without its suffix."""
        return self.path.stem

    def __str__(self) -> str:
        return f"{self.plugin}:{self.name}"

    @functools.cached_property
    def preset(self) -> Preset:
        """The content of the file. Raises ForensicsError as `schema.read` does."""
        try:
            text = self.path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ForensicsError(f"cannot read {self.path}: {error}") from None
        return read(text, str(self.path))

    @property
    def result(self) -> Path:
        """The file of the last result, beside the experiments."""
        return self.path.parent / "results" / f"{self.name}.json"

    @property
    def again(self) -> str:
        """The command that measures the table and keeps the result."""
        return f"`forensics reproduce {self} --save`"


def experiments() -> list[Experiment]:
    """The tables of all plugins that load, by plugin and name; no file is opened."""
    tables = []
    for plugin in registry().plugins:
        folder = package_folder(plugin.package) if plugin.error is None else None
        paths = sorted((folder / "experiments").glob("*.yaml")) if folder else []
        tables += [Experiment(plugin.name, plugin.package, path) for path in paths]
    return tables


def named(text: str) -> list[Experiment]:
    """The tables of `PLUGIN`, or the one of `PLUGIN:TABLE`. Raises UnknownName, and ForensicsError
    for a plugin that is broken or has no tables."""
    name, _, table = text.partition(":")
    plugins = {plugin.name: plugin for plugin in registry().plugins}
    if name not in plugins:
        raise unknown("plugin", name, plugins)
    if plugins[name].error is not None:
        raise ForensicsError(f"the plugin {name} does not load: {plugins[name].error}")
    tables = [e for e in experiments() if e.plugin == name]
    if not tables:
        raise ForensicsError(f"the plugin {name} has no experiments/*.yaml to reproduce")
    if not table:
        return tables
    if table not in {e.name for e in tables}:
        raise unknown(f"table of {name}", table, [e.name for e in tables])
    return [e for e in tables if e.name == table]
