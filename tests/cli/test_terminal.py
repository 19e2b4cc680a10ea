"""What is printed fits the terminal: no column is cut off, no name broken where it need not be."""

import pytest

from forensics.cli.terminal import lines, table

HEADER = ["model", "trace", *(f"attacker-{n}\nAUC, pe_cv" for n in range(9))]
ROWS = [[f"model-{m}", "jpeg", *(f".{m}{n} .50 ±.01" for n in range(9))] for m in range(3)]


def test_a_wide_table_comes_in_parts_that_hold_everything():
    text = table(HEADER, ROWS, keys=2, rule=2)
    assert max(map(len, text.splitlines())) <= 100
    words = text.split()
    assert all(words.count(f"attacker-{n}") == 1 for n in range(9))
    assert all(words.count(f".{m}{n}") == 1 for m in range(3) for n in range(9))
    assert words.count("model-0") == words.count("trace") == 2


def test_a_table_that_just_fits_is_one():
    # The margins, two gaps, and columns of 30, 30 and 32 characters: 100 less the margin right.
    row = ["a" * 30, "b" * 30, "c" * 32]
    assert len(table(["x", "y", "z"], [row], keys=1).splitlines()) == 3
    wider = [*row[:2], "c" * 33]
    assert len(table(["x", "y", "z"], [wider], keys=1).splitlines()) == 7


def test_long_keys_are_broken_and_nothing_of_them_is_lost():
    name = "".join(chr(97 + n % 26) for n in range(150))
    text = table(["file", "kl", "kf"], [[name, "0.5", "0.25"]], ("file",), keys=1)
    assert max(map(len, text.splitlines())) <= 100
    rows = [line.split() for line in text.splitlines()[2:]]
    assert rows[0][1:] == ["0.5", "0.25"]
    assert "".join(row[0] for row in rows) == name


@pytest.mark.parametrize("name", ["a[bold]b.png", ":smile:.png", "[/red].png"])
def test_names_are_no_markup(name):
    assert name in table(["file", "score"], [[name, "1"]])


def test_lines_hang():
    text = lines("word " * 40, 4)
    first, second, *_ = text.splitlines()
    assert len(first) <= 98
    assert second.startswith("    word")
    assert text.split() == ["word"] * 40
