"""Numbers, sizes and names of pictures as people read them."""

import shutil
from pathlib import Path

_UNITS = ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"))


def printable(text: str) -> str:
    """A text without what a terminal takes for commands: names of pictures may hold anything."""
    return "".join(c if c.isprintable() else "?" for c in text)


def in_bytes(number: float) -> str:
    """A size in words, such as "2.1 MB"."""
    return next((f"{number / unit:.1f} {name}" for unit, name in _UNITS if number >= unit), f"{number:.0f} bytes")


def counted(number: int) -> str:
    """So many pictures."""
    return f"{number} picture" + ("" if number == 1 else "s")


def room_for(num_bytes: int, out: Path) -> str:
    """How large a file will be, and whether there is room where it goes, whose folders may have to be made."""
    folder = next((folder for folder in out.absolute().parents if folder.exists()), None)
    if folder is None:
        return f"It will take about {in_bytes(num_bytes)}."
    free = shutil.disk_usage(folder).free
    short = "" if num_bytes < free else ", too little"
    return f"It will take about {in_bytes(num_bytes)}; {in_bytes(free)} are free{short}."
