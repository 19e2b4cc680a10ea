"""Which tables there are: the files `experiments/*.yaml` of every plugin's package."""

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
        """The name of the file, without its suffix."""
        return self.path.stem

    def __str__(self) -> str:
        return f"{self.plugin}:{self.name}"

    @functools.cached_property
    def preset(self) -> Preset:
        """What the file holds. Raises ForensicsError as `schema.read` does."""
        try:
            text = self.path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ForensicsError(f"cannot read {self.path}: {error}") from None
        return read(text, str(self.path))

    @property
    def result(self) -> Path:
        """Where the last result is kept, beside the experiments."""
        return self.path.parent / "results" / f"{self.name}.json"

    @property
    def again(self) -> str:
        """The command that makes it."""
        return f"`forensics reproduce {self} --save`"


def experiments() -> list[Experiment]:
    """Every table of every plugin that loads, by plugin and name; no file is opened."""
    found = []
    for plugin in registry().plugins:
        folder = package_folder(plugin.package) if plugin.error is None else None
        paths = sorted((folder / "experiments").glob("*.yaml")) if folder else []
        found += [Experiment(plugin.name, plugin.package, path) for path in paths]
    return found


def named(text: str) -> list[Experiment]:
    """The tables that `PLUGIN` or `PLUGIN:TABLE` stands for. Raises UnknownName with what was
    meant, and ForensicsError for a plugin that has no tables or is broken."""
    name, _, table = text.partition(":")
    plugins = {plugin.name: plugin for plugin in registry().plugins}
    if name not in plugins:
        raise unknown("plugin", name, plugins)
    if plugins[name].error is not None:
        raise ForensicsError(f"the plugin {name} does not load: {plugins[name].error}")
    those = [e for e in experiments() if e.plugin == name]
    if not those:
        raise ForensicsError(f"the plugin {name} has no experiments/*.yaml to reproduce")
    if not table:
        return those
    if table not in {e.name for e in those}:
        raise unknown(f"table of {name}", table, [e.name for e in those])
    return [e for e in those if e.name == table]
