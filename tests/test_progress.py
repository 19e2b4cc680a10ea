"""Who listens hears, and nobody else."""

from forensics import progress


def test_the_innermost_listener_hears():
    outer, inner = [], []
    progress.tell(1, 9)  # nobody
    with progress.heard(lambda *said: outer.append(said)):
        progress.tell(2, 9)
        with progress.heard(lambda *said: inner.append(said)):
            progress.tell(3, 9)
        with progress.heard(None):
            progress.tell(4, 9)
        progress.tell(5, 9)
    progress.tell(6, 9)
    assert (outer, inner) == ([(2, 9), (5, 9)], [(3, 9)])
