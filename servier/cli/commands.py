"""Commands with typed options: the body of each takes one frozen dataclass.

A field of such a dataclass declares an option or an argument, or is itself a dataclass: a group of options
that several commands have. What click reads is a dictionary. It becomes the dataclass before any other code
sees it, so that the type checker knows every name and every type from there on.
"""

import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from types import GenericAlias
from typing import TYPE_CHECKING, Any, TypeVar

import click

from servier.cli.extras import require_extra

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

OptionsT = TypeVar("OptionsT", bound="DataclassInstance")

_DECLARATION = "declaration"
_NUMBERS = ((click.types.IntParamType, int), (click.types.FloatParamType, float))


@dataclass(frozen=True)
class Declaration:
    """What click shall read into a field.

    Parameters
    ----------
    kind
        An option or an argument.
    flags
        How an option is written, such as `--json`; the name of the field where there are none.
    settings
        Further arguments of `click.Option` or `click.Argument`.
    decides
        Whether its value is a part of what decides the output. Files are not, but their content may be.
    """

    kind: type[click.Parameter]
    flags: tuple[str, ...]
    settings: Mapping[str, Any]
    decides: bool = True

    def make_parameter(self, name: str) -> click.Parameter:
        """Return the option or argument that is read into the field of this name."""
        is_option = issubclass(self.kind, click.Option)
        flags = self.flags or ((f"--{name}",) if is_option else ())
        return self.kind([*flags, name], **self.settings)

    def value_type(self) -> Any:
        """Return the type of the values that click reads."""
        settings = self.settings
        if settings.get("is_flag"):
            return bool
        kind: Any = settings.get("type", str)
        if isinstance(kind, click.ParamType):
            kind = next((number for base, number in _NUMBERS if isinstance(kind, base)), str)
        if settings.get("multiple") or settings.get("nargs") == -1:
            return GenericAlias(tuple, (kind, ...))
        is_required = settings.get("required", issubclass(self.kind, click.Argument))
        return kind if is_required or "default" in settings else kind | None


def option(*flags: str, decides: bool = True, **settings: Any) -> Mapping[str, Declaration]:
    """Declare an option, in the metadata of a field; its flag is the field's name unless one is given."""
    return {_DECLARATION: Declaration(click.Option, flags, settings, decides)}


def argument(*, decides: bool = True, **settings: Any) -> Mapping[str, Declaration]:
    """Declare an argument, in the metadata of a field."""
    return {_DECLARATION: Declaration(click.Argument, (), settings, decides)}


def command(
    options: type[OptionsT], extra: str | None = None
) -> Callable[[Callable[[OptionsT], None]], click.Command]:
    """Make a command of a function that takes the options of a dataclass.

    Parameters
    ----------
    options
        The dataclass; options are listed in the order of its fields.
    extra
        The extra of the package that the command needs; None where scoring has all that it needs.

    Raises
    ------
    TypeError
        A field declares nothing, or has another type than the values that click reads into it; or two fields
        are read from the same option.
    """
    parameters = [declared.make_parameter(name) for name, declared in declarations(options).items()]

    def wrap(body: Callable[[OptionsT], None]) -> click.Command:
        @functools.wraps(body)
        def run(**given: Any) -> None:
            if extra is not None:
                require_extra(extra)
            body(collect(options, given))

        return click.command(params=parameters)(run)

    return wrap


def declarations(options: Any) -> dict[str, Declaration]:
    """Return what a dataclass and the groups within it declare, by the names of the fields."""
    found: dict[str, Declaration] = {}
    for name, declaration in _walk(options):
        if name in found:
            raise TypeError(f"two fields of {options.__name__} are called {name}")
        found[name] = declaration
    return found


def collect(options: type[OptionsT], given: Mapping[str, Any]) -> OptionsT:
    """Make the dataclass, and the groups within it, of the values that click has read."""
    values = {}
    for field in fields(options):
        kind: Any = field.type
        is_group = is_dataclass(kind)
        values[field.name] = collect(kind, given) if is_group else given[field.name]
    return options(**values)


def deciding_values(given: "DataclassInstance") -> dict[str, Any]:
    """Return the values that decide an output, by the names of the fields."""
    found: dict[str, Any] = {}
    for entry in fields(given):
        value = getattr(given, entry.name)
        if is_dataclass(value) and not isinstance(value, type):
            found |= deciding_values(value)
        elif entry.metadata[_DECLARATION].decides:
            found[entry.name] = list(value) if isinstance(value, tuple) else value
    return found


def _walk(options: Any) -> Iterator[tuple[str, Declaration]]:
    for field in fields(options):
        if is_dataclass(field.type):
            yield from _walk(field.type)
            continue
        declaration: Declaration | None = field.metadata.get(_DECLARATION)
        place = f"{options.__name__}.{field.name}"
        if declaration is None:
            raise TypeError(f"{place} declares neither an option nor an argument")
        if field.type != declaration.value_type():
            raise TypeError(f"{place} is {field.type}, but click reads {declaration.value_type()}")
        yield field.name, declaration
