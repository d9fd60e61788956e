"""The world's own words: nothing here is the name of anybody or of anything on sale."""

SYLLABLES = ["ba", "be", "bi", "bo", "bu", "da", "de", "di", "do", "du", "fa", "fe", "fi", "fo", "ga", "ge", "go", "gu", "ha", "he", "hi", "ho", "ja", "jo", "ka", "ke", "ki", "ko", "ku", "la", "le", "li", "lo", "lu", "ma", "me", "mi", "mo", "mu", "na", "ne", "ni", "no", "nu", "pa", "pe", "pi", "po", "ra", "re", "ri", "ro", "ru", "sa", "se", "si", "so", "su", "ta", "te", "ti", "to", "tu", "va", "ve", "vi", "vo", "wa", "we", "wi", "yo", "za", "ze", "zo"]

STREETS = ["Alder", "Ash", "Beech", "Birch", "Canal", "Cedar", "Chapel", "Cherry", "Cliff", "Copper", "Crane", "Dock", "Elm", "Ferry", "Field", "Garden", "Granary", "Harbor", "Hazel", "Heron", "Hill", "Juniper", "Kiln", "Lantern", "Larch", "Linden", "Maple", "Market", "Meadow", "Mill", "Mint", "Oak", "Orchard", "Pier", "Pine", "Poplar", "Quarry", "Quay", "River", "Rowan", "Saddle", "Spruce", "Station", "Summit", "Tannery", "Walnut", "Weaver", "Willow", "Windmill", "Yew"]
STREET_KINDS = ("Street", "Road", "Lane", "Avenue", "Way", "Court")

#: Towns of the world by the zone of calendars.ZONES: (town, state or province, first digits of its postal codes,
#: tax in hundredths of a percent).
TOWNS: tuple[tuple[tuple[str, str, str, int], ...], ...] = (
    (
        ("Ambleford", "NY", "100", 888),
        ("Corwick", "NJ", "070", 662),
        ("Eastmere", "MA", "021", 625),
        ("Palmetto Bay", "FL", "331", 700),
    ),
    (("Dunmore", "IL", "606", 1025), ("Fairholt", "TX", "770", 825), ("Lakeby", "MN", "554", 802)),
    (("Highmesa", "CO", "802", 881), ("Redrock", "UT", "841", 775)),
    (
        ("Bayhaven", "CA", "941", 863),
        ("Goldport", "CA", "900", 950),
        ("Tidewell", "OR", "972", 0),
        ("Cedarfall", "WA", "981", 1035),
    ),
    (("Thornbury Cross", "England", "103", 2000), ("Glenharrow", "Scotland", "204", 2000)),
    (
        ("Lindenau am See", "Bayern", "803", 1900),
        ("Hafenstedt", "Hamburg", "204", 1900),
        ("Neuwiesen", "Berlin", "101", 1900),
    ),
    (("Porto Claro", "SP", "010", 1700), ("Vila Serena", "RJ", "220", 2000)),
    (("Minamisaki", "Tokyo", "130", 1000), ("Kitahara", "Osaka", "530", 1000)),
)

BRANDS = ["Arvelo", "Bellor", "Cindra", "Dovane", "Elmaro", "Fenwit", "Galdo", "Hestra", "Ilvano", "Jorvik", "Kestrel", "Lumora", "Mirelle", "Norvane", "Ostara", "Pellin", "Quorra", "Rivello", "Solvane", "Tarrow", "Ulmara", "Vestrin", "Wexley", "Yarrowe", "Zelline"]

ADJECTIVES = ["Bright", "Calm", "Classic", "Clever", "Compact", "Cozy", "Crisp", "Daily", "Deep", "Easy", "Fine", "Folding", "Fresh", "Gentle", "Golden", "Grand", "Handy", "Light", "Little", "Loyal", "Lucky", "Mellow", "Modern", "Natural", "Nimble", "Plain", "Portable", "Pure", "Quick", "Quiet", "Robust", "Round", "Simple", "Smart", "Soft", "Solid", "Steady", "Sturdy", "Sunny", "Swift", "Tall", "Tidy", "Travel", "True", "Warm", "Wide", "Wild", "Wise"]

#: What is sold, by category in the order of values.PRODUCT_CATEGORIES.
NOUNS: tuple[tuple[str, ...], ...] = (
    ("Headphones", "Lamp", "Charger", "Speaker", "Keyboard", "Radio", "Camera", "Cable", "Clock", "Monitor"),
    ("Shirt", "Jacket", "Scarf", "Socks", "Trousers", "Dress", "Coat", "Gloves", "Cap", "Sweater"),
    ("Coffee", "Tea", "Honey", "Olive Oil", "Chocolate", "Granola", "Spice Box", "Pasta", "Jam", "Crackers"),
    (
        "Novel",
        "Atlas",
        "Cookbook",
        "Notebook",
        "Guide",
        "Reader",
        "Almanac",
        "Primer",
        "Anthology",
        "Journal",
    ),
    ("Blanket", "Vase", "Pillow", "Kettle", "Basket", "Mirror", "Rug", "Candle", "Shelf", "Bowl"),
    ("Soap", "Lotion", "Shampoo", "Balm", "Brush", "Serum", "Mask", "Perfume", "Comb", "Cream"),
    ("Ball", "Racket", "Mat", "Bottle", "Helmet", "Tent", "Rope", "Backpack", "Paddle", "Skates"),
    ("Puzzle", "Blocks", "Kite", "Doll", "Train", "Marbles", "Puppet", "Yo-yo", "Top", "Board Game"),
    ("Wiper", "Jack", "Floor Mat", "Phone Mount", "Tool Kit", "Cover", "Air Pump", "Polish", "Bulb", "Tray"),
    (
        "Vitamins",
        "Bandage",
        "Thermometer",
        "Scale",
        "Massager",
        "Insoles",
        "Tonic",
        "Brace",
        "Inhaler",
        "Pads",
    ),
    (
        "Gift Box",
        "Sticker Set",
        "Voucher Card",
        "Frame",
        "Seeds",
        "Postcards",
        "Keyring",
        "Ribbon",
        "Mystery Bag",
        "Badge",
    ),
)
#: Median price in cents, by the same categories.
PRICES = (6900, 3900, 1400, 1700, 3200, 1900, 4200, 2300, 3400, 2100, 1500)

#: Which product categories a shop of each kind sells, in the order of values.SHOP_CATEGORIES.
ASSORTMENTS: tuple[tuple[int, ...], ...] = (
    (0, 1, 4, 6, 7), (2,), (10, 8), (0,), (1, 5), (9, 5), (3, 7), (10, 4, 3),
)  # fmt: skip

SHOP_KINDS = (
    "Emporium",
    "Goods",
    "House",
    "Corner",
    "Supply",
    "Works",
    "Bazaar",
    "Depot",
    "Atelier",
    "Pantry",
)

TAGS = ("new", "gift", "bestseller", "handmade", "recycled", "seasonal", "imported", "limited")

BANKS = ("First Meadow Bank", "Harbor Savings", "Northlight Credit", "Quarry Trust", "Riverbend Bank")
CARD_BRANDS = ("Cardo", "Plastica", "Visto", "Unicard")
NICKNAMES = ("Everyday", "Travel", "Family", "Work", "Backup")

REVIEW_TITLES = (
    ("Broke at once", "Not as described", "Never again"),
    ("Disappointing", "Expected more", "Meh"),
    ("It is all right", "Does what it says", "Average"),
    ("Good value", "Happy with it", "Nearly perfect"),
    ("Wonderful", "Exactly what I wanted", "Would buy again"),
)
REVIEW_OPENINGS = (
    (
        "It stopped working after a day.",
        "The parcel was late and the thing was scratched.",
        "Nothing fits together.",
    ),
    (
        "The color is not the one in the picture.",
        "It feels cheaper than it looks.",
        "It took two attempts to use it.",
    ),
    ("No surprises, good or bad.", "Fine for the price.", "It does its job."),
    ("Well made and quick to arrive.", "My family uses it every day.", "Better than the one before."),
    ("I could not be happier.", "A pleasure to use.", "It arrived early and is beautifully made."),
)
REVIEW_ENDINGS = (
    "I would tell a friend about it.", "The packaging could be smaller.", "Delivery was on time.",
    "The shop answered my question within a day.", "I use it every week.", "It was a present.",
    "Let us see how long it lasts.", "The instructions are short.",
)  # fmt: skip

DESCRIPTIONS = (
    "Made to be used every day.", "Small enough for a drawer, sturdy enough for a journey.", "Our best-loved piece.",
    "Packed without plastic.", "Comes with a spare part.", "Wipes clean with a damp cloth.",
    "From a family workshop.", "Two years of warranty.",
)  # fmt: skip

PROMOTION_NAMES = (
    "Weekend Treat", "Season Opening", "Thank You Days", "Mid-Week Deal", "Harvest Days", "Clear the Shelves",
    "Members' Days", "Early Bird",
)  # fmt: skip

FAILURES = (
    "insufficient funds", "card declined by issuer", "expired card", "authentication failed", "payment service timeout",
)  # fmt: skip
RETURN_REASONS = ("does not fit", "damaged", "not as described", "changed my mind", "arrived too late")
