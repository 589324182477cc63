"""Builds assets/fonts/Inter-*.ttf: Inter with tabular digits and the Lucide icons named in widgets/icons.py.

Dear ImGui picks characters one by one and DearPyGui cannot merge two fonts into one, so the icons have to be in the
text font itself, and numbers that change (a slider's value, a frame time) must not shift their neighbours: OpenType's
`tnum` has to be the default. Only who changes the icons needs this; it needs `pip install fonttools` and

    npm pack lucide-static @expo-google-fonts/inter     # unpack both, then
    python scripts/make_fonts.py Inter_400Regular.ttf lucide.ttf assets/fonts/Inter-Regular.ttf
"""

import argparse
import sys
from pathlib import Path

from fontTools.pens.transformPen import TransformPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from widgets import icons

ICON_EM = 1.1  # an icon's box in ems of the text: Lucide leaves a margin of 1/12 on each side
PRIVATE_USE = range(0xE000, 0xF900)


def icon_codepoints() -> list[int]:
    """The codepoints of all constants in widgets/icons.py."""
    return sorted({ord(value) for name, value in vars(icons).items() if name.isupper()})


def use_tabular_digits(font: TTFont) -> None:
    """Map each digit to the glyph that the font's `tnum` feature puts in its place."""
    gsub = font["GSUB"].table
    features = [record.Feature for record in gsub.FeatureList.FeatureRecord if record.FeatureTag == "tnum"]
    for index in sorted({index for feature in features for index in feature.LookupListIndex}):
        for subtable in gsub.LookupList.Lookup[index].SubTable:
            swaps = getattr(subtable, "ExtSubTable", subtable).mapping
            for table in font["cmap"].tables:
                for digit in range(ord("0"), ord("9") + 1):
                    if digit in table.cmap:
                        table.cmap[digit] = swaps.get(table.cmap[digit], table.cmap[digit])


def drop_what_imgui_ignores(font: TTFont) -> None:
    """Keep every character that has a codepoint, without alternates, ligatures and kerning."""
    options = Options(layout_features=[], name_IDs=["*"], notdef_outline=True, glyph_names=True, hinting=False)
    options.drop_tables += ["GSUB", "GPOS", "GDEF", "STAT"]
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=[code for code in font.getBestCmap() if code not in PRIVATE_USE])
    subsetter.subset(font)


def add_icons(font: TTFont, lucide: TTFont, codepoints: list[int]) -> None:
    """Copy icons, scaled to the text and centred on the height of its capitals."""
    em = font["head"].unitsPerEm
    scale = ICON_EM * em / lucide["head"].unitsPerEm
    drop = font["OS/2"].sCapHeight / 2 - scale * lucide["head"].unitsPerEm / 2
    glyphs, names = lucide.getGlyphSet(), lucide.getBestCmap()
    for code in codepoints:
        pen = TTGlyphPen(None)
        glyphs[names[code]].draw(TransformPen(pen, (scale, 0, 0, scale, 0, drop)))
        name = f"uni{code:04X}"
        font["glyf"][name] = pen.glyph()
        font["hmtx"][name] = (round(ICON_EM * em), 0)
        for table in font["cmap"].tables:
            if table.isUnicode():
                table.cmap[code] = name


def main() -> None:
    """Read the two fonts named on the command line and write the third."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("inter", "lucide", "out"):
        parser.add_argument(name, type=Path)
    paths = parser.parse_args()
    font, lucide = TTFont(paths.inter), TTFont(paths.lucide)
    use_tabular_digits(font)
    drop_what_imgui_ignores(font)
    add_icons(font, lucide, icon_codepoints())
    font["name"].setName("StyleScope UI (Inter with Lucide icons)", 4, 3, 1, 0x409)
    font.save(paths.out)


if __name__ == "__main__":
    main()
