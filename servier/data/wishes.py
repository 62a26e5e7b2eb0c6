"""What the user says of the numbers of targets: unit, scale and bounds, for all targets or for one."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

from servier.chem.units import Unit, parse_unit
from servier.data.label_column import read_label
from servier.errors import DataError
from servier.tables.numbers import is_missing

TRANSFORMS = ("pIC50", "log10", "none")
LONGEST_UNIT = 60

Limits = tuple[float | None, float | None]
"""The lowest and the highest answer that there can be; None where there is no such limit."""
NO_LIMITS: Limits = (None, None)


@dataclass(frozen=True)
class Wishes:
    """What the user says of the numbers of targets: for all of them or, as `IC50=nM`, for one.

    Parameters
    ----------
    unit
        The unit of labels; where the table says that of each row, the unit that all are converted to.
    transform
        The scale that labels are learnt on, one of `TRANSFORMS`.
    bounds
        The lowest and the highest answer that there can be, such as `0,100` or `0,`.
    """

    unit: Sequence[str] = ()
    transform: Sequence[str] = ()
    bounds: Sequence[str] = ()

    def find_unit(self, target: str) -> Unit | None:
        """Return the unit that was named for a target, or None."""
        text = _choose(self.unit, target, "--unit")
        return None if text is None else read_unit(text)

    def find_transform(self, target: str) -> str:
        """Return the scale that was named for a target.

        Raises
        ------
        DataError
            There is no such scale.
        """
        found = _choose(self.transform, target, "--transform") or "none"
        name = next((known for known in TRANSFORMS if known.lower() == found.lower()), None)
        if name is None:
            raise DataError(f"{found!r} is no transform", hint=f"choose among {', '.join(TRANSFORMS)}")
        return name

    def find_limits(self, target: str) -> Limits:
        """Return the bounds that were declared for a target.

        Raises
        ------
        DataError
            They are not two numbers, or the lower one is not below the higher one.
        """
        text = _choose(self.bounds, target, "--bounds")
        return NO_LIMITS if text is None else _read_limits(text)

    def require_targets(self, targets: Sequence[str]) -> None:
        """Refuse what is said of a target that the table does not have.

        Raises
        ------
        DataError
            There is such a target.
        """
        for field in fields(self):
            for text in getattr(self, field.name):
                name, named, _ = text.rpartition("=")
                if named and name not in targets:
                    hint = f"the targets are {', '.join(targets)}"
                    raise DataError(f"--{field.name} {text}: no target is called {name!r}", hint=hint)

    def require_numbers(self, target: str, targets: Sequence[str]) -> None:
        """Refuse what is said of a target whose labels are classes.

        Raises
        ------
        DataError
            Something is said of it alone.
        """
        for field in fields(self):
            given = getattr(self, field.name)
            if any(text.startswith(f"{target}=") for text in given) or (given and len(targets) == 1):
                problem = f"its labels are classes, and --{field.name} is for numbers"
                raise DataError(problem, hint=f"leave out --{field.name}, or say --task regression")


NO_WISHES = Wishes()


def _choose(given: Sequence[str], target: str, flag: str) -> str | None:
    """Return what was given for a target: by its name, or else for all."""
    named = [text.rpartition("=")[2] for text in given if text.rpartition("=")[0] == target]
    found = named or [text for text in given if "=" not in text]
    if len(set(found)) > 1:
        hint = f"name the target of each: {flag} {target}={found[0]}"
        raise DataError(f"{flag} says both {found[0]} and {found[1]}", hint=hint)
    return found[0].strip() if found else None


def read_unit(text: str) -> Unit | None:
    """Read a unit; None where a field says that there is none.

    Raises
    ------
    DataError
        It is longer than any unit.
    """
    if len(text) > LONGEST_UNIT:
        problem = f"{text[:LONGEST_UNIT]!r}... is no unit"
        raise DataError(problem, hint="name the column of units with --unit_column")
    return None if is_missing(text) else parse_unit(text)


def _read_limits(text: str) -> Limits:
    parts = text.split(",")
    if len(parts) != 2 or not any(map(str.strip, parts)):
        raise DataError(f"--bounds {text!r} are not two numbers", hint="write 0,100 or, for one bound, 0,")
    low, high = (read_label(part) if part.strip() else None for part in parts)
    if low is not None and high is not None and low >= high:
        raise DataError(f"the bound {low:g} is not below {high:g}", hint="write the lower bound first")
    return low, high
