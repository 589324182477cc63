"""Metrics while a run trains: of its moving average, on its own data, between two steps."""

from collections.abc import Callable

from stylegan_core.model import build_generator
from stylegan_core.spec import NetworkSpec
from train.data.dataset import TrainingImages
from train.metrics.evaluate import evaluate
from train.metrics.features import InceptionFeatures, SmallFeatures
from train.run_folder import RunFolder
from train.trainer import Trainer


def measured(
    folder: RunFolder, trainer: Trainer, spec: NetworkSpec, images: TrainingImages, cancelled: Callable[[], bool]
) -> dict[str, float]:
    """How good a run's G_ema is now. None of the run's random numbers are used, so measuring changes nothing.

    Args:
        folder: of the run; what is known of the data is kept there.
        trainer: of the run.
        spec: its G_ema.
        images: what it learns from.
        cancelled: asked often; true stops.

    Raises:
        StyleScopeError: it cannot be measured; one sentence.
        Cancelled: `cancelled` said so.
    """
    config = trainer.config
    model = build_generator(spec, "", folder.name, trainer.device)
    features = SmallFeatures() if config.metrics_features == "small" else InceptionFeatures()
    return evaluate(model, images, config.metrics, features, cache=folder.path / "metrics", cancelled=cancelled)
