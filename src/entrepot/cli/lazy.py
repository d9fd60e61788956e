"""A group of commands whose modules are imported when one of them is run, so that help and version answer at once."""

from dataclasses import dataclass
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command


@dataclass(frozen=True, slots=True)
class LazyCommand:
    """A command or group of commands by the place of its Typer app or function ("package.module:name")."""

    name: str
    place: str
    help: str
    panel: str

    def load(self) -> Any:
        """The click command, its module imported."""
        module, _, attribute = self.place.partition(":")
        target = getattr(import_module(module), attribute)
        if not isinstance(target, typer.Typer):
            app = typer.Typer(add_completion=False, rich_markup_mode="rich")
            app.command(self.name)(target)
            target = app
        command = get_command(target)
        command.name = self.name
        return command


class LazyGroup(TyperGroup):
    """Lists its commands from their declarations and imports the one that is called."""

    lazy: tuple[LazyCommand, ...] = ()

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        for command in self.lazy:
            self.commands[command.name] = TyperCommand(
                command.name, help=command.help, rich_help_panel=command.panel
            )

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that the arguments name, imported, and the arguments left for it."""
        name, command, rest = super().resolve_command(ctx, args)
        declared = next((declared for declared in self.lazy if declared.name == name), None)
        return name, declared.load() if declared else command, rest
