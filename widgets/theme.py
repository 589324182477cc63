"""Colours, fonts and sizes, in one place."""

from dataclasses import dataclass

import dearpygui.dearpygui as dpg

from stylegan_core.card import Band
from visualizer.library import ASSETS

Colour = tuple[int, int, int, int]

BACKGROUND: Colour = (23, 24, 28, 255)
PANEL: Colour = (31, 33, 38, 255)
CONTROL: Colour = (46, 49, 57, 255)
HOVERED: Colour = (60, 64, 75, 255)
LINE: Colour = (58, 61, 70, 255)
TEXT: Colour = (226, 228, 234, 255)
DIM: Colour = (150, 154, 166, 255)
FAINT: Colour = (96, 100, 112, 255)
ACCENT: Colour = (122, 162, 247, 255)
ACCENT_DARK: Colour = (70, 98, 165, 255)
ERROR: Colour = (247, 118, 110, 255)
CANVAS: Colour = (17, 18, 21, 255)
BANDS: dict[Band, Colour] = {
    "coarse": (224, 145, 95, 255),
    "middle": (126, 190, 128, 255),
    "fine": (122, 162, 247, 255),
}

TEXT_PX, TITLE_PX, MONO_PX = 15, 15, 13


@dataclass(frozen=True)
class Fonts:
    """DearPyGui's ids of the loaded fonts."""

    regular: int | str
    title: int | str
    mono: int | str


def load_fonts(scale: float) -> Fonts:
    """Load the fonts at their sizes in px times `scale`, and use the regular one."""

    def load(name: str, px: float) -> int | str:
        return dpg.add_font(str(ASSETS / "fonts" / name), round(px * scale))

    with dpg.font_registry():
        fonts = Fonts(
            load("Inter-Regular.ttf", TEXT_PX),
            load("Inter-SemiBold.ttf", TITLE_PX),
            load("JetBrainsMono-Regular.ttf", MONO_PX),
        )
    dpg.bind_font(fonts.regular)
    return fonts


def bind_theme(scale: float) -> None:
    """The dark theme for the whole window."""
    colours = {
        dpg.mvThemeCol_WindowBg: BACKGROUND,
        dpg.mvThemeCol_ChildBg: PANEL,
        dpg.mvThemeCol_PopupBg: (38, 40, 47, 255),
        dpg.mvThemeCol_Text: TEXT,
        dpg.mvThemeCol_TextDisabled: DIM,
        dpg.mvThemeCol_Border: LINE,
        dpg.mvThemeCol_Separator: LINE,
        dpg.mvThemeCol_FrameBg: CONTROL,
        dpg.mvThemeCol_FrameBgHovered: HOVERED,
        dpg.mvThemeCol_FrameBgActive: HOVERED,
        dpg.mvThemeCol_Button: CONTROL,
        dpg.mvThemeCol_ButtonHovered: HOVERED,
        dpg.mvThemeCol_ButtonActive: ACCENT_DARK,
        dpg.mvThemeCol_Header: PANEL,
        dpg.mvThemeCol_HeaderHovered: CONTROL,
        dpg.mvThemeCol_HeaderActive: HOVERED,
        dpg.mvThemeCol_Tab: PANEL,
        dpg.mvThemeCol_TabHovered: HOVERED,
        dpg.mvThemeCol_TabActive: ACCENT_DARK,
        dpg.mvThemeCol_SliderGrab: ACCENT_DARK,  # the value is written over it
        dpg.mvThemeCol_SliderGrabActive: ACCENT_DARK,
        dpg.mvThemeCol_CheckMark: ACCENT,
        dpg.mvThemeCol_ScrollbarBg: PANEL,
        dpg.mvThemeCol_ScrollbarGrab: HOVERED,
        dpg.mvThemeCol_TitleBgActive: CONTROL,
        dpg.mvThemeCol_NavHighlight: ACCENT,
        dpg.mvThemeCol_PlotHistogram: ACCENT,
        dpg.mvThemeCol_TextSelectedBg: ACCENT_DARK,
        dpg.mvThemeCol_ModalWindowDimBg: (0, 0, 0, 120),
    }
    plots = {dpg.mvPlotCol_FrameBg: PANEL, dpg.mvPlotCol_PlotBg: CANVAS, dpg.mvPlotCol_PlotBorder: LINE}
    styles: dict[int, tuple[float, ...]] = {
        dpg.mvStyleVar_WindowPadding: (8, 8),
        dpg.mvStyleVar_FramePadding: (8, 4),
        dpg.mvStyleVar_ItemSpacing: (8, 6),
        dpg.mvStyleVar_ItemInnerSpacing: (6, 4),
        dpg.mvStyleVar_ScrollbarSize: (10,),
        dpg.mvStyleVar_GrabMinSize: (10,),
        dpg.mvStyleVar_FrameRounding: (4,),
        dpg.mvStyleVar_ChildRounding: (6,),
        dpg.mvStyleVar_PopupRounding: (6,),
        dpg.mvStyleVar_GrabRounding: (4,),
        dpg.mvStyleVar_ScrollbarRounding: (6,),
        dpg.mvStyleVar_WindowBorderSize: (0,),
        dpg.mvStyleVar_ChildBorderSize: (0,),
    }
    with dpg.theme() as theme:
        with dpg.theme_component(dpg.mvAll):
            for target, colour in colours.items():
                dpg.add_theme_color(target, colour)
            for target, colour in plots.items():
                dpg.add_theme_color(target, colour, category=dpg.mvThemeCat_Plots)
            for target, values in styles.items():
                dpg.add_theme_style(target, *(value * scale for value in values))
        for kind in (dpg.mvButton, dpg.mvSliderFloat, dpg.mvCombo):  # what cannot be used now steps back
            with dpg.theme_component(kind, enabled_state=False):
                for target in (dpg.mvThemeCol_Text, dpg.mvThemeCol_SliderGrab, dpg.mvThemeCol_SliderGrabActive):
                    dpg.add_theme_color(target, FAINT)
                for target in (dpg.mvThemeCol_Button, dpg.mvThemeCol_ButtonHovered, dpg.mvThemeCol_ButtonActive):
                    dpg.add_theme_color(target, PANEL)
                for target in (dpg.mvThemeCol_FrameBg, dpg.mvThemeCol_FrameBgHovered, dpg.mvThemeCol_FrameBgActive):
                    dpg.add_theme_color(target, PANEL)
    dpg.bind_theme(theme)
