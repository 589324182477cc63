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
    minutes, hours = seconds / 60, seconds / 3600
    if minutes < 1:
        return f"{max(seconds, 0):.0f} s"
    if hours < 1:
        return f"{minutes:.0f} min"
    if hours < 48:
        return f"{int(hours)} h {round(minutes) % 60:02d} min"
    return f"{hours / 24:.1f} days"


def progress_words(run: Run) -> str:
    """How far it is, for its bar."""
    return f"{kimg(run.status.seen)} of {kimg(run.total)} kimg"


def rate(images_per_s: float) -> str:
    """Pictures a second."""
    return f"{images_per_s:.0f}" if images_per_s >= 20 else f"{images_per_s:.2g}"


def facts(status: Status, lively: bool) -> tuple[tuple[str, str], ...]:
    """What is known of a run's pace and place, each under a name of its own; a dash where nothing is."""
    moving = lively and status.images_per_s > 0
    many = f", {status.processes} processes" if status.processes > 1 else ""
    left = status.seconds_left if lively else None
    return (
        ("Images/s", rate(status.images_per_s) if moving else "–"),
        ("Time left", "–" if left is None else span(left)),
        ("Trained for", span(status.seconds) if status.seconds else "–"),
        ("Device", f"{status.device}{many}" if status.device else "–"),
        ("GPU memory", f"{status.gpu_bytes / 2**30:.1f} GiB" if status.gpu_bytes else "–"),
        ("Steps", f"{status.step:,}"),
    )
