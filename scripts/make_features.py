"""Makes the small feature network of the metrics, assets/features_small.safetensors, from the demo faces.

    python scripts/make_features.py

The network is asked who a face is (which emoji, skin tone and gender, or no face at all), and how strongly it was
blurred, made noisy and coarse before it was shown: so its features tell of both content and quality. Some four minutes
on one core.
"""

import json
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor, nn

from train.data.dataset import TrainingImages
from train.data.opening import open_images
from train.metrics.network import LENGTH, SIZE, WEIGHTS, SmallNetwork, fitted

DATA = ROOT / "assets" / "data" / "fluent_faces_128.zip"
STEPS, BATCH, SEED = 4000, 64, 6
NONSENSE = 8  # pictures of a batch that are no faces
UNASKED = -100  # what cross_entropy leaves out


def main() -> None:
    torch.manual_seed(SEED)
    torch.set_num_threads(1)  # sums in one order, so that the same machine makes the same file
    pictures, answers = read_faces()
    network = SmallNetwork()
    no_face = torch.tensor([int(answers[0].max()) + 1, UNASKED, UNASKED])[:, None].expand(-1, NONSENSE)
    heads = nn.ModuleList(nn.Linear(LENGTH, int(answer.max()) + 2) for answer in answers)
    spoilt_head = nn.Linear(LENGTH, 3)
    learning = [*network.parameters(), *heads.parameters(), *spoilt_head.parameters()]
    optimiser = torch.optim.AdamW(learning, lr=2e-3, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, STEPS)
    for step in range(STEPS):
        chosen = torch.randint(len(pictures), (BATCH,))
        faces, others = moved(pictures[chosen]).split((BATCH - NONSENSE, NONSENSE))
        shown, strengths = spoil(torch.cat([faces, nonsense(others)]))
        pooled = network.pooled(shown)
        right = torch.cat([answers[:, chosen[: len(faces)]], no_face], dim=1)
        losses = [F.cross_entropy(head(pooled), answer) for head, answer in zip(heads, right, strict=True)]
        losses.append(4 * F.mse_loss(spoilt_head(pooled), strengths))
        optimiser.zero_grad()
        sum(losses).backward()
        optimiser.step()
        schedule.step()
        if step % 200 == 199:
            print(step + 1, " ".join(f"{loss.item():.3f}" for loss in losses))
    measure_spread(network, pictures)
    save_file({name: t.detach().contiguous() for name, t in network.state_dict().items()}, WEIGHTS)
    print(f"{WEIGHTS}: {WEIGHTS.stat().st_size} bytes")


def read_faces() -> tuple[Tensor, Tensor]:
    """Pictures [N, 3, SIZE, SIZE] in [0, 255], and for each question the right answers' numbers, [3, N]."""
    images = TrainingImages(open_images(DATA))
    pictures = fitted(images.batch(range(len(images))).pixels.float())
    with zipfile.ZipFile(DATA) as archive:
        attributes = json.loads(archive.read("attributes.json"))
    rows = [attributes[images.source.name(i)] for i in range(len(images))]
    answers = []
    for question in ("name", "skin_tone", "gender"):
        known = sorted({row[question] for row in rows})
        answers.append(torch.tensor([known.index(row[question]) for row in rows]))
    return pictures, torch.stack(answers)


def moved(pictures: Tensor) -> Tensor:
    """Pictures mirrored, moved, scaled and lit a little differently, each in a way of its own."""
    n = len(pictures)
    scale = 1 + 0.15 * (2 * torch.rand(n, 2) - 1)
    scale[:, 0] *= torch.where(torch.rand(n) < 0.5, -1, 1)
    offset = 0.1 * (2 * torch.rand(n, 2) - 1)
    matrices = torch.cat([torch.diag_embed(scale), offset[:, :, None]], dim=2)
    grid = F.affine_grid(matrices, list(pictures.shape), align_corners=False)
    found = F.grid_sample(pictures, grid, padding_mode="border", align_corners=False)
    return found * (1 + 0.1 * (2 * torch.rand(n, 1, 1, 1) - 1))


def nonsense(pictures: Tensor) -> Tensor:
    """As many pictures of no face: random squares of some size about some colour, or a face's parts in disorder."""
    found = []
    for picture in pictures:
        size = 2 ** int(torch.randint(0, 7, ()))
        squares = 127.5 + 200 * (torch.rand(3, 1, 1) - 0.5) + 80 * torch.rand(()) * torch.randn(3, size, size)
        parts = picture.unfold(1, 16, 16).unfold(2, 16, 16).reshape(3, 16, 16, 16)[:, torch.randperm(16)]
        disorder = parts.reshape(3, 4, 4, 16, 16).transpose(2, 3).reshape(3, SIZE, SIZE)
        smooth = F.interpolate(squares[None], (SIZE, SIZE), mode="nearest" if torch.rand(()) < 0.5 else "bilinear")[0]
        found.append(disorder if torch.rand(()) < 0.4 else smooth.clamp(0, 255))
    return torch.stack(found)


def spoil(pictures: Tensor) -> tuple[Tensor, Tensor]:
    """Pictures blurred, noisy and made of large pixels, each to three random strengths [N, 3] in [0, 1], often 0."""
    n = len(pictures)
    strengths = torch.rand(n, 3) * (torch.rand(n, 3) < 0.4)
    blur, noise, coarse = strengths.unbind(dim=1)
    frequency = torch.fft.fftfreq(SIZE)[:, None].square() + torch.fft.rfftfreq(SIZE).square()
    passed = torch.exp(-2 * (torch.pi * 4 * blur[:, None, None]).square() * frequency)[:, None]
    pictures = torch.fft.irfft2(torch.fft.rfft2(pictures) * passed, s=(SIZE, SIZE))
    pictures = pictures + 80 * noise[:, None, None, None] * torch.randn(pictures.shape)
    small = F.interpolate(F.interpolate(pictures, (12, 12), mode="area"), (SIZE, SIZE))
    return torch.lerp(pictures, small, coarse[:, None, None, None]).clamp(0, 255), strengths


@torch.no_grad()
def measure_spread(network: SmallNetwork, pictures: Tensor) -> None:
    """Note the mean and spread of every channel over the faces; one that they hardly move counts for no more."""
    pooled = network.pooled(pictures)
    spread = pooled.std(dim=0)
    network.mean.copy_(pooled.mean(dim=0))
    network.scale.copy_(1 / spread.clamp_min(0.2 * float(spread.median())))


if __name__ == "__main__":
    main()
