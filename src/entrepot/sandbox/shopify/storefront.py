"""What surrounds the catalog: locations, publications, metaobjects, collections with their products, menus."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from random import Random

from entrepot.sandbox.shopify.products import Catalog
from entrepot.sandbox.shopify.values import Calendar, Node, gid, handle, line
from entrepot.sandbox.shopify.vocabulary import DEPARTMENTS, MATERIALS, Department

LOCATIONS = (
    ("Warehouse Rotterdam", "Maasvlakteweg 41", "3199 LZ", "Rotterdam", "Netherlands", "NL", True),
    ("Store Ghent", "Korenlei 8", "9000", "Gent", "Belgium", "BE", True),
    ("Store Cologne", "Ehrenstraße 112", "50672", "Köln", "Germany", "DE", False),
)
# Name, published to by itself, and the kind of catalog behind the channel.
PUBLICATIONS = (
    ("Online Store", True, "AppCatalog"),
    ("Point of Sale", True, "AppCatalog"),
    ("Wholesale Europe", False, "CompanyLocationCatalog"),
)
_CARE_GUIDES = (
    ("Wood", "Wipe with a dry cloth and oil twice a year. Keep away from radiators."),
    ("Wool", "Air it rather than wash it; when you must, wash by hand in cold water."),
    ("Ceramics", "Dishwasher safe. Avoid sudden changes of temperature."),
    ("Leather", "Brush, then wax thinly. Let it dry for a day when it got wet."),
    ("Cast iron", "Rinse hot, dry at once, and rub with a drop of oil."),
    ("Linen", "Wash at 40 °C, hang while damp, and do not iron unless you enjoy it."),
)
_HAND_PICKED = (
    ("New arrivals", "What came in during the last weeks.", "CREATED_DESC"),
    ("Staff picks", "What we take home ourselves.", "MANUAL"),
    ("Gift ideas", "Small things that arrive wrapped.", "PRICE_ASC"),
    ("Back in stock", "Missed by many, here again.", "MANUAL"),
    ("Last pieces", "When they are gone, they are gone.", "BEST_SELLING"),
)


class Storefront:
    """The shop around its products; counts what it writes."""

    def __init__(self, random: Random, calendar: Calendar, counts: Counter[str]) -> None:
        self._random = random
        self._calendar = calendar
        self._first = first_number = 60_000_000_000 + random.randrange(1_000_000) * 10_000
        self._counts = counts
        self.location_gids = [gid("Location", first_number + 1 + n) for n in range(len(LOCATIONS))]
        self.publication_gids = [gid("Publication", first_number + 101 + n) for n in range(len(PUBLICATIONS))]
        self.material_gids: dict[str, str] = {}
        for materials in MATERIALS.values():
            for material in materials:
                self.material_gids.setdefault(
                    material, gid("Metaobject", first_number + 201 + len(self.material_gids))
                )

    def lines_before_products(self) -> Iterator[bytes]:
        """Locations, publications and metaobjects."""
        for number, (name, street, postcode, city, country, code, online) in enumerate(LOCATIONS):
            self._counts["Location"] += 1
            yield line(
                {
                    "id": self.location_gids[number],
                    "legacyResourceId": self.location_gids[number].rpartition("/")[2],
                    "name": name,
                    "address": {
                        "address1": street,
                        "address2": None,
                        "city": city,
                        "zip": postcode,
                        "province": None,
                        "provinceCode": None,
                        "country": country,
                        "countryCode": code,
                        "phone": f"+44207946{number:04d}",
                    },
                    "isActive": True,
                    "isPrimary": number == 0,
                    "fulfillsOnlineOrders": online,
                    "shipsInventory": online,
                    "createdAt": self._calendar.between(1_599, 1_550),
                    "updatedAt": self._calendar.between(300, 1),
                }
            )
        for number, (name, automatic, catalog) in enumerate(PUBLICATIONS):
            self._counts["Publication"] += 1
            yield line(
                {
                    "id": self.publication_gids[number],
                    "name": name,
                    "autoPublish": automatic,
                    "supportsFuturePublishing": number == 0,
                    "catalog": {
                        "id": gid(catalog, self._first + 151 + number),
                        "title": name,
                        "status": "ACTIVE",
                    },
                }
            )
        yield from self._metaobjects()

    def _metaobjects(self) -> Iterator[bytes]:
        for material, identity in self.material_gids.items():
            fields = {
                "name": material,
                "summary": f"{material}, from two makers whom we visit every year.",
            }
            yield self._metaobject(identity, "material", handle(material), material, fields, active=True)
        for number, (title, text) in enumerate(_CARE_GUIDES):
            identity = gid("Metaobject", self._first + 401 + number)
            fields = {"title": f"Caring for {title.lower()}", "body": text}
            yield self._metaobject(
                identity,
                "care_guide",
                handle(title),
                fields["title"],
                fields,
                active=number != len(_CARE_GUIDES) - 1,
            )

    def _metaobject(
        self, identity: str, kind: str, name: str, title: str, fields: dict[str, str], *, active: bool
    ) -> bytes:
        self._counts["Metaobject"] += 1
        return line(
            {
                "id": identity,
                "type": kind,
                "handle": name,
                "displayName": title,
                "fields": [
                    {
                        "key": key,
                        "type": "multi_line_text_field"
                        if key in ("body", "summary")
                        else "single_line_text_field",
                        "value": value,
                    }
                    for key, value in fields.items()
                ],
                "capabilities": {"publishable": {"status": "ACTIVE" if active else "DRAFT"}},
                "createdAt": self._calendar.between(900, 400),
                "updatedAt": self._calendar.between(399, 1),
            }
        )

    def collections(self, catalog: Catalog) -> Iterator[list[bytes]]:
        """Each collection with its products; those of departments are automatic, the others picked by hand."""
        by_tag: defaultdict[str, list[int]] = defaultdict(list)
        for number, tag in enumerate(catalog.department_tags):
            by_tag[tag].append(number)
        for department in DEPARTMENTS:
            rules = {
                "appliedDisjunctively": False,
                "rules": [{"column": "TAG", "relation": "EQUALS", "condition": department.tag}],
            }
            text = f"Everything for {department.title.lower()}, from {department.kinds[0].product_type.lower()} on."
            members = by_tag[department.tag]
            yield self._collection(
                catalog,
                self._department_number(department),
                department.title,
                text,
                "BEST_SELLING",
                rules,
                members,
            )
        total = len(catalog.department_tags)
        for number, (title, text, order) in enumerate(_HAND_PICKED):
            members = self._random.sample(range(total), min(total, 24 + 12 * number))
            yield self._collection(catalog, self._first + 601 + number, title, text, order, None, members)

    def _department_number(self, department: Department) -> int:
        return self._first + 501 + DEPARTMENTS.index(department)

    def _collection(
        self,
        catalog: Catalog,
        number: int,
        title: str,
        text: str,
        order: str,
        rules: Node | None,
        members: list[int],
    ) -> list[bytes]:
        identity = gid("Collection", number)
        name = handle(title)
        published = self._calendar.between(380, 300)
        collection: Node = {
            "id": identity,
            "legacyResourceId": str(number),
            "title": title,
            "handle": name,
            "description": text,
            "descriptionHtml": f"<p>{text}</p>",
            "sortOrder": order,
            "templateSuffix": None,
            "seo": {"title": title, "description": text},
            "image": {"url": f"https://cdn.shop.example.com/collections/{name}.jpg", "altText": title},
            "productsCount": {"count": len(members), "precision": "EXACT"},
            "ruleSet": rules,
            "updatedAt": self._calendar.between(60, 1),
        }
        lines = [line(collection)]
        lines += [line({"id": catalog.product_gid(member), "__parentId": identity}) for member in members]
        lines.append(
            line(
                {
                    "isPublished": True,
                    "publishDate": published,
                    "publication": {"id": self.publication_gids[0]},
                    "__parentId": identity,
                }
            )
        )
        self._counts["Collection"] += 1
        self._counts["CollectionProduct"] += len(members)
        self._counts["ResourcePublicationV2"] += 1
        return lines

    def menus(self) -> Iterator[bytes]:
        """The main menu, two levels deep, and the footer. Menus are no nested connections: their items come inside."""
        number = self._first + 800

        def item(title: str, kind: str, url: str, resource: str | None, below: list[Node]) -> Node:
            nonlocal number
            number += 1
            return {
                "id": gid("MenuItem", number),
                "title": title,
                "type": kind,
                "url": url,
                "resourceId": resource,
                "tags": [],
                "items": below,
            }

        departments = []
        for department in DEPARTMENTS:
            address = f"/collections/{handle(department.title)}"
            collection = gid("Collection", self._department_number(department))
            kinds = list(dict.fromkeys(kind.product_type for kind in department.kinds))
            below = [
                item(kind, "HTTP", f"{address}?filter.p.product_type={handle(kind)}", None, [])
                for kind in kinds[:5]
            ]
            departments.append(item(department.title, "COLLECTION", address, collection, below))
        main = [
            item("Home", "FRONTPAGE", "/", None, []),
            item("Shop", "CATALOG", "/collections/all", None, departments),
            item("Journal", "BLOG", "/blogs/journal", gid("Blog", self._first + 701), []),
        ]
        footer = [
            item("Search", "SEARCH", "/search", None, []),
            item("Our story", "PAGE", "/pages/our-story", gid("Page", self._first + 702), []),
            item(
                "Returns", "SHOP_POLICY", "/policies/refund-policy", gid("ShopPolicy", self._first + 703), []
            ),
        ]
        for offset, (title, name, items) in enumerate(
            (("Main menu", "main-menu", main), ("Footer menu", "footer", footer))
        ):
            self._counts["Menu"] += 1
            menu = {
                "id": gid("Menu", self._first + 711 + offset),
                "title": title,
                "handle": name,
                "isDefault": True,
                "items": items,
            }
            yield line(menu)
