"""Measuring: equivariance of the open model, on a Job, with the figure so far to be seen."""

from stylegan_core.equivariance import Equivariance, measurements
from stylegan_core.models import ModelStore
from stylegan_core.scene import ModelRef
from stylegan_core.watch import Watch
from visualizer.jobs import Job

PICTURES = 32  # good to half a dB or so


class Measuring:
    """Belongs to the UI thread. One model is measured at a time; figures are kept by the model's digest."""

    def __init__(self, models: ModelStore):
        self._models = models
        self.found: dict[str, Equivariance] = {}  # of models measured, or being measured
        self.job: Job[None] | None = None

    def begin(self, ref: ModelRef) -> None:
        """Measure this model."""
        self.cancel()

        def measure(job: Job[None]) -> None:
            model = self._models.get(ref)
            for found in measurements(model, PICTURES, watch=Watch(lambda: job.cancelled, job.report)):
                self.found[ref.digest] = found

        self.job = Job("Measuring equivariance", measure)

    def cancel(self) -> None:
        """Stop; the figure so far stays."""
        if self.job is not None:
            self.job.cancel()
            self.job = None

    def collect(self) -> str | None:
        """Once a frame: take note that it has ended; the error, if it ended with one."""
        if self.job is None or not self.job.done:
            return None
        error, self.job = self.job.error, None
        return error
