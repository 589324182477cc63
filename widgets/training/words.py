"""How a run and its numbers are put into words."""

from train.run_folder import Status
from visualizer.training_reading import Run
from widgets import icons, theme

STANDING = {
    "new": "not started",
    "starting": "starting",
    "training": "training",
    "pausing": "pausing …",
    "paused": "paused",
    "stopping": "stopping …",
    "stopped": "stopped",
    "done": "finished",
    "failed": "failed",
    "dead": "dead",
    "broken": "unreadable",
}
ICONS = {
    "starting": icons.LOADER,
    "training": icons.PLAY,
    "pausing": icons.PAUSE,
    "paused": icons.PAUSE,
    "stopping": icons.STOP,
    "done": icons.CHECK,
    "failed": icons.WARNING,
    "dead": icons.WARNING,
    "broken": icons.WARNING,
}
FACTS = 6
WRONG = frozenset({"failed", "dead", "broken"})


def colour_of(standing: str) -> theme.Colour:
    """Of the word for it."""
    if standing in WRONG:
        return theme.ERROR
    if standing == "done":
        return theme.BANDS["middle"]
    return theme.ACCENT if standing in ("training", "starting") else theme.DIM


def kimg(pictures: int) -> str:
    """Thousands of pictures, to three places."""
    thousands = pictures / 1000
    return f"{thousands:,.0f}" if thousands >= 100 else f"{thousands:.3g}"


def span(seconds: float) -> str:
    """A time that something takes, to read."""
    if round(seconds) < 60:
        return f"{max(seconds, 0):.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    if hours < 1:
        return f"{minutes} min"
    return f"{hours} h {minutes:02d} min" if hours < 48 else f"{hours / 24:.1f} days"


def progress_words(run: Run) -> str:
    """How far it is, for its bar."""
    return f"{kimg(run.status.seen)} of {kimg(run.total)} kimg"


def rate(images_per_s: float) -> str:
    """Pictures a second."""
    return f"{images_per_s:.0f}" if images_per_s >= 20 else f"{images_per_s:.2g}"


def facts(status: Status, lively: bool) -> tuple[str, ...]:
    """What is known of a run's pace and place: as many as FACTS says, empty where nothing is."""
    moving = lively and status.images_per_s > 0
    left = status.seconds_left if lively else None
    many = f", {status.processes} processes" if status.processes > 1 else ""
    return (
        f"{span(status.seconds)} so far" if status.seconds else "",
        f"step {status.step:,}" if status.step else "",
        f"on {status.device}{many}" if status.device else "",
        "" if left is None else f"{span(left)} left",
        f"{rate(status.images_per_s)} images/s" if moving else "",
        f"{status.gpu_bytes / 2**30:.1f} GiB of it" if lively and status.gpu_bytes else "",
    )
