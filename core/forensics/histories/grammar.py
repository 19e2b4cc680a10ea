"""How histories are written: where a step begins and ends, and what stands in its parentheses.

    history   = [step {space step}]
    step      = name [":" options] ["(" [argument {"," argument}] ")"]
    argument  = [name "="] (value | "{" name "}" | history)

This module knows texts only; `histories` knows what they stand for. Every piece keeps its place in
the whole text, so that an error can show it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from forensics.errors import ForensicsError

_HEAD = re.compile(r"(?P<name>[A-Za-z][\w-]*)(:(?P<options>[^()\s]+))?")
_KEYWORD = re.compile(r"\s*([A-Za-z]\w*)\s*=")


@dataclass(frozen=True)
class Piece:
    """A part of a text: from character `start` up to `end`."""

    whole: str
    start: int
    end: int

    def __str__(self) -> str:
        return self.whole[self.start : self.end]

    def error(self, why: str) -> ForensicsError:
        """The sentence that says what is wrong, and where."""
        return ForensicsError(
            f"{self.whole!r} is not a history: {why}, at character {self.start + 1}; write steps "
            "such as `jpeg(60) crop(3,5) jpeg(90)`"
        )


@dataclass(frozen=True)
class Argument:
    """keyword: empty where it is known by its place."""

    keyword: str
    value: Piece


@dataclass(frozen=True)
class Written:
    """One step as it is written. arguments: None where there are no parentheses."""

    piece: Piece
    name: str
    options: str
    arguments: tuple[Argument, ...] | None


def steps(text: Piece) -> Iterator[Written]:
    """The steps of a history, in order. Raises ForensicsError where the text is none."""
    position = _past_spaces(text, text.start)
    while position < text.end:
        step = _step(text, position)
        yield step
        position = _past_spaces(text, step.piece.end)


def _past_spaces(text: Piece, position: int) -> int:
    while position < text.end and text.whole[position].isspace():
        position += 1
    return position


def _step(text: Piece, start: int) -> Written:
    head = _HEAD.match(text.whole, start, text.end)
    end = head.end() if head else start
    arguments = None
    if head and end < text.end and text.whole[end] == "(":
        inside = Piece(text.whole, end + 1, _closing(text, start, end))
        arguments = tuple(_arguments(inside))
        end = inside.end + 1
    if head is None or (end < text.end and not text.whole[end].isspace()):
        word = str(Piece(text.whole, start, text.end)).split()[0]
        raise Piece(text.whole, end, text.end).error(f"cannot read {word!r}")
    piece = Piece(text.whole, start, end)
    return Written(piece, head["name"], head["options"] or "", arguments)


def _closing(text: Piece, start: int, opening: int) -> int:
    """Where the parenthesis that opens at `opening` closes."""
    depth = 0
    for position in range(opening, text.end):
        depth += {"(": 1, ")": -1}.get(text.whole[position], 0)
        if depth == 0:
            return position
    word = str(Piece(text.whole, start, text.end)).split()[0]
    raise Piece(text.whole, opening, text.end).error(
        f"cannot read {word!r}: its parenthesis is never closed"
    )


def _arguments(inside: Piece) -> Iterator[Argument]:
    """What stands between the commas that are in no inner parentheses."""
    if not str(inside).strip():
        return
    depth, start = 0, inside.start
    for position in range(inside.start, inside.end + 1):
        letter = inside.whole[position] if position < inside.end else ","
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if letter == "," and depth == 0:
            yield _argument(inside.whole, start, position)
            start = position + 1


def _argument(whole: str, start: int, end: int) -> Argument:
    named = _KEYWORD.match(whole, start, end)
    value = Piece(whole, named.end() if named else start, end)
    begin = _past_spaces(value, value.start)
    stripped = Piece(whole, begin, begin + len(str(value).strip()))
    if begin == end:
        raise Piece(whole, start, end).error("there is an argument missing")
    return Argument(named[1] if named else "", stripped)
