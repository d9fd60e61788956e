"""Metafields of products and variants, in the types that themes and review apps really write."""

from collections import Counter
from random import Random

import orjson

from entrepot.sandbox.shopify.drafts import Draft
from entrepot.sandbox.shopify.values import gid, line
from entrepot.sandbox.shopify.vocabulary import EXTRA_TAGS


class Metafields:
    """Makes metafields; a value is always text, whatever its type."""

    def __init__(self, random: Random, counts: Counter[str], material_gids: dict[str, str]) -> None:
        self._random = random
        self._counts = counts
        self._material_gids = material_gids
        self._first = 23_000_000_000_000 + random.randrange(1_000_000_000) * 64

    def add_to_product(self, lines: list[bytes], draft: Draft) -> None:
        """None, one or several; a gift card has none."""
        random = self._random.random
        if draft.is_gift_card:
            return
        if random() < 0.45:
            self.add(
                lines,
                draft.gid,
                "custom",
                "material",
                "metaobject_reference",
                self._material_gids[draft.material],
            )
        if random() < 0.3:
            rating = {"scale_min": "1.0", "scale_max": "5.0", "value": f"{3.4 + random() * 1.6:.1f}"}
            self.add(lines, draft.gid, "reviews", "rating", "rating", orjson.dumps(rating).decode())
            self.add(
                lines,
                draft.gid,
                "reviews",
                "rating_count",
                "number_integer",
                str(1 + int(random() ** 3 * 400)),
            )
        if random() < 0.15:
            threshold = str(3 + int(random() * 10))
            self.add(lines, draft.gid, "custom", "low_stock_threshold", "number_integer", threshold)
        if random() < 0.15:
            width = {"value": float(5 + int(random() * 120)), "unit": "CENTIMETERS"}
            self.add(lines, draft.gid, "specs", "width", "dimension", orjson.dumps(width).decode())
        if random() < 0.1:
            badges = orjson.dumps(self._random.sample(EXTRA_TAGS, 2)).decode()
            self.add(lines, draft.gid, "custom", "badges", "list.single_line_text_field", badges)

    def add(self, lines: list[bytes], owner: str, namespace: str, key: str, kind: str, value: str) -> None:
        """One metafield of `owner`."""
        node = {
            "id": gid("Metafield", self._first + self._counts["Metafield"]),
            "namespace": namespace,
            "key": key,
            "value": value,
            "type": kind,
            "__parentId": owner,
        }
        self._counts["Metafield"] += 1
        lines.append(line(node))
