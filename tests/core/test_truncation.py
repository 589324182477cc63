"""The truncation trick is w_avg + psi (w - w_avg), layer by layer, and nothing at all where psi is 1."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from stylegan_core.scene import Truncation
from stylegan_core.truncation import psi_per_layer, scene_psi, truncate
from tests.strategies import psis, tiny_model, truncations

NUM_WS, W_DIM = 6, 8


@given(st.lists(psis, min_size=NUM_WS, max_size=NUM_WS), st.integers(0, 2**32 - 1))
def test_truncation_is_the_formula(values: list[float], seed: int) -> None:
    random = np.random.RandomState(seed)
    ws, w_avg = random.randn(2, NUM_WS, W_DIM).astype(np.float32), random.randn(W_DIM).astype(np.float32)
    psi = np.array(values, dtype=np.float32).astype(np.float64)[:, None]
    expected = w_avg + psi * (ws.astype(np.float64) - w_avg)
    got = truncate(torch.from_numpy(ws), torch.from_numpy(w_avg), values)
    np.testing.assert_allclose(got.numpy(), expected, rtol=0, atol=4e-6)


@given(st.lists(st.sampled_from([0.0, 0.3, 1.0]), min_size=NUM_WS, max_size=NUM_WS))
def test_psi_1_leaves_w_as_it_is_and_psi_0_gives_the_mean(values: list[float]) -> None:
    # Values for which w_avg + (w - w_avg) is not w in float32.
    ws, w_avg = torch.full((1, NUM_WS, W_DIM), 0.1), torch.full((W_DIM,), 1e5)
    assert not torch.equal(w_avg + (ws - w_avg), ws)
    got = truncate(ws, w_avg, values)
    for index, value in enumerate(values):
        if value == 1:
            assert torch.equal(got[:, index], ws[:, index])
        elif value == 0:
            assert torch.equal(got[:, index], w_avg[None])


def test_truncation_does_not_write_into_its_input() -> None:
    ws, w_avg = torch.ones(1, 3, W_DIM), torch.zeros(W_DIM)
    truncate(ws, w_avg, (0.5, 1, 0))
    assert torch.equal(ws, torch.ones(1, 3, W_DIM)) and torch.equal(w_avg, torch.zeros(W_DIM))


@given(truncations(NUM_WS))
def test_cutoff_ends_truncation(truncation: Truncation) -> None:
    found = scene_psi(truncation, NUM_WS)
    assert len(found) == NUM_WS
    end = NUM_WS if truncation.cutoff is None else truncation.cutoff
    values = truncation.layers or (truncation.psi,) * NUM_WS
    assert found == (*values[:end], *(1.0,) * (NUM_WS - end))


@pytest.mark.parametrize("psi", [(0.5,), (0.5,) * 7, ()])
def test_another_number_of_layers_is_refused(psi: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match=f"psi has {len(psi)} values; the model has 6 style vectors"):
        psi_per_layer(psi, None, NUM_WS)


def test_a_model_s_map_takes_one_psi_or_many() -> None:
    model = tiny_model(16)
    z = torch.from_numpy(np.random.RandomState(3).randn(2, model.card.z_dim)).float()
    whole, num_ws = model.map(z), model.card.num_ws
    one = model.map(z, psi=0.5, cutoff=3)
    assert torch.equal(one, model.map(z, psi=[0.5] * 3 + [1.0] * (num_ws - 3)))
    assert torch.equal(one[:, 3:], whole[:, 3:])
    np.testing.assert_allclose(one[:, :3], model.w_avg + 0.5 * (whole[:, :3] - model.w_avg), rtol=0, atol=1e-6)
