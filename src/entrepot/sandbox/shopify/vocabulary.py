"""The words of the invented shop: what it sells, and how it writes about it.

Brands are made up. Taxonomy codes are the top levels of Shopify's own product taxonomy.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of article: its noun, product type, usual price in cents, weight in grams, options and family of materials."""

    noun: str
    product_type: str
    cents: int
    grams: int
    options: str
    made_of: str


@dataclass(frozen=True, slots=True)
class Department:
    """A department of the shop with its kinds of articles and its own way of praising them."""

    title: str
    tag: str
    taxonomy: str
    taxonomy_name: str
    kinds: tuple[Kind, ...]
    openings: tuple[str, ...]
    features: tuple[str, ...]
    care: tuple[str, ...]


GIFT_CARD = Kind("Gift Card", "Gift Cards", 5_000, 0, "denomination", "card")

MATERIALS = {
    "textile": ("Linen", "Organic Cotton", "Washed Cotton", "Wool", "Corduroy"),
    "wood": ("Oak", "Walnut", "Beech", "Ash", "Olive Wood", "Birch"),
    "woven": ("Rattan", "Jute", "Seagrass", "Willow"),
    "ceramic": ("Stoneware", "Porcelain", "Terracotta", "Speckled Clay"),
    "lamp": ("Brass", "Smoked Glass", "Oak", "Ceramic"),
    "wax": ("Soy Wax", "Beeswax", "Rapeseed Wax"),
    "cookware": ("Cast Iron", "Enamel", "Carbon Steel", "Copper"),
    "blade": ("Damascus Steel", "Carbon Steel", "Stainless Steel"),
    "glass": ("Borosilicate", "Recycled Glass", "Smoked Glass"),
    "cloth": ("Organic Cotton", "Linen", "Recycled Denim", "Corduroy", "Poplin", "Brushed Twill"),
    "knit": ("Merino", "Lambswool", "Cashmere Blend", "Alpaca"),
    "shell": ("Ripstop", "Recycled Nylon", "Waxed Canvas"),
    "shoe": ("Suede", "Vegetable-tanned", "Recycled Knit", "Canvas"),
    "leather": ("Vegan Leather", "Full-grain", "Waxed Canvas", "Hemp"),
    "bottle": ("Stainless Steel", "Titanium", "Enamel"),
    "gear": ("Aluminum", "Titanium", "Recycled Plastic", "Bamboo"),
    "mat": ("Cork", "Natural Rubber", "Wool Felt"),
    "cable": ("Braided", "Recycled Plastic", "Flat-woven"),
    "case": ("Silicone", "Recycled Plastic", "Cork", "Wool Felt"),
    "plant": ("Oat", "Sea Buckthorn", "Rosehip", "Calendula", "Shea", "Green Tea", "Charcoal"),
    "plush": ("Organic Cotton", "Wool Felt", "Lambswool"),
    "paper": ("Recycled Paper", "Cotton Paper", "Kraft", "Linen-bound"),
    "pen": ("Brass", "Cedar", "Resin"),
    "rubber": ("Natural Rubber", "Hemp Rope", "Rubberwood"),
    "card": ("Paper",),
}

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
    "Alder", "Arbor", "Birkholm", "Brisa", "Calla", "Cedarfall", "Coastal", "Dovetail", "Dune", "Ember",
    "Fable", "Fjällby", "Foundry", "Gable", "Glen", "Harbor", "Haven", "Heath", "Hollow", "Indra",
    "Isla", "Juniper", "Kestrel", "Lagoon", "Lark", "Lofthus", "Lumen", "Marlow", "Meadow", "Mira",
    "Northway", "Nora", "Océane", "Orchard", "Odell", "Palisade", "Pebble", "Pine Ridge", "Quarry", "Quaver",
    "Ridge", "Rowan", "Saga", "Solstice", "Sorrel", "Tarn", "Tidal", "Trail", "Umbra", "Vale",
    "Verde", "Wander", "Willow", "Wren", "Yarrow", "Zephyr",
)  # fmt: skip

DEPARTMENTS = (
    Department(
        "Home & Living",
        "home",
        "hg",
        "Home & Garden",
        (
            Kind("Cushion Cover", "Cushions", 2900, 350, "color", "textile"),
            Kind("Throw Blanket", "Throws", 6900, 1100, "color", "textile"),
            Kind("Duvet Set", "Bedding", 11900, 2400, "bedding", "textile"),
            Kind("Table Lamp", "Lighting", 8900, 2100, "color", "lamp"),
            Kind("Pendant Shade", "Lighting", 7400, 1300, "single", "woven"),
            Kind("Vase", "Vases", 3400, 900, "color", "ceramic"),
            Kind("Wall Mirror", "Mirrors", 13900, 5200, "single", "wood"),
            Kind("Storage Basket", "Storage", 2700, 700, "pack", "woven"),
            Kind("Scented Candle", "Candles", 2400, 420, "scent", "wax"),
            Kind("Side Table", "Furniture", 18900, 7800, "single", "wood"),
            Kind("Door Mat", "Rugs", 3900, 1900, "color", "woven"),
            Kind("Picture Frame", "Frames", 1900, 480, "pack", "wood"),
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
        (
            Kind("Serving Board", "Boards", 4200, 1200, "single", "wood"),
            Kind("Ramen Bowl", "Bowls", 2200, 600, "pack", "ceramic"),
            Kind("Dinner Plate", "Plates", 1900, 700, "pack", "ceramic"),
            Kind("Chef's Knife", "Knives", 8900, 260, "single", "blade"),
            Kind("Apron", "Kitchen Textiles", 3900, 400, "color", "textile"),
            Kind("Skillet", "Cookware", 7900, 2300, "single", "cookware"),
            Kind("Pour-over Kettle", "Coffee & Tea", 9400, 1100, "color", "cookware"),
            Kind("Espresso Cup", "Coffee & Tea", 1400, 210, "pack", "ceramic"),
            Kind("Carafe", "Glassware", 3600, 800, "capacity", "glass"),
            Kind("Storage Jar", "Food Storage", 1700, 500, "pack", "glass"),
            Kind("Salt Cellar", "Tableware", 2100, 350, "single", "ceramic"),
            Kind("Baking Dish", "Bakeware", 4900, 1800, "color", "ceramic"),
            Kind("Tea Towel", "Kitchen Textiles", 1500, 120, "pack", "textile"),
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
            Kind("Crew-neck T-shirt", "T-Shirts", 2900, 180, "wear", "cloth"),
            Kind("Overshirt", "Shirts", 8900, 520, "wear", "cloth"),
            Kind("Cardigan", "Knitwear", 10900, 480, "wear", "knit"),
            Kind("Hoodie", "Sweatshirts", 6900, 650, "wear", "cloth"),
            Kind("Straight Trousers", "Trousers", 8400, 560, "size", "cloth"),
            Kind("Wrap Dress", "Dresses", 9900, 420, "wear", "cloth"),
            Kind("Pleated Skirt", "Skirts", 7400, 360, "size", "cloth"),
            Kind("Rain Jacket", "Outerwear", 15900, 780, "wear", "shell"),
            Kind("Low-top Sneaker", "Shoes", 11900, 900, "shoe", "shoe"),
            Kind("Chelsea Boot", "Shoes", 17900, 1300, "shoe", "shoe"),
            Kind("Beanie", "Hats", 2900, 90, "color", "knit"),
            Kind("Scarf", "Scarves", 4900, 200, "color", "knit"),
            Kind("Leather Belt", "Belts", 5400, 240, "size", "leather"),
            Kind("Ankle Socks", "Socks", 1200, 60, "pack", "knit"),
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
        (
            Kind("Daypack", "Backpacks", 9900, 900, "color", "shell"),
            Kind("Sleeping Bag", "Camping", 15900, 1400, "single", "shell"),
            Kind("Two-person Tent", "Tents", 32900, 2600, "single", "shell"),
            Kind("Water Bottle", "Bottles", 2900, 320, "capacity", "bottle"),
            Kind("Headlamp", "Lights", 4900, 90, "single", "gear"),
            Kind("Trekking Pole", "Trekking", 7900, 480, "pack", "gear"),
            Kind("Camp Mug", "Camp Kitchen", 1900, 160, "color", "bottle"),
            Kind("Base Layer", "Base Layers", 7900, 220, "wear", "knit"),
            Kind("Trail Shoe", "Shoes", 13900, 760, "shoe", "shoe"),
            Kind("Yoga Mat", "Fitness", 6400, 2300, "color", "mat"),
            Kind("Dry Bag", "Bags", 2600, 250, "capacity", "shell"),
            Kind("Hammock", "Camping", 6900, 600, "color", "shell"),
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
        (
            Kind("USB-C Cable", "Cables", 1900, 60, "cable", "cable"),
            Kind("Wall Charger", "Chargers", 3400, 140, "single", "gear"),
            Kind("Phone Case", "Cases", 2900, 50, "color", "case"),
            Kind("Laptop Sleeve", "Sleeves", 4400, 300, "color", "leather"),
            Kind("Laptop Stand", "Stands", 5900, 900, "single", "gear"),
            Kind("Desk Mat", "Desk", 3900, 500, "color", "mat"),
            Kind("Cable Organizer", "Desk", 1600, 120, "pack", "case"),
            Kind("Earbud Case", "Cases", 1900, 30, "color", "case"),
            Kind("Power Bank", "Power", 4900, 330, "single", "gear"),
            Kind("Charging Dock", "Chargers", 6900, 410, "single", "gear"),
            Kind("HDMI Cable", "Cables", 2400, 110, "cable", "cable"),
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
        (
            Kind("Face Serum", "Skincare", 3400, 120, "volume", "plant"),
            Kind("Hand Cream", "Skincare", 1400, 110, "scent", "plant"),
            Kind("Body Wash", "Bath", 1600, 320, "scent", "plant"),
            Kind("Shampoo Bar", "Hair", 1200, 100, "scent", "plant"),
            Kind("Lip Balm", "Lips", 700, 20, "scent", "plant"),
            Kind("Face Mask", "Skincare", 2600, 150, "single", "plant"),
            Kind("Beard Oil", "Grooming", 2200, 90, "volume", "plant"),
            Kind("Bath Salts", "Bath", 1900, 600, "scent", "plant"),
            Kind("Cleansing Oil", "Skincare", 2700, 180, "volume", "plant"),
            Kind("Deodorant", "Body", 1300, 90, "scent", "plant"),
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
        (
            Kind("Stacking Tower", "Wooden Toys", 2900, 800, "single", "wood"),
            Kind("Plush Bear", "Plush", 2600, 300, "color", "plush"),
            Kind("Jigsaw Puzzle", "Puzzles", 1900, 700, "single", "paper"),
            Kind("Building Blocks", "Wooden Toys", 4400, 1900, "pack", "wood"),
            Kind("Play Kitchen Set", "Role Play", 5900, 2500, "single", "wood"),
            Kind("Card Game", "Games", 1600, 250, "single", "paper"),
            Kind("Pull-along Duck", "Wooden Toys", 2400, 420, "color", "wood"),
            Kind("Balance Board", "Active Play", 8900, 4100, "color", "wood"),
            Kind("Finger Puppets", "Plush", 1500, 110, "pack", "plush"),
            Kind("Kite", "Active Play", 2700, 380, "color", "shell"),
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
        (
            Kind("Notebook", "Notebooks", 1800, 320, "color", "paper"),
            Kind("Weekly Planner", "Planners", 2600, 410, "color", "paper"),
            Kind("Fountain Pen", "Pens", 4900, 40, "color", "pen"),
            Kind("Pencil Set", "Pens", 1200, 90, "single", "pen"),
            Kind("Desk Tray", "Desk", 3400, 700, "single", "wood"),
            Kind("Greeting Card", "Cards", 450, 20, "pack", "paper"),
            Kind("Wrapping Paper", "Gift Wrap", 900, 150, "pack", "paper"),
            Kind("Page Markers", "Accessories", 700, 30, "pack", "paper"),
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
        (
            Kind("Dog Bed", "Beds", 8900, 2900, "bedding", "textile"),
            Kind("Collar", "Walking", 2400, 120, "wear", "leather"),
            Kind("Leash", "Walking", 2900, 260, "color", "leather"),
            Kind("Food Bowl", "Feeding", 1900, 750, "color", "ceramic"),
            Kind("Chew Toy", "Pet Toys", 1100, 140, "pack", "rubber"),
            Kind("Cat Cave", "Beds", 6400, 1000, "color", "plush"),
            Kind("Scratching Post", "Cats", 5900, 3900, "single", "wood"),
            Kind("Treat Pouch", "Walking", 1800, 130, "color", "leather"),
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
