"""One training run's networks and everything that changes while they learn; a step of training; its whole state.

A step is what the official code calls its phases, in their order: the generator's loss, now and then its path lengths,
the discriminator's loss, now and then R1; each with a step of the optimiser of its own (StyleGAN2, appendix B). On
several processes gradients are averaged by hand, once before each step of an optimiser: penalties that are derivatives
of derivatives, and layers that sleep while a network grows, are then nothing special.
"""

import math
from collections.abc import Callable, Iterable
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from stylegan_core.spec import NetworkSpec
from train.augment import AdaptiveP, augment
from train.chance import Chance
from train.config import OptimiserConfig, RunConfig
from train.culprit import Culprit, Watch
from train.data.dataset import Batch
from train.ema import Ema, ema_decay
from train.growth import at_level
from train.losses import class_loss, logistic_d, logistic_g, wgan_d, wgan_g
from train.networks import TrainableDiscriminator, TrainableGenerator
from train.regularisers import Lazy, PathLength, blur_sigma, blurred, gradient_penalty, r1, smaller_batch

HALF = {"32": None, "16": torch.float16, "bf16": torch.bfloat16}
LARGEST = 1e5  # a gradient in half precision; the official code has the same
Poll = Callable[[], None]


class Team(Protocol):
    """The processes that train together."""

    rank: int
    processes: int

    def mean(self, x: Tensor) -> Tensor:
        """Of what each process has."""

    def sum(self, x: Tensor) -> Tensor:
        """Of what each process has."""


class Alone:
    """A Team of one."""

    rank, processes = 0, 1

    def mean(self, x: Tensor) -> Tensor:
        """What there is."""
        return x

    def sum(self, x: Tensor) -> Tensor:
        """What there is."""
        return x


class NotFinite(Exception):
    """A gradient was infinite or not a number.

    Attributes:
        network: "G" or "D", whose gradient it was.
        parameters: those of which it was, by name, in the network's order.
        culprit: where it began; None: that could not be found.
    """

    def __init__(self, network: str, parameters: list[str], culprit: Culprit | None):
        super().__init__(f"{network}: {', '.join(parameters)}")
        self.network, self.parameters, self.culprit = network, parameters, culprit


class Trainer:
    """What learns.

    Args:
        config: the run.
        generator: what G begins from.
        discriminator: what D begins from.
        labels: [M, c_dim] those of all pictures, to draw the generated ones' from; None without classes.
        device: where.
        team: the processes that train together.
        average: what the moving average begins from; None: G.

    Attributes:
        seen: real pictures so far, over all processes.
        step: steps so far.
    """

    def __init__(
        self,
        config: RunConfig,
        generator: NetworkSpec,
        discriminator: NetworkSpec,
        labels: Tensor | None,
        device: torch.device,
        team: Team | None = None,
        average: NetworkSpec | None = None,
    ):
        self.config, self.device, self.team = config, device, team or Alone()
        self.g = TrainableGenerator(generator, self.team.mean).to(device)
        self.d = TrainableDiscriminator(discriminator, config.start.frozen).to(device)
        self.ema = Ema(self.g.network if average is None else TrainableGenerator(average).to(device).network)
        asked = config.regularisers
        self._lazy_g = Lazy(asked.path_length_interval) if asked.path_length else None
        self._lazy_d = Lazy(asked.r1_interval) if asked.r1_gamma and asked.r1_interval > 1 else None
        self._opt_g = _adam(self.g.parameters(), config.optimiser_g, self._lazy_g)
        self._opt_d = _adam(self.d.learning(), config.optimiser_d, self._lazy_d)
        self._path = PathLength(asked.path_length, mean=self.team.mean)
        self.adaptive = AdaptiveP(config.strength)
        self._random = torch.Generator(device).manual_seed(config.seed)
        self._chance = Chance(self._random, self.team.rank, self.team.processes)
        self._labels = None if labels is None else labels.to(device)
        self._half = HALF[config.precision]
        self.seen, self.step = 0, 0

    # -- a step --------------------------------------------------------------------------------------------------------

    def train(self, pieces: list[Batch], rest: Poll = lambda: None) -> dict[str, Tensor]:
        """One step.

        Args:
            pieces: this process's share of the batch.
            rest: called between phases, where training may pause for somebody else.

        Returns:
            Numbers of this step, on the device, the same on every process but for the losses: means of this process's.

        Raises:
            NotFinite: a gradient was not; weights have not been changed by it.
        """
        lod = self.lod
        self._set_rates()
        numbers: dict[str, Tensor] = {}
        real = [self._reals(piece, lod) for piece in pieces]
        self.d.let_learn(False)
        self._phase(self.g, self._opt_g, lambda: self._generator_loss(pieces, lod, numbers), numbers, "grad_g")
        rest()
        if self._lazy_g is not None and self._lazy_g.is_due(self.step):
            self._phase(self.g, self._opt_g, lambda: self._path_lengths(pieces, lod, numbers), numbers)
            rest()
        self.d.let_learn(True)
        self.g.requires_grad_(False)
        self._phase(self.d, self._opt_d, lambda: self._discriminator_loss(real, lod, numbers), numbers, "grad_d")
        rest()
        if self._lazy_d is not None and self._lazy_d.is_due(self.step):
            self._phase(self.d, self._opt_d, lambda: self._r1(real, lod, numbers), numbers)
        self.g.requires_grad_(True)
        self._step_is_over()
        return numbers

    @property
    def lod(self) -> float:
        """The level of detail that is trained now."""
        return self.config.lod_at(self.seen)

    def _set_rates(self) -> None:
        """Learning rates of now. They are no part of the state, for they follow from `seen`."""
        rate_g, rate_d = self.config.rates_at(self.seen)
        for optimiser, rate, lazy in ((self._opt_g, rate_g, self._lazy_g), (self._opt_d, rate_d, self._lazy_d)):
            for group in optimiser.param_groups:
                group["lr"] = rate if lazy is None else lazy.rate(rate)

    def _step_is_over(self) -> None:
        config, level, batch = self.config, self.lod, self.config.batch_at(self.seen)
        self.step += 1
        self.seen += batch
        decay = ema_decay(batch, config.ema.half_life_kimg, self.seen / 1000, config.ema.rampup)
        self.ema.update(self.g.network, decay)
        if math.floor(level) != math.floor(self.lod) or math.ceil(level) != math.ceil(self.lod):
            # What Adam remembers is of another network now (Progressive GAN's official code does the same).
            self._opt_g.state.clear()
            self._opt_d.state.clear()

    def _phase(
        self,
        network: nn.Module,
        optimiser: torch.optim.Optimizer,
        losses: Callable[[], None],
        numbers: dict[str, Tensor],
        norm: str = "",
    ) -> None:
        """Gradients of one loss, averaged over the processes, and a step by them."""
        optimiser.zero_grad(set_to_none=True)
        chance_was = self._random.get_state()
        losses()
        named = [(name, p) for name, p in network.named_parameters() if p.grad is not None]
        gradients = [p.grad for _, p in named if p.grad is not None]
        if self.team.processes > 1:
            self._average(gradients)
        if self._half is torch.float16:
            for gradient in gradients:
                # Half precision overflows now and then where nothing is wrong; a number that is none stays one.
                gradient.nan_to_num_(nan=math.nan, posinf=LARGEST, neginf=-LARGEST)
        norms = torch.stack(torch._foreach_norm(gradients))
        total = norms.norm()
        if norm:
            numbers[norm] = total
        if not math.isfinite(total.item()):
            finite = norms.isfinite().tolist()
            wrong = [name for (name, _), good in zip(named, finite, strict=True) if not good]
            optimiser.zero_grad(set_to_none=True)
            self._random.set_state(chance_was)
            culprit = self._culprit(losses)
            raise NotFinite("G" if network is self.g else "D", wrong or [name for name, _ in named], culprit)
        optimiser.step()

    def _culprit(self, losses: Callable[[], None]) -> Culprit | None:
        """Where a number that is none came from: look again, at every layer."""
        watch = Watch([("G", self.g), ("D", self.d)])
        with watch.watching():
            losses()
        return watch.culprit(self.team, self.device)

    def _average(self, gradients: list[Tensor]) -> None:
        """One message for all of them: many small ones would each wait for the slowest process."""
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        flat = self.team.mean(flat)
        parts = flat.split([gradient.numel() for gradient in gradients])
        for gradient, part in zip(gradients, parts, strict=True):
            gradient.copy_(part.view_as(gradient))

    # -- losses --------------------------------------------------------------------------------------------------------

    def _generator_loss(self, pieces: list[Batch], lod: float, numbers: dict[str, Tensor]) -> None:
        loss_of = logistic_g if self.config.loss == "logistic" else wgan_g
        for piece in pieces:
            images, _, c = self._generated(len(piece.pixels), lod, track=True)
            logits, classes = self._judged(images, c, lod)
            loss = loss_of(logits)
            _add(numbers, "loss_g", loss, len(pieces))
            ((loss + classes) / len(pieces)).backward()

    def _path_lengths(self, pieces: list[Batch], lod: float, numbers: dict[str, Tensor]) -> None:
        assert self._lazy_g is not None
        for piece in pieces:
            images, ws, _ = self._generated(smaller_batch(len(piece.pixels)), lod)
            penalty = self._path.penalty(images, ws, self._chance)
            (penalty * self._lazy_g.gain / len(pieces)).backward()
            _add(numbers, "path_penalty", penalty, len(pieces))
        numbers["path_length"] = self._path.average

    def _discriminator_loss(
        self, real: list[tuple[Tensor, Tensor | None]], lod: float, numbers: dict[str, Tensor]
    ) -> None:
        asked = self.config.regularisers
        every_step = asked.r1_gamma > 0 and self._lazy_d is None
        seen = []
        for images, c in real:
            with torch.no_grad():
                fake, _, fake_c = self._generated(len(images), lod)
            fake_logits, fake_classes = self._judged(fake, fake_c, lod)
            images = images.detach().requires_grad_(every_step)
            real_logits, real_classes = self._judged(images, c, lod)
            seen.append(real_logits.detach())
            loss_of = logistic_d if self.config.loss == "logistic" else wgan_d
            loss = loss_of(real_logits, fake_logits)
            _add(numbers, "loss_d", loss, len(real))
            _add(numbers, "real", real_logits.mean(), len(real))
            _add(numbers, "fake", fake_logits.mean(), len(real))
            if every_step:
                penalty = r1(images, real_logits, asked.r1_gamma)
                _add(numbers, "r1", penalty, len(real))
                loss = loss + penalty
            if asked.gradient_penalty:
                penalty = gradient_penalty(
                    lambda x, c=c: self.d(x, c, lod=lod),  # type: ignore[misc]
                    images,
                    fake,
                    self._chance,
                    asked.gradient_penalty,
                )
                _add(numbers, "gradient_penalty", penalty, len(real))
                loss = loss + penalty
            ((loss + fake_classes + real_classes) / len(real)).backward()
        self.adaptive.observe(torch.cat(seen), self.team.sum)

    def _r1(self, real: list[tuple[Tensor, Tensor | None]], lod: float, numbers: dict[str, Tensor]) -> None:
        assert self._lazy_d is not None
        for images, c in real:
            images = images.detach().requires_grad_()
            penalty = r1(images, self._judged(images, c, lod)[0], self.config.regularisers.r1_gamma)
            (penalty * self._lazy_d.gain / len(real)).backward()
            _add(numbers, "r1", penalty, len(real))

    def _generated(self, n: int, lod: float, track: bool = False) -> tuple[Tensor, Tensor, Tensor | None]:
        """Pictures of latents and classes by chance, their style vectors, and the classes."""
        like = next(self.g.parameters()).detach()
        z = self._chance.normal(n, self.config.generator.z_dim, like=like)
        c = None
        if self._labels is not None:
            place = self._chance.uniform(n, like=like)
            c = self._labels[(place * len(self._labels)).long().clamp(max=len(self._labels) - 1)]
        images, ws = self.g(
            z, c, self._chance, mixing=self.config.regularisers.mixing, lod=lod, half=self._half, track=track
        )
        return images, ws, c

    def _judged(self, images: Tensor, c: Tensor | None, lod: float) -> tuple[Tensor, Tensor]:
        """Logits of pictures as they are shown to D, blurred to begin with and augmented; the loss of their classes."""
        if (blur := self.config.blur) is not None:
            images = blurred(images, blur_sigma(self.seen / 1000, blur.start_px, blur.until_kimg))
        if self.config.augment is not None:
            images = augment(images, self.adaptive.p, self._chance, self.config.augment)
        named = self.d.scores_and_labels(images, lod)
        if named is not None and c is not None:
            return named[0], class_loss(named[1], c) * self.config.regularisers.classes
        return self.d(images, c, lod=lod, half=self._half), images.new_zeros(())

    def _reals(self, piece: Batch, lod: float) -> tuple[Tensor, Tensor | None]:
        """Pictures [N, C, H, W] in [-1, 1], and their classes."""
        images = piece.pixels.to(self.device, non_blocking=True).to(torch.float32) / 127.5 - 1
        c = None if self._labels is None else piece.labels.to(self.device, non_blocking=True)
        return at_level(images, lod), c

    # -- its state -----------------------------------------------------------------------------------------------------

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """All that going on needs: tensors in main memory, and plain numbers. The same on every process."""
        tensors = {
            **_named("G", self.g.network.state_dict()),
            **_named("G_ema", self.ema.network.state_dict()),
            **_named("D", self.d.network.state_dict()),
            **_named("path", self._path.state_dict()),
            **_moments("adam_g", self._opt_g),
            **_moments("adam_d", self._opt_d),
            "random": self._random.get_state(),
        }
        facts = {"seen": self.seen, "step": self.step, "adaptive": self.adaptive.state()}
        return {name: tensor.detach().to("cpu", copy=True) for name, tensor in tensors.items()}, facts

    def restore(self, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
        """Go on from what `state` gave.

        Raises:
            KeyError, RuntimeError, ValueError: it is another run's.
        """
        self.g.network.load_state_dict(_part("G", tensors))
        self.ema.network.load_state_dict(_part("G_ema", tensors))
        self.d.network.load_state_dict(_part("D", tensors))
        self._path.load_state_dict(_part("path", tensors))
        _restore_moments("adam_g", self._opt_g, tensors)
        _restore_moments("adam_d", self._opt_d, tensors)
        self._random.set_state(tensors["random"])
        self.seen, self.step = int(facts["seen"]), int(facts["step"])
        self.adaptive.restore(facts["adaptive"])


def _adam(parameters: Iterable[nn.Parameter], config: OptimiserConfig, lazy: Lazy | None) -> torch.optim.Adam:
    betas = config.betas if lazy is None else lazy.betas(config.betas)
    return torch.optim.Adam(parameters, betas=betas, eps=config.eps, fused=True)  # `_set_rates` says how fast


def _add(numbers: dict[str, Tensor], name: str, value: Tensor, pieces: int) -> None:
    """Count one piece's part of a mean."""
    part = value.detach() / pieces
    numbers[name] = numbers[name] + part if name in numbers else part


def _named(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {f"{prefix}/{name}": tensor for name, tensor in tensors.items()}


def _part(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    start = f"{prefix}/"
    return {name.removeprefix(start): tensor for name, tensor in tensors.items() if name.startswith(start)}


def _moments(prefix: str, optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """What Adam remembers of each parameter, by its number."""
    state = optimiser.state_dict()["state"]
    return {f"{prefix}/{index}/{name}": value for index, kept in state.items() for name, value in kept.items()}


def _restore_moments(prefix: str, optimiser: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in _part(prefix, tensors).items():
        index, kind = name.split("/")
        state.setdefault(int(index), {})[kind] = value
    optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})
