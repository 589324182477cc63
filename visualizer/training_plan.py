"""A new run, before it starts: what a person asks for, what the pictures are, and what would come of it."""

from dataclasses import dataclass
from pathlib import Path

from stylegan_core.errors import StyleScopeError
from stylegan_core.family import empty_network
from train.config import DataConfig, RunConfig, StartConfig
from visualizer.jobs import Job
from visualizer.library import ASSETS, absolute

DEMO_FACES = ASSETS / "data" / "fluent_faces_128.zip"
SMALLEST = 16  # px that pictures are reduced to
FAMILIES = {"progan": "Progressive GAN", "stylegan1": "StyleGAN", "stylegan2": "StyleGAN2", "stylegan3": "StyleGAN3"}


@dataclass(frozen=True)
class Asked:
    """What a person asks for; what is None or empty is as the preset has it."""

    data: str = ""
    preset: str = "laptop"
    resolution: int | None = None  # px; None: as the pictures are
    mirror: bool = False
    labels: bool = False
    start: str = ""  # a model's file; "": from scratch
    frozen: int = 0  # layers of its discriminator that do not learn
    kimg: float | None = None
    batch: int | None = None


@dataclass(frozen=True)
class Material:
    """What the pictures at a path are."""

    path: str
    count: int
    channels: int
    height: int  # px
    width: int
    classes: int  # numbers in a label; 0: there are none

    @property
    def sizes(self) -> tuple[int, ...]:
        """Smaller ones that they can be reduced to exactly, px of the longer side; without their own."""
        longest = max(self.height, self.width)
        halved = (longest >> octaves for octaves in range(1, 8) if not longest % 2**octaves)
        return tuple(px for px in halved if px >= SMALLEST)

    @property
    def words(self) -> str:
        """In a line."""
        colours = {1: ", grey", 3: "", 4: ", with alpha"}.get(self.channels, f", {self.channels} channels")
        classes = f", labels ({self.classes})" if self.classes else ", no labels"
        return f"{self.count:,} pictures, {self.width}×{self.height} px{colours}{classes}"


@dataclass(frozen=True)
class Plan:
    """What would come of what was asked for."""

    asked: Asked
    material: Material | None = None
    config: RunConfig | None = None  # None: it cannot start
    words: str = ""
    refusal: str = ""  # why not, in a sentence


def make_plan(asked: Asked, known: Material | None = None) -> Plan:
    """Look at the pictures and complete the preset. Takes time: pictures are opened.

    Args:
        asked: what a person asks for.
        known: the pictures, where they have been looked at already.
    """
    if not asked.data:
        return Plan(asked, refusal="Choose pictures to learn from: a folder, a zip or a video.")
    from train.building import configure  # brings in what training needs, which the window otherwise does without

    material = known if known is not None and known.path == asked.data else None
    try:
        material = material or look_at(asked.data)
        data = DataConfig(
            path=str(absolute(Path(asked.data))),
            resolution=asked.resolution,
            mirror=asked.mirror,
            labels=asked.labels and material.classes > 0,
        )
        start = StartConfig(model=asked.start, frozen=asked.frozen if asked.start else 0)
        config = configure(asked.preset, data, start=start, kimg=asked.kimg, batch=asked.batch)
    except StyleScopeError as error:
        return Plan(asked, material, refusal=str(error))
    return Plan(asked, material, config, _words(config, material))


def look_at(path: str) -> Material:
    """What the pictures at a path are.

    Raises:
        StyleScopeError: there are none that can be read.
    """
    from train.data.opening import open_images

    source = open_images(absolute(Path(path)))
    try:
        source.check(labelled=False)
        channels, height, width = source.shape
        return Material(path, len(source), channels, height, width, source.label_width)
    finally:
        source.close()


def _words(config: RunConfig, material: Material) -> str:
    """What will be, in a line."""
    networks = empty_network(config.generator), empty_network(config.discriminator)
    weights = [sum(weight.numel() for weight in network.parameters()) for network in networks]
    size = config.generator.img_resolution
    count = material.count * (2 if config.data.mirror else 1)
    rounds = config.kimg * 1000 / max(count, 1)
    return (
        f"{FAMILIES[config.family]} at {size} px: G has {_short(weights[0])} parameters, D {_short(weights[1])}. "
        f"{_steps(config)}: each of the {count:,} is seen "
        f"{'less than once' if rounds < 1 else f'{rounds:,.0f} times'}."
    )


def _steps(config: RunConfig) -> str:
    """How many there will be, of how many pictures."""
    last = config.px_at(config.total - 1)
    sizes = {batch for px, batch in config.batches.items() if px <= last}  # of the levels that it has time for
    if len(sizes) == 1:
        return f"{-(-config.total // min(sizes)):,} steps of {min(sizes)} pictures"
    return f"Steps of {min(sizes)} to {max(sizes)} pictures, as it grows"


def _short(count: int) -> str:
    """A large number, to read."""
    return f"{count / 1e6:.1f} million" if count >= 1e6 else f"{count / 1e3:.0f} thousand"


class Planning:
    """Plans what is asked for, one at a time, the newest. Belongs to the UI thread."""

    def __init__(self) -> None:
        self.plan: Plan | None = None  # the newest; of what was asked before while `busy`
        self._asked: Asked | None = None
        self._begun = Asked()  # what the job is about
        self._job: Job[Plan] | None = None

    @property
    def busy(self) -> bool:
        """Whether what was asked for last is not planned yet."""
        return self._asked is not None and (self.plan is None or self.plan.asked != self._asked)

    def ask(self, asked: Asked) -> None:
        """Have this planned."""
        self._asked = asked

    def forget(self) -> None:
        """The pictures may be others by now: look at them again."""
        self.plan = None

    def tick(self) -> None:
        """Once a frame."""
        if self._job is not None and self._job.done:
            job, self._job = self._job, None
            if job.result is not None:
                self.plan = job.result
            elif job.error is not None and self._asked is not None:
                self.plan = Plan(self._asked, refusal=job.error)
        if self._job is not None and self._asked is not None and self._begun.data != self._asked.data:
            self._job.cancel()  # looking at a large folder takes long, and nobody wants it any more
            self._job = None
        if self._job is None and self.busy and self._asked is not None:
            self._begun = asked = self._asked
            known = None if self.plan is None else self.plan.material
            self._job = Job("Planning", lambda job: make_plan(asked, known))

    def close(self) -> None:
        """Nobody waits any more."""
        self._asked = None
