"""What an evaluation is to measure, and on how many pictures. Knows no torch."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from train.metrics.names import Metric

Count = Annotated[int, Field(ge=8, le=10_000_000)]


class MetricsSettings(BaseModel):
    """What is measured. The papers take 50,000 pictures, 100,000 paths and 200,000 for separability."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    metrics: tuple[Metric, ...] = ()  # which; none named: all that the data have labels for
    pictures: Count = 10_000  # that the model makes for FID, KID, precision and recall
    real: Count = 50_000  # that are taken of the data for them, at most
    paths: Count = 2_000  # steps in w for PPL
    separability: Count = 20_000  # latents for separability: many more than z has numbers, or scores come out too high
    seed: Annotated[int, Field(ge=0, le=2**32 - 1)] = 0  # of latents, noise maps, and which pictures are taken
    psi: Annotated[float, Field(ge=-2, le=2)] = 1.0  # truncation; 1 for none
    batch: Annotated[int, Field(ge=1, le=4096)] = 32  # pictures at once; changes no number but by rounding

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        if len(set(self.metrics)) < len(self.metrics):
            raise ValueError("each of the metrics may be named once")
        return self
