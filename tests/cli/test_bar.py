"""What is said of how far a command has come: on a terminal, and where there is none."""

import io
import os
import pty
import re
import select
import sys
import threading
import time

import click
import pytest

from forensics import progress as told
from forensics.cli import bar


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still until the test moves it."""
    now = [1000.0]
    monkeypatch.setattr(bar.time, "monotonic", lambda: now[0])

    def at(seconds):
        now[0] = 1000.0 + seconds

    made = bar._Clock("photographs")
    return at, made


def test_the_time_left_is_that_of_the_rest_at_the_same_pace(clock):
    at, made = clock
    assert made.line() == "preparing, about 0 s so far"
    made.tell(0, 10)
    at(60)
    made.tell(4, 10)
    assert made.line() == "4 of 10 photographs, about 60 s so far, about 2 min left"  # 90 s
    at(100)
    assert made.left == ", about 50 s left"  # it goes down while nothing is told
    at(300)
    assert made.left == ", about 4 min left"  # and is no promise: 240 s without a word
    made.tell(10, 10)
    assert made.line().endswith("about 0 s left")


def test_what_was_stored_does_not_count_as_pace(clock):
    at, made = clock
    at(1)
    made.tell(90, 100)  # at once, of a store
    at(61)
    made.tell(92, 100)  # 60 s for two
    assert made.left == ", about 4 min left"
    made.tell(90, 100)
    assert made.left == ""  # nothing is known


def test_a_share_of_one(clock):
    _, made = clock
    made.tell(0.25, 1, "phase 1, step 5")
    assert made.amount == "25 % of the photographs (phase 1, step 5)"


def test_lines_come_without_being_called(monkeypatch, capsys):
    monkeypatch.setattr(bar, "EVERY", 0.02)
    before = threading.active_count()
    with bar.progress("files") as tell:
        tell(1, 3)
        deadline = time.monotonic() + 10
        said = ""
        while said.count("\n") < 3 and time.monotonic() < deadline:
            time.sleep(0.02)  # a model works
            said += capsys.readouterr().err
    assert re.fullmatch(r"(1 of 3 files, about 0 s so far\n){3,}", said)
    assert threading.active_count() == before
    time.sleep(0.1)
    assert capsys.readouterr() == ("", "")


def test_nothing_is_said_of_quick_work(capsys):
    with bar.progress() as tell:
        tell(1, 2)
    assert capsys.readouterr() == ("", "")


def test_a_terminal_has_a_bar(monkeypatch):
    leader, follower = pty.openpty()
    with os.fdopen(follower, "w") as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        monkeypatch.setattr(sys, "stdout", io.StringIO())
        monkeypatch.setenv("TERM", "xterm")
        with bar.progress("answers") as tell:
            tell(3, 4)
            time.sleep(0.8)
            click.echo(f"a long name {'x' * 300}", err=True)
            click.echo("the end, without a line's", nl=False, err=True)
        shown = b""
        while select.select([leader], [], [], 0)[0]:  # a read gives some of it
            shown += os.read(leader, 100_000)
    os.close(leader)
    # A line is printed where the bar was, in one piece, and leaves nothing of the bar in front.
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown.decode())
    assert f"\ra long name {'x' * 300}\r\n" in plain
    assert "\rthe end, without a line's\r\n" in plain
    assert "━ 3 of 4 answers" in plain


def test_parts_of_parts_are_told_as_shares():
    heard = []
    with told.heard(lambda *said: heard.append(said)):
        parts = told.Parts(10)
        with parts.doing(4):
            told.tell(1, 2)
            inner = told.Parts(2)
            with inner.doing(1):
                pass
        with parts.doing(6):
            pass
        told.tell(9, 9)  # the outer listener is back
    assert heard == [(2, 10), (2, 10), (4, 10), (10, 10), (9, 9)]
    with told.Parts(3).doing(1):  # where nobody listens
        told.tell(1, 1)
