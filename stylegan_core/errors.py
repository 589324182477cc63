"""Errors a user can do something about. Each message is one sentence: what is wrong, where, and the remedy."""

from pydantic import ValidationError


class StyleScopeError(Exception):
    """Base of every error whose message is fit to be shown to a user as it stands."""


class ModelFileError(StyleScopeError):
    """A file is not a model that StyleScope reads; the message names the file and what is wrong with it."""


class SceneError(StyleScopeError):
    """A Scene cannot be read or does not fit; the message names the field and what it may be."""


class ModelMissingError(StyleScopeError):
    """A Scene names a model that is neither loaded nor where it was."""


class Cancelled(Exception):
    """Raised inside a computation whose result nobody waits for any more. Never shown to a user."""


def first_wrong(error: ValidationError) -> tuple[str, str]:
    """The first field that a validation refused, by its path (empty where it concerns several), and why, in words."""
    first = error.errors()[0]
    reason = first["msg"].removeprefix("Value error, ")
    return ".".join(str(part) for part in first["loc"]), f"{reason[0].lower()}{reason[1:]}"
