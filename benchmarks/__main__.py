"""`python -m benchmarks [NAME] [--json]`: run one benchmark, or all, and print one JSON object for each."""

import argparse
import asyncio
import importlib
import pkgutil
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import benchmarks
from benchmarks import Result
from entrepot.kit.db.migrating import migrate
from entrepot.kit.db.server import EmbeddedServer
from entrepot.kit.output import print_json
from entrepot.kit.settings import Settings


def find() -> dict[str, ModuleType]:
    """Every benchmark by its name: the module's NAME, or what the module is called."""
    modules = [
        importlib.import_module(f"benchmarks.{found.name}")
        for found in pkgutil.iter_modules(benchmarks.__path__)
        if not found.name.startswith("_")
    ]
    return {getattr(m, "NAME", m.__name__.rpartition(".")[2]): m for m in modules if hasattr(m, "run")}


@contextmanager
def private_server() -> Iterator[Settings]:
    """A server of the benchmark's own with the durability of the real one, migrated, and gone afterwards."""
    home = Path(tempfile.mkdtemp(prefix="entrepot-bench-"))
    settings = Settings(home=home, database_url=None, database_app_url=None)
    server = EmbeddedServer(home)
    try:
        server.start()
        migrate(settings)
        yield settings
    finally:
        server.stop()
        shutil.rmtree(home, ignore_errors=True)


def show(result: Result) -> None:
    """The ratios for a person, beside the JSON that goes to standard output."""
    sys.stderr.write(f"{result['name']}\n")
    for name, ratio in result["ratios"].items():
        sys.stderr.write(f"  {name:<40} {ratio:>8.2f}\n")


def main() -> int:
    """Run what the arguments name."""
    found = find()
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    parser.add_argument("name", nargs="?", choices=sorted(found), help="which one; all of them without it")
    parser.add_argument("--json", action="store_true", help="print the JSON only")
    arguments = parser.parse_args()
    for name in [arguments.name] if arguments.name else sorted(found):
        with private_server() as settings:
            result: Result = asyncio.run(found[name].run(settings))
        if not arguments.json:
            show(result)
        print_json(result)
    return 0


if __name__ == "__main__":
    sys.exit(main())
