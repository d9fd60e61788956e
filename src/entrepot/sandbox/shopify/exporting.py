"""A plausible, seeded export of a whole invented shop, as Shopify's `bulkOperationRunQuery` delivers one."""

import gzip
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from os import PathLike
from pathlib import Path
from random import Random
from typing import IO, Any

from entrepot.kit.errors import InvalidInputError
from entrepot.sandbox.shopify import arranging, spoiling
from entrepot.sandbox.shopify.orders import Orders
from entrepot.sandbox.shopify.people import People
from entrepot.sandbox.shopify.products import Catalog
from entrepot.sandbox.shopify.spoiling import BadLine, Rejection, Spoiler
from entrepot.sandbox.shopify.storefront import Storefront
from entrepot.sandbox.shopify.values import Calendar


@dataclass(frozen=True, slots=True)
class ExportSummary:
    """What an export holds: its lines (good and bad), good ones by type, and the bad ones that must be rejected.

    `CollectionProduct` counts the lines that put a product into a collection, `VariantMedia` those that give a variant
    one of its product's images.
    """

    seed: int
    lines: int
    bytes: int
    counts: dict[str, int]
    rejections: tuple[Rejection, ...]

    def as_dict(self) -> dict[str, Any]:
        """The summary as JSON."""
        return {
            "seed": self.seed,
            "lines": self.lines,
            "bytes": self.bytes,
            "counts": self.counts,
            "rejections": [rejection.as_dict() for rejection in self.rejections],
        }


class Export:
    """One export. The same arguments give the same bytes; `summary` holds for the lines that have been taken so far.

    Without `orders`, three for every four products; without `customers`, two for every five orders. `bad_lines` are
    extra and of each kind in turn. With `grouped`, children follow their parent; without, they follow all parents;
    with `shuffle`, all lines come in any order.
    """

    def __init__(
        self,
        *,
        seed: int,
        products: int,
        now: datetime,
        orders: int | None = None,
        customers: int | None = None,
        bad_lines: int = 0,
        currency: str = "EUR",
        grouped: bool = True,
        shuffle: bool = False,
    ) -> None:
        orders = products * 3 // 4 if orders is None else orders
        customers = orders * 2 // 5 if customers is None else customers
        _require(now.tzinfo is not None, "The moment of the export needs a time zone.")
        _require(
            min(products, orders, customers, bad_lines) >= 0,
            "An export cannot hold fewer than none of anything.",
        )
        _require(products > 0 or bad_lines == 0, "Bad lines need at least one product to stand beside.")
        _require(len(currency) == 3 and currency.isupper(), f"{currency!r} is no currency code such as EUR.")
        self.seed = seed
        self._grouped = grouped
        self._shuffle = shuffle
        self._lines = 0
        self._bytes = 0
        self._rejections: list[Rejection] = []
        self._counts: Counter[str] = Counter()
        random = Random(seed)  # noqa: S311 - the data must be the same for the same seed, and protects nothing
        calendar = Calendar(now, random)
        # Each part draws from its own source, so that more orders do not change the products.
        self._storefront = Storefront(Random(random.random()), calendar, self._counts)  # noqa: S311
        self._catalog = Catalog(
            Random(random.random()),  # noqa: S311
            calendar,
            self._counts,
            currency=currency,
            products=products,
            location_gids=self._storefront.location_gids,
            publication_gids=self._storefront.publication_gids,
            material_gids=self._storefront.material_gids,
        )
        people = Random(random.random())  # noqa: S311
        self._people = People(people, calendar, self._counts, currency=currency, customers=customers)
        self._orders = Orders(
            Random(random.random()),  # noqa: S311
            self._counts,
            now=calendar.now,
            currency=currency,
            orders=orders,
            catalog=self._catalog,
            people=self._people,
        )
        self._arranging = Random(random.random())  # noqa: S311
        self._bad = self._plan(Random(random.random()), products, bad_lines)  # noqa: S311
        self._bad_by_content = {bad.content: bad for planned in self._bad.values() for bad in planned}

    @property
    def summary(self) -> ExportSummary:
        """What the lines taken so far hold; by type only once all of them are taken."""
        counts = {kind: self._counts[kind] for kind in sorted(self._counts)}
        return ExportSummary(self.seed, self._lines, self._bytes, counts, tuple(self._rejections))

    def lines(self) -> Iterator[bytes]:
        """The lines, each with its newline. They can be taken once."""
        if self._shuffle:
            arranged = arranging.shuffled(self._groups(), self._arranging)
        elif self._grouped:
            arranged = arranging.grouped(self._groups())
        else:
            arranged = arranging.parents_first(self._groups())
        bad_lines = self._bad_by_content
        for content in arranged:
            self._lines += 1
            self._bytes += len(content)
            if bad_lines and content in bad_lines:
                bad = bad_lines[content]
                self._rejections.append(Rejection(self._lines, bad.kind, bad.field, bad.reason))
            yield content

    def _groups(self) -> Iterator[list[bytes]]:
        yield from ([content] for content in self._storefront.lines_before_products())
        for index, group in enumerate(self._catalog.products()):
            yield self._spoiled(index, group)
        yield from self._storefront.collections(self._catalog)
        # Customers carry the sums of their orders, and so come after them.
        yield from self._orders.orders()
        yield from ([content] for content in self._people.lines())
        yield from ([content] for content in self._storefront.menus())

    def _plan(self, random: Random, products: int, count: int) -> dict[int, list[BadLine]]:
        """The bad lines by the place of the product that they stand beside."""
        spoiler = Spoiler(random)
        planned: dict[int, list[BadLine]] = {}
        for number in range(count):
            index = random.randrange(products)
            kind = spoiling.KINDS[number % len(spoiling.KINDS)]
            planned.setdefault(index, []).append(spoiler.bad_line(kind, self._catalog.product_gid(index)))
        return planned

    def _spoiled(self, index: int, group: list[bytes]) -> list[bytes]:
        """The product's lines with its bad ones: a child at their end, an object of its own after them."""
        bad = [planned.content for planned in self._bad.get(index, ())]
        return group + sorted(bad, key=lambda content: b'"__parentId":' not in content) if bad else group


def export_lines(
    *,
    seed: int,
    products: int,
    now: datetime,
    orders: int | None = None,
    customers: int | None = None,
    bad_lines: int = 0,
    currency: str = "EUR",
    grouped: bool = True,
    shuffle: bool = False,
) -> Iterator[bytes]:
    """The lines of such an export; see `Export` for the arguments."""
    return Export(
        seed=seed,
        products=products,
        now=now,
        orders=orders,
        customers=customers,
        bad_lines=bad_lines,
        currency=currency,
        grouped=grouped,
        shuffle=shuffle,
    ).lines()


def write_export(
    target: str | PathLike[str] | IO[bytes],
    *,
    seed: int,
    products: int,
    now: datetime,
    orders: int | None = None,
    customers: int | None = None,
    bad_lines: int = 0,
    currency: str = "EUR",
    grouped: bool = True,
    shuffle: bool = False,
    on_line: Callable[[int], None] | None = None,
) -> ExportSummary:
    """Writes such an export to a path (compressed if it ends in .gz) or a binary file; see `Export` for the arguments.

    `on_line` is told now and then how many lines are written. Raises InvalidInputError when the path cannot be written.
    """
    export = Export(
        seed=seed,
        products=products,
        now=now,
        orders=orders,
        customers=customers,
        bad_lines=bad_lines,
        currency=currency,
        grouped=grouped,
        shuffle=shuffle,
    )
    with _opened(target) as file:
        for number, content in enumerate(export.lines(), start=1):
            file.write(content)
            if on_line and number % 1_000 == 0:
                on_line(number)
    return export.summary


@contextmanager
def _opened(target: str | PathLike[str] | IO[bytes]) -> Iterator[IO[bytes]]:
    if not isinstance(target, (str, PathLike)):
        yield target
        return
    path = Path(target)
    try:
        with path.open("wb", buffering=1 << 20) as file:
            if path.suffix == ".gz":
                # No name and no time in the header: the same export gives the same bytes.
                with gzip.GzipFile("", "wb", compresslevel=4, fileobj=file, mtime=0) as packed:
                    yield packed  # type: ignore[misc]
            else:
                yield file
    except OSError as error:
        raise InvalidInputError(f"The export cannot be written to {path}: {error.strerror}.") from error


def _require(condition: bool, detail: str) -> None:
    if not condition:
        raise InvalidInputError(detail)
