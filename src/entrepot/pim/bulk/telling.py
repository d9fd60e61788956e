"""What each file of a run speaks of.

An export holds what its query asked for: absence says nothing, null says null. That is so file by file. Two files of
one command may come from two queries, and what one of them does not ask for must not clear what the other brings.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from entrepot.pim.bulk.shapes import SHAPES

#: Field names by file and type of record, as the parser noted them.
Names = dict[int, dict[str, set[str]]]
#: Usable rows by file and type of record.
Counts = dict[int, dict[str, int]]

#: Types of record that are folded into the row of another, by the type of that one.
CHILDREN = {
    "Product": ("Product.Metafield",),
    "ProductVariant": ("ProductVariant.Metafield",),
    "Customer": ("Customer.Metafield", "MailingAddress"),
    "Order": ("LineItem", "ShippingLine"),
}


@dataclass(frozen=True)
class Telling:
    """Files that say the same about a type: which columns, and which children come whole with their owner."""

    columns: tuple[str, ...]
    children: frozenset[str] = frozenset()
    #: None where every file of the run says the same.
    files: tuple[int, ...] | None = None

    def among(self, alias: str) -> str:
        """The condition for staged rows of these files, to follow others; empty where it is every file."""
        return "" if self.files is None else f" AND {alias}.file_number IN {listed(self.files)}"


def listed(files: Sequence[int]) -> str:
    """File numbers as SQL lists them."""
    return f"({', '.join(map(str, files))})"


def tellings(kinds: Collection[str], names: Names, counts: Counts) -> list[Telling]:
    """The different things that the files of a run say about types whose rows are merged together."""
    found: dict[tuple[tuple[str, ...], frozenset[str]], list[int]] = {}
    for file in sorted(counts):
        if counts[file].keys().isdisjoint(kinds):
            continue
        told = names.get(file, {})
        columns = tuple(
            dict.fromkeys(
                column for kind in sorted(kinds) for column in SHAPES[kind].covered(told.get(kind, set()))
            )
        )
        children = frozenset(
            child for kind in kinds for child in CHILDREN.get(kind, ()) if _whole(child, kind, file, counts)
        )
        if "items" in told.get("Menu", ()) and "Menu" in kinds:
            children |= {"items"}
        found.setdefault((columns, children), []).append(file)
    return [
        Telling(columns, children, tuple(files) if len(found) > 1 else None)
        for (columns, children), files in found.items()
    ]


def _whole(child: str, owner: str, file: int, counts: Counts) -> bool:
    """Whether the owners of a file come with all their children of a type.

    They do where the file holds any, and where a file of children without owners was split from theirs.
    """
    return child in counts[file] or any(child in held and owner not in held for held in counts.values())


def total(counts: Counts) -> dict[str, int]:
    """Usable rows by type, of all files together."""
    found: dict[str, int] = {}
    for held in counts.values():
        for kind, rows in held.items():
            found[kind] = found.get(kind, 0) + rows
    return found


def telling_files(kind: str, column: str, names: Names) -> tuple[list[int], list[int]]:
    """The files with records of a type that speak of a column, and those that do not."""
    files: tuple[list[int], list[int]] = ([], [])
    for file, held in sorted(names.items()):
        if kind in held:
            files[column not in SHAPES[kind].covered(held[kind])].append(file)
    return files
