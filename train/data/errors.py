"""What is raised about pictures to learn from."""

from stylegan_core.errors import StyleScopeError


class DataError(StyleScopeError):
    """Pictures to learn from cannot be used as they are; the message names the file, the entry and the remedy.

    Attributes:
        reason: what is wrong with a single picture, for lists that name it elsewhere; else the message.
    """

    def __init__(self, message: str, reason: str = ""):
        super().__init__(message)
        self.reason = reason or message


class UnusablePicture(DataError):
    """A single picture is of no use, which says nothing about the others."""


def unusable(where: str, reason: str) -> UnusablePicture:
    """The error about a single picture that a preparation would leave out.

    Args:
        where: the picture's name.
        reason: what is wrong, such as "is broken".
    """
    return UnusablePicture(f"{where} {reason}; prepare the data first, which leaves such pictures out.", reason)
