"""What models said of files, kept as they say it, so that a stopped `forensics analyze` goes on."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

from forensics.atomic import replacing
from forensics.bench import sources
from forensics.errors import ForensicsError

Answer = dict[str, Any]


class StoredAnswers:
    """The answers about one file: a JSON file named by its content, with an answer for each model
    and place of its maps.

    folder: of all these files; sha256: of the file that is asked about; force: maps are to be
    written anew, so that answers with maps are not taken from here.

    A model is named by its kind and identity (`bench.identity.model`). Raises ForensicsError where
    the JSON file is damaged.
    """

    def __init__(self, folder: Path, sha256: str, force: bool = False) -> None:
        self._path = folder / f"{sha256}.json"
        self._force = force
        self._said: dict[str, Answer] = {}
        try:
            self._said = json.loads(self._path.read_text())
        except FileNotFoundError:
            pass
        except (OSError, ValueError) as error:
            raise ForensicsError(
                f"{self._path} is damaged ({error}): delete it, and its image is analyzed again"
            ) from None

    def get(self, model: str, target: Path | None) -> Answer | None:
        """What the model said before, with its maps at this place; None where it did not, or where
        the maps are gone."""
        answer = self._said.get(_key(model, target))
        if answer is None or (target is not None and self._force):
            return None
        there = answer.get("map") is None or Path(answer["map"]).is_file()
        return answer if there else None

    def put(self, model: str, target: Path | None, answer: Answer) -> None:
        """Keep an answer. Raises ForensicsError where it cannot be written."""
        self._said[_key(model, target)] = answer
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with replacing(self._path) as partial:
                partial.write_text(json.dumps(self._said, allow_nan=False))
        except OSError as error:
            raise ForensicsError(f"cannot write {self._path}: {error.strerror}") from None


def _key(model: str, target: Path | None) -> str:
    return sources.digest(_asking(), model, "" if target is None else str(target.absolute()))


@functools.cache
def _asking() -> str:
    """Hash of how models are asked here, beside what a model's identity covers."""
    here = Path(__file__).parent
    names = ("answers.py", "drawing.py", "maps.py")
    return sources.of_files(here, map(here.joinpath, names))
