"""Hashes of what modules do: of their syntax trees, and of the modules that they import."""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.util
from collections.abc import Iterable, Iterator
from pathlib import Path


def digest(*parts: str) -> str:
    """24 hexadecimal digits of a hash of these texts."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:24]


def of_files(root: Path, files: Iterable[Path]) -> str:
    """Hash of Python files below a folder: of their names and syntax, without docstrings. Comments
    and the layout of lines change nothing."""
    return digest(*(f"{file.relative_to(root)}:{_syntax(file)}" for file in sorted(set(files))))


@functools.cache
def of_module(name: str) -> str:
    """The same of an installed module and of all modules of its package that it imports, wherever
    the import stands, and those that these import in turn. Of a package that is not there the hash
    of nothing: who loads it says so."""
    package = name.partition(".")[0]
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        return digest()
    root = Path(spec.origin).parent if spec.submodule_search_locations else None
    if root is None:  # a single module
        return of_files(Path(spec.origin).parent, [Path(spec.origin)])
    files: dict[str, Path] = {}
    waiting = [name]
    while waiting:
        for module in _with_packages(waiting.pop()):
            path = _path(root, module)
            if module not in files and path is not None:
                files[module] = path
                waiting += _imported(module, path, package)
    return of_files(root, files.values())


def _with_packages(name: str) -> list[str]:
    """A module and the packages that it lies in, which an import runs too."""
    words = name.split(".")
    return [".".join(words[: n + 1]) for n in range(len(words))]


def _path(root: Path, module: str) -> Path | None:
    """The file of a module of the package in this folder; None where there is none of that name."""
    inside = root.joinpath(*module.split(".")[1:])
    for path in (inside / "__init__.py", inside.with_suffix(".py")):
        if path.is_file():
            return path
    return None


def _imported(module: str, path: Path, package: str) -> Iterator[str]:
    """What a module imports of its package: of `from a import b` both a and a.b."""
    inside = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    for node in ast.walk(_tree(path)):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = inside[: len(inside) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            names = [base, *(f"{base}.{alias.name}" for alias in node.names)]
        yield from (name for name in names if name.partition(".")[0] == package)


def _syntax(path: Path) -> str:
    return ast.dump(_tree(path))


def _tree(path: Path) -> ast.Module:
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                node.body = node.body[1:]
    return tree
