"""Where a picture lies in a room of another shape: an output window, a camera's frame."""

from typing import Literal

Fit = Literal["fit", "fill", "whole"]
Size = tuple[int, int]  # width, height in px
Box = tuple[int, int, int, int]  # left, top, right, bottom in px


def placed(picture: Size, room: Size, fit: Fit) -> Box:
    """Where a picture lies, in the middle of a room.

    Args:
        picture: its size, at least 1 px a side.
        room: the room's.
        fit: "fit": all of it, as large as there is room for; "fill": no room is left, and what stands over is cut
            off; "whole": as "fit", but with a whole number of px for a pixel, where there is room for one.

    Returns:
        Its edges in whole px from the room's left upper corner; outside of the room where it is cut off.
    """
    across, down = room[0] / picture[0], room[1] / picture[1]
    scale = max(across, down) if fit == "fill" else min(across, down)
    if fit == "whole" and scale >= 1:
        scale = float(int(scale))
    width, height = max(round(picture[0] * scale), 1), max(round(picture[1] * scale), 1)
    left, top = (room[0] - width) // 2, (room[1] - height) // 2
    return left, top, left + width, top + height
