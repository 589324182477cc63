"""How likely augmentation is: adapted to how much the discriminator overfits (ADA, section 3.1)."""

from collections.abc import Callable
from typing import Annotated, Any

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

Sum = Callable[[Tensor], Tensor]


class StrengthConfig(BaseModel):
    """The heuristic's settings; the paper's, unless said otherwise."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    p: Annotated[float, Field(ge=0, le=1)] = 0.0  # to begin with, or for ever
    adaptive: bool = True  # False: p stays
    target: Annotated[float, Field(ge=-1, le=1)] = 0.6  # of r_t
    kimg: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 500.0  # thousands of real pictures from p = 0 to p = 1
    interval: Annotated[int, Field(ge=1)] = 4  # batches between two adjustments


def _alone(value: Tensor) -> Tensor:
    return value


class AdaptiveP:
    """p, adjusted by r_t = E[sign(D(real))]: towards 1 the discriminator knows the data by heart.

    Every `interval` batches p goes up where r_t is above the target and down where it is below, by the share of `kimg`
    that was seen meanwhile. It never leaves [0, 1]: the paper has no upper limit, but a p that was beyond 1 would
    take as long to come back.

    Attributes:
        p: the probability, for `augment`.
        r_t: of the last interval, 0 before the first one's end; kept for plots where p is fixed too.
    """

    def __init__(self, config: StrengthConfig) -> None:
        self.config = config
        self.p = config.p
        self.r_t = 0.0
        self._batches = 0
        self._seen: Tensor | None = None  # [2]: sum of signs, number of logits, since the last adjustment

    @torch.no_grad()
    def observe(self, real_logits: Tensor, total: Sum = _alone) -> bool:
        """Take one batch's logits of real pictures, as augmented, into account.

        Only an adjustment waits for the device.

        Args:
            real_logits: of any shape, one for each picture of this process.
            total: sums a tensor [2] over all processes, so that they all have the same p.

        Returns:
            Whether this batch ended an interval, so that r_t and (where adaptive) p are new.
        """
        signs = real_logits.float().sign()
        seen = total(torch.stack([signs.sum(), torch.ones_like(signs).sum()]))
        self._seen = seen if self._seen is None else self._seen.to(seen.device) + seen
        self._batches += 1
        if self._batches < self.config.interval:
            return False
        sum_of_signs, count = self._seen.tolist()
        self.r_t = sum_of_signs / count
        if self.config.adaptive:
            direction = (self.r_t > self.config.target) - (self.r_t < self.config.target)
            self.p = min(max(self.p + direction * count / (self.config.kimg * 1000), 0.0), 1.0)
        self._batches, self._seen = 0, None
        return True

    def state(self) -> dict[str, float]:
        """Plain numbers for a checkpoint; the same on every process. Waits for the device."""
        signs, count = (0.0, 0.0) if self._seen is None else self._seen.tolist()
        return {"p": self.p, "r_t": self.r_t, "batches": self._batches, "signs": signs, "count": count}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what `state` gave."""
        self.p, self.r_t, self._batches = float(state["p"]), float(state["r_t"]), int(state["batches"])
        self._seen = torch.tensor([state["signs"], state["count"]]) if self._batches else None
