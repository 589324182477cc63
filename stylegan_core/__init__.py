"""StyleScope's engine: the StyleGAN family without a window. See ARCHITECTURE.md for the data's way through it."""

from stylegan_core.card import LayerInfo, ModelCard
from stylegan_core.errors import ModelFileError, ModelMissingError, SceneError, StyleScopeError
from stylegan_core.model import DiscriminatorModel, Model
from stylegan_core.models import ModelStore, load_discriminator, load_model, save_model
from stylegan_core.render import Frame, Renderer, render
from stylegan_core.scene import ModelRef, Scene, scene_from_json, scene_to_json

__all__ = [
    "DiscriminatorModel",
    "Frame",
    "LayerInfo",
    "Model",
    "ModelCard",
    "ModelFileError",
    "ModelMissingError",
    "ModelRef",
    "ModelStore",
    "Renderer",
    "Scene",
    "SceneError",
    "StyleScopeError",
    "load_discriminator",
    "load_model",
    "render",
    "save_model",
    "scene_from_json",
    "scene_to_json",
]
