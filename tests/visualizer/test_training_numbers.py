"""A run's numbers as curves: what is kept of them, smoothing, going back in training."""

import numpy as np

from visualizer.training_numbers import Numbers, curve, metrics


def test_curves_hold_what_each_line_says_where_it_says_it() -> None:
    numbers = Numbers()
    numbers.add([{"kimg": 1.0, "loss_g": 0.5, "words": "x"}, {"kimg": 2.0, "loss_g": 0.25, "r1": 3, "broken": None}])
    numbers.add([{"kimg": 3.0, "r1": float("nan"), "path_penalty": 1}, {"loss_g": 9.0}])
    numbers.add([{"kimg": 3.0, "fid_small": 7.5, "time": 1.7e9}])
    curves = numbers.curves()
    assert set(curves) == {"loss_g", "r1", "path_penalty", "fid_small"}
    assert (curves["loss_g"].kimg, curves["loss_g"].values) == ([1.0, 2.0], [0.5, 0.25])
    assert curves["r1"].last == 3.0
    assert metrics(curves) == ("fid_small",)


def test_a_run_that_goes_on_from_before_has_no_two_values_at_one_place() -> None:
    numbers = Numbers()
    numbers.add({"kimg": float(kimg), "p": 0.1 * kimg} for kimg in range(1, 6))
    numbers.add([{"kimg": 3.0, "p": 0.9}, {"kimg": 4.0, "p": 0.8}])
    assert numbers.curves()["p"].kimg == [1.0, 2.0, 3.0, 4.0]
    assert numbers.curves()["p"].values[2:] == [0.9, 0.8]


def test_a_long_curve_keeps_its_peaks_and_its_ends() -> None:
    values = np.zeros(50_000)
    values[31_234], values[40_001] = 5.0, -5.0
    drawn = curve(list(map(float, range(50_000))), values.tolist(), most=100)
    assert len(drawn.values) <= 102 and len(drawn.smooth) <= 100
    assert drawn.kimg[drawn.values.index(5.0)] == 31_234 and drawn.kimg[drawn.values.index(-5.0)] == 40_001
    assert (drawn.kimg[0], drawn.kimg[-1]) == (0.0, 49_999.0) == (drawn.smooth_kimg[0], drawn.smooth_kimg[-1])


def test_smoothing_takes_noise_away_and_leaves_a_slope() -> None:
    line = np.linspace(0, 1, 300)
    noise = np.random.default_rng(0).normal(0, 0.1, 300)
    drawn = curve(line.tolist(), (line + noise).tolist())
    inner = slice(20, -20)
    error = np.array(drawn.smooth) - line
    assert np.abs(error[inner]).max() < 0.1 and error[inner].std() < 0.035
    np.testing.assert_allclose([drawn.smooth[0], drawn.smooth[-1]], [drawn.values[0], drawn.values[-1]])
    np.testing.assert_allclose(curve(line.tolist(), line.tolist()).smooth, line, atol=1e-9)
