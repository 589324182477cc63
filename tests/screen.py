"""An X server as a person sees it: its windows, where they are, and their pixels (xdotool, Pillow)."""

import os
import subprocess

import numpy as np
from PIL import ImageGrab

LIMIT_S = 60.0  # an X server that takes longer to answer is gone


class Screen:
    """Args: display, such as ":1"."""

    def __init__(self, display: str):
        self.display = display

    def xdotool(self, *words: object, check: bool = True) -> str:
        """What it prints. It ends once the X server has passed on what it was told."""
        command, environment = ["xdotool", *map(str, words)], dict(os.environ, DISPLAY=self.display)
        return subprocess.run(
            command, env=environment, check=check, capture_output=True, text=True, timeout=LIMIT_S
        ).stdout

    def window(self, title: str) -> str | None:
        """The X server's name of a window that is shown; None if there is none."""
        found = self.xdotool("search", "--onlyvisible", "--name", f"^{title}$", check=False)
        return found.split()[0] if found else None

    def geometry(self, *words: str) -> tuple[int, int, int, int]:
        """x, y, width and height, px, that `getwindowgeometry --shell` among these words prints."""
        place = dict(line.split("=") for line in self.xdotool(*words).split())
        x, y, width, height = (int(place[name]) for name in ("X", "Y", "WIDTH", "HEIGHT"))
        return x, y, width, height

    def pixels(self, x: int, y: int, width: int, height: int) -> np.ndarray:
        """What a part of it shows, uint8 [H, W, 3]."""
        return np.asarray(ImageGrab.grab((x, y, x + width, y + height), xdisplay=self.display))

    def pixels_of(self, window: str) -> np.ndarray:
        """The pixels of a window that nothing lies over, uint8 [H, W, 3]."""
        return self.pixels(*self.geometry("getwindowgeometry", "--shell", window))
