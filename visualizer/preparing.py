"""Models that a walk goes through: read beside the worker before their Scenes are shown, so that nothing waits."""

from collections.abc import Callable

from stylegan_core import edits
from stylegan_core.card import ModelCard
from stylegan_core.errors import StyleScopeError
from stylegan_core.model import Model
from stylegan_core.scene import ModelRef, Scene
from visualizer.tasks import Tasks, describe

Read = Callable[[ModelRef, Callable[[float], None], Callable[[], bool]], Model]


class Preparing:
    """Belongs to the UI thread.

    Args:
        tasks: reads on a thread of its own.
        read: reads a model on that thread; see `Loader.read`.
        has: whether a model is in memory.
        cards: of all models that were opened, by digest; those that are read here are added.
    """

    def __init__(self, tasks: Tasks, read: Read, has: Callable[[ModelRef], bool], cards: dict[str, ModelCard]):
        self._tasks, self._read, self._has, self._cards = tasks, read, has, cards
        self._reading: set[ModelRef] = set()
        self._named: dict[ModelRef, ModelRef] = {}  # Scenes that name a path alone: the model that was there
        self._errors: dict[ModelRef, str] = {}

    def scene(self, scene: Scene, shown: ModelRef) -> Scene | None:
        """A Scene fitted to its model; None while that is on its way, or when it cannot be opened.

        Args:
            scene: of a walk.
            shown: the model that is shown now, which a Scene goes with that names none.
        """
        ref = self._ref(scene, shown)
        card = self._cards.get(ref.digest)
        if card is None:
            self._begin(ref)
            return None
        return edits.fit(scene, card, ref)

    def card(self, ref: ModelRef) -> ModelCard | None:
        """Of a model that was opened."""
        return self._cards.get(ref.digest)

    def in_memory(self, scene: Scene, shown: ModelRef) -> tuple[Scene, ModelCard] | None:
        """The same with the model's card, once it can be rendered at once: the model may have made room for others."""
        fitted = self.scene(scene, shown)
        if fitted is None:
            return None
        if not self._has(fitted.model):
            self._begin(fitted.model)
            return None
        return fitted, self._cards[fitted.model.digest]

    def error(self, scene: Scene, shown: ModelRef) -> str | None:
        """Why the model cannot be opened, in a sentence."""
        return self._errors.get(self._ref(scene, shown))

    def try_again(self) -> None:
        """Models that could not be opened may be there now."""
        self._errors.clear()

    def _ref(self, scene: Scene, shown: ModelRef) -> ModelRef:
        ref = scene.model if scene.model.digest or scene.model.path else shown
        return self._named.get(ref, ref)

    def _begin(self, ref: ModelRef) -> None:
        if ref in self._reading or ref in self._errors:
            return
        self._reading.add(ref)

        def read(cancelled: Callable[[], bool]) -> Model | str:
            try:
                return self._read(ref, lambda _: None, cancelled)
            except (StyleScopeError, OSError) as error:
                return describe(error)

        def take(found: Model | str | None) -> None:
            self._reading.discard(ref)
            if isinstance(found, str):
                self._errors[ref] = found
            elif found is not None:
                self._cards[found.card.digest] = found.card
                self._named[ref] = ref.model_copy(update={"digest": found.card.digest})

        self._tasks.on_reader(read, take)
