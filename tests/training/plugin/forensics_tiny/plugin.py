"""A plugin of the tests with two models that can be trained in a second."""

from forensics import hookimpl
from forensics.models.entries import Entry, ModelEntry, RecipeEntry


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
def forensics_detectors():
    return [
        ModelEntry(
            "tiny-lda",
            "forensics_tiny.discriminant:Judge",
            "a linear discriminant",
            traces=("jpeg",),
            card="forensics_tiny:weights/tiny-lda",
            parts=("lda",),
        )
    ]


@hookimpl
def forensics_recipes():
    return [
        Entry("tiny", "forensics_tiny.recipe:Tiny", "trains a filter"),
        Entry("tiny-lda", "forensics_tiny.discriminant:Discriminant", "fits a discriminant"),
        RecipeEntry(
            "tiny-lda-again",
            "forensics_tiny.discriminant:Discriminant",
            "fits it under another name",
            model="tiny-lda",
        ),
    ]
