"""The live picture: asking the worker for that of the Scene shown, and the newest that has come."""

import torch

from stylegan_core.cuda_graphs import PictureGraphs
from stylegan_core.errors import StyleScopeError
from stylegan_core.ops import Poll
from stylegan_core.render import Renderer
from stylegan_core.scene import Scene, only_picture
from visualizer.memory import Memory
from visualizer.worker import Shown, Worker, to_rgba


class LiveView:
    """Owns the worker. Belongs to the UI thread, but for `full`."""

    def __init__(self, memory: Memory, half: bool):
        graphs = PictureGraphs() if torch.cuda.is_available() else None
        self.renderer = Renderer(memory.models, half=half, cache=memory.steps, graphs=graphs)
        self.worker = Worker(self.renderer)
        self.latest: Shown | None = None  # newest frame, also a failed one
        self._asked: Scene | None = None  # the Scene whose picture was asked for last
        self._playing = False  # whether it was one of many that play

    @property
    def here(self) -> bool:
        """Whether the newest frame is of the Scene that was asked for last."""
        return (None if self.latest is None else self.latest.frame.scene) == self._asked

    @property
    def failed(self) -> bool:
        """Whether the newest frame has no picture."""
        return self.latest is not None and self.latest.rgba is None

    def lacks(self, scene: Scene, playing: bool) -> bool:
        """Whether a Scene's picture has not been asked for; one that played is asked for again when it rests."""
        rests = self._playing and not playing  # what is shown may be a preview
        return only_picture(scene) != self._asked or rests

    def ask(self, scene: Scene, revision: int, playing: bool) -> None:
        """Ask for the picture of a Scene; see `Worker.show`."""
        self._asked, self._playing = only_picture(scene), playing
        self.worker.show(self._asked, revision, playing)

    def do_without(self, scene: Scene) -> None:
        """There is no picture of this Scene: none is asked for until it changes."""
        self._asked, self._playing = only_picture(scene), False

    def ask_again(self) -> None:
        """What is shown is not as it would be made now."""
        self._asked = None

    def take(self) -> Shown | None:
        """The newest frame, once."""
        shown = self.worker.outbox.take()
        self.latest = shown or self.latest
        return shown

    def full(self, scene: Scene, poll: Poll) -> Shown:
        """On the worker: the full picture.

        Raises:
            StyleScopeError: the error that the Frame carries.
        """
        frame = self.renderer.render(only_picture(scene), poll=poll)
        if frame.pixels is None or frame.error is not None:
            raise StyleScopeError(frame.error or "The picture could not be made.")
        return Shown(frame, to_rgba(frame.pixels))
