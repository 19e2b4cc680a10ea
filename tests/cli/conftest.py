import pytest


@pytest.fixture
def run(command, photographs, tmp_path):
    """`forensics run` on the small photographs; exit code, standard output, standard error."""

    def call(*more, detectors=("toy-grain",), data=None):
        given = {"--data": data or photographs, "--out": tmp_path / "out", "--patch": 64}
        given["--limit"] = 12
        line = ["run", "--trace", "jpeg"]
        for option, value in given.items():
            line += [] if option in more else [option, value]
        for name in detectors:
            line += ["--detectors", name]
        return command(*line, *more)

    return call
