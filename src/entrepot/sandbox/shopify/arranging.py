"""The orders in which the lines of an export may come."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import chain
from random import Random
from tempfile import TemporaryFile

_BUCKETS = 32


def grouped(groups: Iterable[list[bytes]]) -> Iterator[bytes]:
    """Every object right behind its parent, as Shopify writes it with `groupObjects: true`."""
    return chain.from_iterable(groups)


def parents_first(groups: Iterable[list[bytes]]) -> Iterator[bytes]:
    """All objects without a parent, then all others: what may come of `groupObjects: false`."""
    with TemporaryFile() as children:
        for group in groups:
            for content in group:
                if b'"__parentId":' in content:
                    children.write(content)
                else:
                    yield content
        children.seek(0)
        yield from children


def shuffled(groups: Iterable[list[bytes]], random: Random) -> Iterator[bytes]:
    """All lines in any order: dealt out to files at random, then each file shuffled in memory."""
    with ExitStack() as stack:
        buckets = [stack.enter_context(TemporaryFile()) for _ in range(_BUCKETS)]
        for content in chain.from_iterable(groups):
            buckets[int(random.random() * _BUCKETS)].write(content)
        for bucket in buckets:
            bucket.seek(0)
            lines = bucket.readlines()
            random.shuffle(lines)
            yield from lines
