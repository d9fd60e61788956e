"""The words of the invented shop: what it sells, in which options, and how it writes about it.

Brands are made up. Taxonomy codes are the top levels of Shopify's own product taxonomy.
"""

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


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of article: its noun, product type, usual price in cents, weight in grams and options."""

    noun: str
    product_type: str
    cents: int
    grams: int
    options: str


@dataclass(frozen=True, slots=True)
class Department:
    """A department of the shop with its kinds of articles and its own way of praising them."""

    title: str
    tag: str
    taxonomy: str
    taxonomy_name: str
    materials: tuple[str, ...]
    kinds: tuple[Kind, ...]
    openings: tuple[str, ...]
    features: tuple[str, ...]
    care: tuple[str, ...]


def _same_price(*pairs: str) -> tuple[Choice, ...]:
    return tuple(Choice(*pair.split("=")) for pair in pairs)


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

GIFT_CARD = Kind("Gift Card", "Gift Cards", 5_000, 0, "denomination")

BRANDS = (
    "Hearthlow",
    "Vintmarsh",
    "Ostrelline",
    "Kvindahl Works",
    "Brackenfold",
    "Lumewickery",
    "Pellworthy",
    "Norrvane",
    "Sablemoor Goods",
    "Tolvenna",
    "Ambrowick",
    "Zephrindale",
    "Marrowgate Mills",
    "Ilvermay",
    "Drumbelow",
    "Cobbleskerry",
    "Wexandoril",
    "Fennimarch",
    "Oakhollin & Daughters",
    "Quistreed",
    "Thistlebarrow",
    "Umberlynne",
    "Varnholt Supply",
    "Yarrowsend",
    "Bellamarsh",
    "Corvenby",
    "Dunmorrel",
    "Eskerwool",
    "Gannetfold",
    "Jorunnvik",
)

LINES = (
    "Alder", "Anker", "Birkholm", "Brisa", "Calla", "Cedarfall", "Coastal", "Dovetail", "Dune", "Ember",
    "Fable", "Fjäll", "Foundry", "Gable", "Glen", "Harbor", "Haven", "Heath", "Hollow", "Indra",
    "Isla", "Juniper", "Kestrel", "Lagoon", "Lark", "Loft", "Lumen", "Marlow", "Meadow", "Mira",
    "Nomad", "Nora", "Océane", "Orchard", "Otto", "Palisade", "Pebble", "Pine Ridge", "Quarry", "Quill",
    "Ridge", "Rowan", "Saga", "Solstice", "Sorrel", "Tarn", "Tidal", "Trail", "Umbra", "Vale",
    "Verde", "Wander", "Willow", "Wren", "Yara", "Zephyr",
)  # fmt: skip

DEPARTMENTS = (
    Department(
        "Home & Living",
        "home",
        "hg",
        "Home & Garden",
        ("Linen", "Rattan", "Walnut", "Brass", "Recycled Glass", "Wool", "Jute", "Ceramic"),
        (
            Kind("Cushion Cover", "Cushions", 2900, 350, "color"),
            Kind("Throw Blanket", "Throws", 6900, 1100, "color"),
            Kind("Duvet Set", "Bedding", 11900, 2400, "bedding"),
            Kind("Table Lamp", "Lighting", 8900, 2100, "color"),
            Kind("Pendant Shade", "Lighting", 7400, 1300, "single"),
            Kind("Vase", "Vases", 3400, 900, "color"),
            Kind("Wall Mirror", "Mirrors", 13900, 5200, "single"),
            Kind("Storage Basket", "Storage", 2700, 700, "pack"),
            Kind("Scented Candle", "Candles", 2400, 420, "scent"),
            Kind("Side Table", "Furniture", 18900, 7800, "single"),
            Kind("Door Mat", "Rugs", 3900, 1900, "color"),
            Kind("Picture Frame", "Frames", 1900, 480, "pack"),
        ),
        (
            "The {title} brings a quiet warmth to the room it is put in.",
            "Made in small runs, the {title} looks as good on an ordinary Tuesday as it does when guests come.",
            "We wanted one {noun} that we would not have to replace, and this is it.",
        ),
        (
            "The {material} is chosen by hand, so that no two pieces are quite alike.",
            "Every edge is finished twice, once by machine and once by somebody who cares.",
            "It arrives assembled, in packaging that goes into the paper bin.",
            "The proportions suit a small flat as well as a large hall.",
            "Colors are dyed in one batch a season and match across the collection.",
            "Felt pads protect your floors and shelves from the first day.",
        ),
        (
            "Dust with a dry cloth; keep out of standing water.",
            "Spot clean with lukewarm water and mild soap.",
        ),
    ),
    Department(
        "Kitchen & Dining",
        "kitchen",
        "hg",
        "Home & Garden",
        ("Stoneware", "Oak", "Cast Iron", "Stainless", "Olive Wood", "Enamel", "Borosilicate", "Copper"),
        (
            Kind("Serving Board", "Boards", 4200, 1200, "single"),
            Kind("Ramen Bowl", "Bowls", 2200, 600, "pack"),
            Kind("Dinner Plate", "Plates", 1900, 700, "pack"),
            Kind("Chef's Knife", "Knives", 8900, 260, "single"),
            Kind("Apron", "Kitchen Textiles", 3900, 400, "color"),
            Kind("Skillet", "Cookware", 7900, 2300, "single"),
            Kind("Pour-over Kettle", "Coffee & Tea", 9400, 1100, "color"),
            Kind("Espresso Cup", "Coffee & Tea", 1400, 210, "pack"),
            Kind("Carafe", "Glassware", 3600, 800, "capacity"),
            Kind("Storage Jar", "Food Storage", 1700, 500, "pack"),
            Kind("Salt Cellar", "Tableware", 2100, 350, "single"),
            Kind("Baking Dish", "Bakeware", 4900, 1800, "color"),
            Kind("Tea Towel", "Kitchen Textiles", 1500, 120, "pack"),
        ),
        (
            "Meet the {title}: a {noun} that earns its place on the counter.",
            "Cooks asked us for a {noun} without fuss, so we made the {title}.",
            "From breakfast to the last guest, the {title} keeps up with you.",
        ),
        (
            "The {material} holds heat evenly and forgives a busy cook.",
            "It stacks neatly and takes up less room than you would think.",
            "Safe for the oven up to 220 °C and for daily use at the table.",
            "The handle is balanced so that your wrist does not tire.",
            "Food never touches anything but the material it is named after.",
            "Spare parts can be ordered for at least ten years.",
        ),
        ("Wash by hand and oil it now and then.", "Dishwasher safe; do not use steel wool."),
    ),
    Department(
        "Apparel",
        "apparel",
        "aa",
        "Apparel & Accessories",
        (
            "Organic Cotton",
            "Merino",
            "Linen",
            "Recycled Denim",
            "Corduroy",
            "Cashmere Blend",
            "Poplin",
            "Fleece",
        ),
        (
            Kind("Crew-neck T-shirt", "T-Shirts", 2900, 180, "wear"),
            Kind("Overshirt", "Shirts", 8900, 520, "wear"),
            Kind("Cardigan", "Knitwear", 10900, 480, "wear"),
            Kind("Hoodie", "Sweatshirts", 6900, 650, "wear"),
            Kind("Straight Trousers", "Trousers", 8400, 560, "size"),
            Kind("Wrap Dress", "Dresses", 9900, 420, "wear"),
            Kind("Pleated Skirt", "Skirts", 7400, 360, "size"),
            Kind("Rain Jacket", "Outerwear", 15900, 780, "wear"),
            Kind("Low-top Sneaker", "Shoes", 11900, 900, "shoe"),
            Kind("Chelsea Boot", "Shoes", 17900, 1300, "shoe"),
            Kind("Beanie", "Hats", 2900, 90, "color"),
            Kind("Scarf", "Scarves", 4900, 200, "color"),
            Kind("Leather Belt", "Belts", 5400, 240, "size"),
            Kind("Ankle Socks", "Socks", 1200, 60, "pack"),
        ),
        (
            "The {title} is cut to be worn often and thought about seldom.",
            "An easy fit, an honest fabric: the {title} goes with what you already own.",
            "The {noun} we reach for first, in {material} that softens with every wash.",
        ),
        (
            "True to size with a little ease through the shoulder.",
            "Seams are taped where others are left raw.",
            "The {material} is knitted and dyed within one valley.",
            "Pockets are deep enough for a phone and a set of keys.",
            "Buttons are corozo, thread is cotton, and the label does not scratch.",
            "Repairs are free for two years from the day you bought it.",
        ),
        ("Wash cold, inside out; dry flat.", "Machine wash at 30 °C with like colors; do not tumble dry."),
    ),
    Department(
        "Outdoor",
        "outdoor",
        "sg",
        "Sporting Goods",
        ("Ripstop", "Titanium", "Waxed Canvas", "Merino", "Recycled Nylon", "Aluminum", "Cork"),
        (
            Kind("Daypack", "Backpacks", 9900, 900, "color"),
            Kind("Sleeping Bag", "Camping", 15900, 1400, "single"),
            Kind("Two-person Tent", "Tents", 32900, 2600, "single"),
            Kind("Water Bottle", "Bottles", 2900, 320, "capacity"),
            Kind("Headlamp", "Lights", 4900, 90, "single"),
            Kind("Trekking Pole", "Trekking", 7900, 480, "pack"),
            Kind("Camp Mug", "Camp Kitchen", 1900, 160, "color"),
            Kind("Base Layer", "Base Layers", 7900, 220, "wear"),
            Kind("Trail Shoe", "Shoes", 13900, 760, "shoe"),
            Kind("Yoga Mat", "Fitness", 6400, 2300, "color"),
            Kind("Dry Bag", "Bags", 2600, 250, "capacity"),
            Kind("Hammock", "Camping", 6900, 600, "color"),
        ),
        (
            "Take the {title} further than you meant to go.",
            "Built for wet mornings: the {title} is the {noun} that our own crew carries.",
            "The {title} weighs little, packs small and asks for nothing.",
        ),
        (
            "The {material} shrugs off drizzle and dries within the hour.",
            "Bar tacks hold every point that takes a load.",
            "Zippers run with gloves on and can be replaced at home.",
            "It was tested over 300 km of ridge and bog before we put our name on it.",
            "Reflective trim is seen from 150 m.",
            "A repair kit is sewn into the inner pocket.",
        ),
        (
            "Rinse with fresh water after salt or sand.",
            "Air it dry before you store it; re-proof once a year.",
        ),
    ),
    Department(
        "Tech Accessories",
        "tech",
        "el",
        "Electronics",
        ("Braided", "Aluminum", "Bamboo", "Vegan Leather", "Silicone", "Recycled Plastic", "Felt"),
        (
            Kind("USB-C Cable", "Cables", 1900, 60, "cable"),
            Kind("Wall Charger", "Chargers", 3400, 140, "single"),
            Kind("Phone Case", "Cases", 2900, 50, "color"),
            Kind("Laptop Sleeve", "Sleeves", 4400, 300, "color"),
            Kind("Laptop Stand", "Stands", 5900, 900, "single"),
            Kind("Desk Mat", "Desk", 3900, 500, "color"),
            Kind("Cable Organizer", "Desk", 1600, 120, "pack"),
            Kind("Earbud Case", "Cases", 1900, 30, "color"),
            Kind("Power Bank", "Power", 4900, 330, "single"),
            Kind("Charging Dock", "Chargers", 6900, 410, "single"),
            Kind("HDMI Cable", "Cables", 2400, 110, "cable"),
        ),
        (
            "The {title} does one job and does it every day.",
            "Less clutter, more charge: the {title} keeps your desk as you like it.",
            "We opened forty of them before we were happy with the {title}.",
        ),
        (
            "Rated for 12,000 bends, which is ten years of mornings.",
            "The {material} finish hides scratches and feels warm to the hand.",
            "It works with every device that follows the standard; no app is needed.",
            "Overheating, overvoltage and short circuits switch it off by themselves.",
            "The cable tie is part of it and will not be lost.",
            "Made with at least 60 % recycled material by weight.",
        ),
        ("Wipe with a dry microfiber cloth.", "Keep away from liquids; recycle at a collection point."),
    ),
    Department(
        "Beauty & Care",
        "beauty",
        "hb",
        "Health & Beauty",
        ("Oat", "Sea Buckthorn", "Charcoal", "Rosehip", "Calendula", "Shea", "Green Tea", "Squalane"),
        (
            Kind("Face Serum", "Skincare", 3400, 120, "volume"),
            Kind("Hand Cream", "Skincare", 1400, 110, "scent"),
            Kind("Body Wash", "Bath", 1600, 320, "scent"),
            Kind("Shampoo Bar", "Hair", 1200, 100, "scent"),
            Kind("Lip Balm", "Lips", 700, 20, "scent"),
            Kind("Face Mask", "Skincare", 2600, 150, "single"),
            Kind("Beard Oil", "Grooming", 2200, 90, "volume"),
            Kind("Bath Salts", "Bath", 1900, 600, "scent"),
            Kind("Cleansing Oil", "Skincare", 2700, 180, "volume"),
            Kind("Deodorant", "Body", 1300, 90, "scent"),
        ),
        (
            "The {title} is short on promises and long on {material}.",
            "A {noun} for skin that has had enough: the {title} calms and then gets out of the way.",
            "Nine ingredients, all of them on the front of the label: the {title}.",
        ),
        (
            "Free from microplastics, mineral oil and added color.",
            "The {material} is pressed cold and used within six weeks.",
            "Absorbs in under a minute and leaves no film.",
            "Tested on volunteers with sensitive skin, never on animals.",
            "The bottle is glass, the cap is aluminum, and we take both back.",
            "One pack lasts about eight weeks in daily use.",
        ),
        ("Store cool and dark; use within 12 months of opening.", "For external use only; avoid the eyes."),
    ),
    Department(
        "Toys & Games",
        "toys",
        "tg",
        "Toys & Games",
        ("Beech", "Organic Cotton", "Cardboard", "Natural Rubber", "Felt", "Birch"),
        (
            Kind("Stacking Tower", "Wooden Toys", 2900, 800, "single"),
            Kind("Plush Bear", "Plush", 2600, 300, "color"),
            Kind("Jigsaw Puzzle", "Puzzles", 1900, 700, "single"),
            Kind("Building Blocks", "Wooden Toys", 4400, 1900, "pack"),
            Kind("Play Kitchen Set", "Role Play", 5900, 2500, "single"),
            Kind("Card Game", "Games", 1600, 250, "single"),
            Kind("Pull-along Duck", "Wooden Toys", 2400, 420, "color"),
            Kind("Balance Board", "Active Play", 8900, 4100, "color"),
            Kind("Finger Puppets", "Plush", 1500, 110, "pack"),
            Kind("Kite", "Active Play", 2700, 380, "color"),
        ),
        (
            "The {title} starts simple and does not stay that way.",
            "No batteries, no screen, no instructions: the {title} is for playing.",
            "Children tested the {title} for a winter; two of them would not give it back.",
        ),
        (
            "The {material} is sanded to a touch and colored with water-based paint.",
            "Meets EN 71 for children from 18 months.",
            "Everything fits back into the box it came in.",
            "Grows with the child, from first grasp to first rules.",
            "Missing pieces are replaced without a question.",
        ),
        ("Wipe with a damp cloth; do not soak.", "Surface wash only; not suitable under 18 months."),
    ),
    Department(
        "Stationery",
        "stationery",
        "os",
        "Office Supplies",
        ("Recycled Paper", "Linen-bound", "Brass", "Cork", "Kraft", "Cotton Paper"),
        (
            Kind("Notebook", "Notebooks", 1800, 320, "color"),
            Kind("Weekly Planner", "Planners", 2600, 410, "color"),
            Kind("Fountain Pen", "Pens", 4900, 40, "color"),
            Kind("Pencil Set", "Pens", 1200, 90, "single"),
            Kind("Desk Tray", "Desk", 3400, 700, "single"),
            Kind("Greeting Card", "Cards", 450, 20, "pack"),
            Kind("Wrapping Paper", "Gift Wrap", 900, 150, "pack"),
            Kind("Page Markers", "Accessories", 700, 30, "pack"),
        ),
        (
            "The {title} makes you want to write things down.",
            "A {noun} that lies flat, takes ink well and keeps its shape: the {title}.",
            "For lists, letters and everything that should not live in a phone.",
        ),
        (
            "Printed with vegetable inks a short ride from our door.",
            "The {material} takes fountain pen without feathering.",
            "Sewn, not glued, so that it opens flat on any page.",
            "Pages are numbered and the last eight are perforated.",
            "Comes in a sleeve that doubles as a gift box.",
        ),
        ("Keep dry.", "Recycle with paper once it is full."),
    ),
    Department(
        "Pets",
        "pets",
        "ap",
        "Animals & Pet Supplies",
        ("Waxed Canvas", "Natural Rubber", "Wool Felt", "Hemp", "Stoneware", "Cork"),
        (
            Kind("Dog Bed", "Beds", 8900, 2900, "bedding"),
            Kind("Collar", "Walking", 2400, 120, "wear"),
            Kind("Leash", "Walking", 2900, 260, "color"),
            Kind("Food Bowl", "Feeding", 1900, 750, "color"),
            Kind("Chew Toy", "Toys", 1100, 140, "pack"),
            Kind("Cat Cave", "Beds", 6400, 1000, "color"),
            Kind("Scratching Post", "Cats", 5900, 3900, "single"),
            Kind("Treat Pouch", "Walking", 1800, 130, "color"),
        ),
        (
            "The {title} has been slept on, chewed and approved.",
            "Made for muddy paws and the people who live with them: the {title}.",
            "A {noun} that looks right in the living room.",
        ),
        (
            "The {material} stands up to claws, teeth and enthusiasm.",
            "Covers come off in one pull and fit any washing machine.",
            "Fittings are solid brass and do not rust.",
            "Sizes follow the weight of the animal, not its breed.",
            "A part of each sale goes to the shelter down our road.",
        ),
        ("Machine wash at 40 °C.", "Brush off hair, then wipe with a damp cloth."),
    ),
)

EXTRA_TAGS = (
    "bestseller",
    "new",
    "gift-idea",
    "plastic-free",
    "made-in-eu",
    "limited",
    "vegan",
    "repairable",
    "aw26",
    "ss26",
)

CLOSINGS = (
    "Ships within two working days from our own warehouse.",
    "Not right for you? Send it back within 30 days, used or not.",
    "Questions about it are answered by people who use it.",
    "Part of our permanent collection, so that you can add to it later.",
)
