"""Motion: the input transform plays, by the clock: the picture drifts and spins at a steady rate.

A drift goes to and fro, so that the picture stays in sight however long it plays. All that plays until it stops is one
undo point.
"""

import math

from stylegan_core import edits
from stylegan_core.scene import Scene
from visualizer.store import Store

DRIFT_REACH = 0.5  # picture widths from the middle at which a drift turns round
SPEED_LIMITS = (0.01, 1.0)  # picture widths a second
SPIN_LIMITS = (-180.0, 180.0)  # degrees a second


def to_and_fro(place: float, velocity: float, seconds: float, reach: float) -> tuple[float, float]:
    """Go on from a place within [-reach, reach], and be thrown back at its ends.

    Returns:
        The new place, and the velocity there.
    """
    # Unfolded, the way there and the way back are one round of 4 * reach.
    way = (place + reach if velocity >= 0 else 3 * reach - place) + abs(velocity) * seconds
    way %= 4 * reach
    back = way > 2 * reach
    return (3 * reach - way if back else way - reach), (-abs(velocity) if back else abs(velocity))


class Motion:
    """What moves by itself in the Store's Scene. Belongs to the UI thread."""

    def __init__(self, store: Store[Scene]):
        self._store = store
        self.drifting = self.spinning = False
        self.speed = 0.1  # of the drift, picture widths a second
        self.spin = 20.0  # degrees a second
        self._direction = 0.0
        self._heading = (1.0, 0.0)  # of the drift now, to the right and down; its length is 1
        self._last: float | None = None  # when the Scene was moved last

    @property
    def playing(self) -> bool:
        """Whether anything moves."""
        return self.drifting or self.spinning

    @property
    def direction(self) -> float:
        """Where a drift begins to, in degrees: 0 is to the right, 90 up."""
        return self._direction

    @direction.setter
    def direction(self, degrees: float) -> None:
        self._direction = degrees
        self._head()

    def drift(self, playing: bool) -> None:
        """Begin or end the drift."""
        self._head()
        self.drifting = playing
        self._changed()

    def turn(self, playing: bool) -> None:
        """Begin or end the spin."""
        self.spinning = playing
        self._changed()

    def stop(self) -> None:
        """End both."""
        self.drifting = self.spinning = False
        self._changed()

    def tick(self, now: float) -> None:
        """Move the Scene to where it is at a time, in seconds."""
        seconds = now - (now if self._last is None else self._last)
        self._last = now
        if not self.playing or seconds <= 0:
            return
        name = "Drift" if self.drifting else "Spin"
        if self.drifting:
            self._store.play(name, edits.set_offset, *self._drifted(seconds))
        if self.spinning:
            self._store.play(name, edits.turn_picture, self.spin * seconds)

    def _drifted(self, seconds: float) -> tuple[float, float]:
        """Where the picture has drifted to, in picture widths."""
        transform = self._store.scene.transform
        places, headings = [], []
        for place, heading in zip((transform.x, transform.y), self._heading, strict=True):
            reach = max(DRIFT_REACH, abs(place))  # from beyond, where a hand has put it, it comes back
            place, velocity = to_and_fro(place, heading * self.speed, seconds, reach)
            places.append(place)
            headings.append(math.copysign(heading, velocity))
        self._heading = (headings[0], headings[1])
        return places[0], places[1]

    def _head(self) -> None:
        angle = math.radians(self._direction)
        self._heading = (math.cos(angle), -math.sin(angle))

    def _changed(self) -> None:
        self._store.settle_play()
        self._last = None
