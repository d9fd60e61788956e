"""The options that products vary in: sizes, colors, packs and the like."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Choice:
    """One value of an option: its label, its part of a SKU, and its price as a percentage of the base price."""

    label: str
    code: str
    percent: int = 100


@dataclass(frozen=True, slots=True)
class Axis:
    """An option that a product can vary in, with how many of its values one product carries."""

    name: str
    choices: tuple[Choice, ...]
    fewest: int
    most: int
    # Sizes come as a run of neighbors; colors are any of those there are.
    neighbors: bool = False


def _same_price(*pairs: str) -> tuple[Choice, ...]:
    """Choices written as `label=code`."""
    return tuple(Choice(label, code) for label, _, code in (pair.partition("=") for pair in pairs))


COLORS = _same_price(
    "Charcoal=CHA",
    "Oat=OAT",
    "Moss=MOS",
    "Rust=RUS",
    "Ink=INK",
    "Sand=SND",
    "Terracotta=TER",
    "Fog=FOG",
    "Ochre=OCH",
    "Sage=SAG",
    "Plum=PLU",
    "Ivory=IVO",
    "Black=BLK",
    "Midnight=MID",
    "Rosé=ROS",
    "Sky=SKY",
)
SWATCHES = {
    "Charcoal": "#36454F",
    "Oat": "#DFD7C8",
    "Moss": "#5E6B3C",
    "Rust": "#A5472B",
    "Ink": "#1E2A45",
    "Sand": "#D8C3A5",
    "Terracotta": "#C8664A",
    "Fog": "#C9CED3",
    "Ochre": "#C98B2B",
    "Sage": "#9CAF88",
    "Plum": "#6B3654",
    "Ivory": "#FBF6E9",
    "Black": "#111111",
    "Midnight": "#15203B",
    "Rosé": "#E4B7B2",
    "Sky": "#A9CCE3",
}

_COLOR = Axis("Color", COLORS, 2, 4)
_FEW_COLORS = Axis("Color", COLORS, 1, 3)

OPTION_SETS: dict[str, tuple[Axis, ...]] = {
    "single": (),
    "color": (_COLOR,),
    "size": (Axis("Size", _same_price("XS=XS", "S=S", "M=M", "L=L", "XL=XL", "XXL=XXL"), 3, 6, True),),
    "wear": (
        _FEW_COLORS,
        Axis("Size", _same_price("XS=XS", "S=S", "M=M", "L=L", "XL=XL", "XXL=XXL"), 3, 5, True),
    ),
    "shoe": (
        Axis("Color", COLORS, 1, 2),
        Axis("Size", tuple(Choice(str(n), str(n)) for n in range(36, 47)), 4, 7, True),
    ),
    "volume": (
        Axis(
            "Volume",
            (
                Choice("30 ml", "030"),
                Choice("50 ml", "050", 145),
                Choice("100 ml", "100", 230),
                Choice("250 ml", "250", 390),
            ),
            2,
            3,
            True,
        ),
    ),
    "scent": (
        Axis(
            "Scent",
            _same_price(
                "Cedar & Salt=CED",
                "Fig Leaf=FIG",
                "Unscented=NON",
                "Bergamot=BER",
                "Wild Mint=MIN",
                "Smoked Tea=TEA",
            ),
            3,
            5,
        ),
    ),
    "pack": (
        Axis(
            "Pack",
            (
                Choice("Single", "1X"),
                Choice("Set of 2", "2X", 190),
                Choice("Set of 4", "4X", 360),
                Choice("Set of 6", "6X", 520),
            ),
            2,
            3,
            True,
        ),
    ),
    "bedding": (
        Axis(
            "Size",
            (
                Choice("Single", "SGL"),
                Choice("Double", "DBL", 135),
                Choice("King", "KNG", 160),
                Choice("Super King", "SKG", 180),
            ),
            2,
            4,
            True,
        ),
        _FEW_COLORS,
    ),
    "cable": (
        Axis(
            "Length",
            (
                Choice("0.5 m", "05"),
                Choice("1 m", "10", 115),
                Choice("2 m", "20", 140),
                Choice("3 m", "30", 170),
            ),
            2,
            4,
            True,
        ),
        Axis("Color", COLORS, 1, 2),
    ),
    "capacity": (
        Axis(
            "Capacity",
            (Choice("0.5 L", "050"), Choice("0.75 L", "075", 112), Choice("1 L", "100", 125)),
            2,
            3,
            True,
        ),
        _FEW_COLORS,
    ),
    "denomination": (
        Axis(
            "Denomination",
            (
                Choice("25", "025", 50),
                Choice("50", "050"),
                Choice("100", "100", 200),
                Choice("200", "200", 400),
            ),
            4,
            4,
            True,
        ),
    ),
}
