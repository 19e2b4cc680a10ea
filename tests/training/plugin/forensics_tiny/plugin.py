"""A plugin of the tests with one model that can be trained in a second."""

from forensics import hookimpl
from forensics.registry import Entry, ModelEntry


@hookimpl
def forensics_attackers():
    return [
        ModelEntry(
            "tiny",
            "forensics_tiny.recipe:Tiny",
            "a filter",
            card="forensics_tiny:weights/tiny",
            parts=("tiny-60", "tiny-80"),
        )
    ]


@hookimpl
def forensics_recipes():
    return [Entry("tiny", "forensics_tiny.recipe:Tiny", "trains a filter")]
