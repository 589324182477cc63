"""Snapshots in the layout of the TensorFlow code, made of random numbers, and those of tests/golden to alter."""

import pickle
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest


class Network:
    """A network of a snapshot; pickles as the official code's networks do."""

    variables: list[tuple[str, Any]]
    components: dict[str, "Network"]

    def __init__(self, **state: Any):
        vars(self).update(state)

    @property
    def values(self) -> dict[str, Any]:
        """The variables by name."""
        return dict(self.variables)

    def set(self, name: str, value: Any) -> None:
        """Put a variable in, or in place of the one of this name."""
        self.variables = list({**self.values, name: value}.items())

    def drop(self, name: str) -> None:
        """Take a variable out."""
        self.variables = [pair for pair in self.variables if pair[0] != name]


Network.__module__, Network.__qualname__ = "dnnlib.tflib.network", "Network"


class _TrustingUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> object:
        return Network if name == "Network" else super().find_class(module, name)


def trusting_load(path: Path) -> tuple[Network, Network, Network]:
    """A reference snapshot, which is known to be harmless."""
    with path.open("rb") as file:
        return _TrustingUnpickler(file).load()


def dump(tree: object) -> bytes:
    """A tree with Networks as a snapshot's bytes."""
    modules = {name: ModuleType(name) for name in ("dnnlib", "dnnlib.tflib", "dnnlib.tflib.network")}
    vars(modules["dnnlib.tflib.network"])["Network"] = Network
    with pytest.MonkeyPatch.context() as patch:
        for name, module in modules.items():
            patch.setitem(sys.modules, name, module)
        return pickle.dumps(tree, protocol=4)


RESOLUTION, WIDTHS, LATENT, DLATENT = 16, {4: 6, 8: 6, 16: 4}, 5, 7
SETTINGS = {"resolution": RESOLUTION, "num_channels": 3, "fmap_base": 32, "fmap_max": 6}
MAPPING = {"latent_size": LATENT, "dlatent_size": DLATENT, "mapping_fmaps": 9, "mapping_layers": 3}


def network(name: str, function: str, settings: dict[str, Any], shapes: dict[str, tuple[int, ...]]) -> Network:
    """A network with random variables of these shapes."""
    random = np.random.RandomState(len(shapes))
    return Network(
        version=4,
        name=name,
        static_kwargs=settings,
        components={},
        build_module_src="",
        build_func_name=function,
        variables=[
            (key, random.randn(*shape).astype(np.float32) if shape else np.float32(random.randn()))
            for key, shape in shapes.items()
        ],
    )


def generator(wiring: str, labels: int = 0) -> Network:
    """A StyleGAN2 generator of "orig", "skip", "resnet" or (configs B to D) "progressive" wiring."""
    grows = wiring == "progressive"
    settings = {**SETTINGS, **MAPPING, "label_size": labels} | ({} if grows else {"architecture": wiring})
    shapes: dict[str, tuple[int, ...]] = {"lod": ()} if grows else {}
    shapes |= {f"noise{i}": (1, 1, *2 * [2 ** ((i + 5) // 2)]) for i in range(5)}
    shapes["4x4/Const/const"] = (1, WIDTHS[4], 4, 4)
    for level, (r, width) in enumerate(WIDTHS.items()):
        inner = WIDTHS[max(r // 2, 4)]
        layers = {"Conv": width} if r == 4 else {"Conv0_up": inner, "Conv1": width}
        for layer, wide in layers.items():
            shapes |= modulated(f"{r}x{r}/{layer}", 3, wide, width) | {f"{r}x{r}/{layer}/noise_strength": ()}
        if wiring == "resnet" and r > 4:
            shapes[f"{r}x{r}/Skip/weight"] = (1, 1, inner, width)
        if grows:
            shapes |= modulated(f"ToRGB_lod{2 - level}", 1, width, 3)
        elif wiring == "skip" or r == RESOLUTION:
            shapes |= modulated(f"{r}x{r}/ToRGB", 1, width, 3)
    synthesis = network(
        "G_synthesis", "G_synthesis_stylegan_revised" if grows else "G_synthesis_stylegan2", settings, shapes
    )
    shapes = {"LabelConcat/weight": (labels, LATENT)} if labels else {}
    for i, (inner, out) in enumerate([(LATENT * (2 if labels else 1), 9), (9, 9), (9, DLATENT)]):
        shapes |= {f"Dense{i}/weight": (inner, out), f"Dense{i}/bias": (out,)}
    mapping = network("G_mapping", "G_mapping", settings, shapes)
    for key, value in mapping.variables:
        if key.startswith("Dense") and key.endswith("weight"):
            mapping.set(key, value / np.float32(0.01))  # as training starts, for the learning rate multiplier
    main = network("Gs", "G_main", settings, {"lod": (), "dlatent_avg": (DLATENT,)})
    if grows:
        synthesis.set("lod", np.float32(0))
    main.set("lod", np.float32(0))
    main.components = {"synthesis": synthesis, "mapping": mapping}
    return main


def modulated(name: str, kernel: int, inner: int, out: int) -> dict[str, tuple[int, ...]]:
    """The shapes of a modulated convolution."""
    return {
        f"{name}/weight": (kernel, kernel, inner, out),
        f"{name}/mod_weight": (DLATENT, inner),
        f"{name}/mod_bias": (inner,),
        f"{name}/bias": (out,),
    }


def discriminator(wiring: str, labels: int = 0) -> Network:
    """A StyleGAN2 discriminator of "orig", "skip", "resnet" or (configs B to D) "progressive" wiring."""
    grows = wiring == "progressive"
    settings: dict[str, Any] = {**SETTINGS, "label_size": labels} | ({} if grows else {"architecture": wiring})
    shapes: dict[str, tuple[int, ...]] = {"lod": ()} if grows else {}
    convolutions: dict[str, tuple[int, int, int]] = {}
    for level, (r, width) in enumerate(reversed(WIDTHS.items())):
        if grows:
            convolutions[f"FromRGB_lod{level}"] = (1, 3, width)
        elif wiring == "skip" or r == RESOLUTION:
            convolutions[f"{r}x{r}/FromRGB"] = (1, 3, width)
        if r > 4:
            convolutions[f"{r}x{r}/Conv0"] = (3, width, width)
            convolutions[f"{r}x{r}/Conv1_down"] = (3, width, WIDTHS[r // 2])
        if r > 4 and wiring == "resnet":
            shapes[f"{r}x{r}/Skip/weight"] = (1, 1, width, WIDTHS[r // 2])
    convolutions["4x4/Conv"] = (3, WIDTHS[4] + 1, WIDTHS[4])
    for name, (kernel, inner, out) in convolutions.items():
        shapes |= {f"{name}/weight": (kernel, kernel, inner, out), f"{name}/bias": (out,)}
    for name, inner, out in (("4x4/Dense0", 16 * WIDTHS[4], WIDTHS[4]), ("Output", WIDTHS[4], max(labels, 1))):
        shapes |= {f"{name}/weight": (inner, out), f"{name}/bias": (out,)}
    found = network("D", "D_stylegan" if grows else "D_stylegan2", settings, shapes)
    if grows:
        found.set("lod", np.float32(0))
    return found
