"""The look of the figures: names keep their colours, and curves stay apart for every eye."""

import itertools

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_rgb

from paper_figures import style
from tabular.errors import ParameterError

# Machado, Oliveira & Fernandes (2009), severity 1, on linear RGB.
PROTANOPIA = np.array(
    [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
)
DEUTERANOPIA = np.array(
    [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
)
XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
WHITE = np.array([0.95047, 1.0, 1.08883])


def lab(colour, eye):
    """CIE Lab of an sRGB colour as seen by an eye."""
    rgb = np.array(to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    t = XYZ @ np.clip(eye @ linear, 0, 1) / WHITE
    f = np.where(t > (6 / 29) ** 3, np.cbrt(t), t / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("eye", [np.eye(3), PROTANOPIA, DEUTERANOPIA], ids=["typical", "protanopia", "deuteranopia"])
def test_colours_differ_for_every_eye(eye):
    for one, other in itertools.combinations(style.PALETTE, 2):
        assert np.linalg.norm(lab(one, eye) - lab(other, eye)) > 10, (one, other)


def test_control_red_and_green_fall_together_for_one_eye():
    assert np.linalg.norm(lab("#9a8a00", DEUTERANOPIA) - lab("#c87800", DEUTERANOPIA)) < 10


def test_named_colours_are_of_the_palette_and_fixed():
    assert set(style.COLOURS.values()) <= set(style.PALETTE)
    alone = style.looks(["Hoeffding"])["Hoeffding"]
    crowd = style.looks(["zeta", "Bernstein", "Hoeffding", "alpha"])["Hoeffding"]
    assert alone.colour == crowd.colour == style.COLOURS["Hoeffding"]


def test_looks_never_coincide_and_do_not_depend_on_the_order():
    names = [f"learner {i}" for i in range(20)]
    found = style.looks(names)
    assert list(found) == names
    assert len({(look.colour, look.marker) for look in found.values()}) == 20
    assert len({(look.colour, str(look.dash)) for look in found.values()}) == 20
    shuffled = style.looks(names[::-1])
    assert {name: look.colour for name, look in shuffled.items()} == {name: look.colour for name, look in found.items()}


def test_few_unnamed_curves_all_have_their_own_colour():
    found = style.looks(["Hoeffding", "one", "two", "three", "four", "five", "six"])
    assert len({look.colour for look in found.values()}) == 7


def test_slope_guide_has_the_slope():
    _, ax = style.new_figure()
    ends = style.slope_guide(ax, -0.5, start=(10.0, 2.0), stop=1000.0)
    assert np.diff(np.log(ends[:, 1])) / np.diff(np.log(ends[:, 0])) == pytest.approx(-0.5)
    assert ends[0].tolist() == [10.0, 2.0]
    assert ax.texts[0].get_text() == "slope -0.5"
    with pytest.raises(ParameterError):
        style.slope_guide(ax, -0.5, start=(0.0, 1.0), stop=10.0)


def test_band_line_draws_line_and_band():
    _, ax = style.new_figure()
    style.band_line(ax, [1, 2, 3], [2, 3, 4], [1, 2, 3], [3, 4, 5], label="LCB")
    assert ax.lines[0].get_ydata().tolist() == [2, 3, 4]
    assert ax.collections[0].get_datalim(ax.transData).ymax == 5
    assert ax.lines[0].get_color() == style.COLOURS["LCB"]
    with pytest.raises(ParameterError, match="both"):
        style.band_line(ax, [1], [1], low=[0], label="x")


def test_sizes_by_name():
    figure, axes = style.new_grid("double-column", 2, 3)
    assert axes.shape == (2, 3)
    assert figure.get_size_inches()[0] == pytest.approx(7.2)
    with pytest.raises(ParameterError, match="single-column"):
        style.new_figure("huge")


def test_settings_are_the_houses_inside_and_the_users_outside():
    with mpl.rc_context({"lines.linewidth": 9.0, "axes.titlepad": 33.0}):
        with style.applied():
            assert mpl.rcParams["lines.linewidth"] == style.RC["lines.linewidth"]
            assert mpl.rcParams["axes.titlepad"] == mpl.rcParamsDefault["axes.titlepad"]
        assert mpl.rcParams["lines.linewidth"] == 9.0
