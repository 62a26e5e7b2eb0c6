"""The rooms of the package as a Markdown table, from the top of the house down: `make rooms`."""

import sys

from test_imports import ALONE, MODULES, ROOMS, draw_rooms, find_cycle, floor_of, source_of


def describe():
    """One row for each room, and for what stands alone: modules, lines, and what it imports."""
    below = draw_rooms()
    yield "| room | modules | lines | imports |"
    yield "|---|---:|---:|---|"
    for room in sorted(below, key=lambda room: (-floor_of(room), room)):
        modules = [module for module in MODULES if module.split("/")[0] == room]
        lines = sum(source_of(module).count("\n") for module in modules)
        yield f"| {room} | {len(modules)} | {lines} | {', '.join(sorted(below[room]))} |"
    arrows = sum(len(others) for others in below.values())
    yield f"\n{len(MODULES)} modules in {len(ROOMS)} rooms, {arrows} arrows between rooms and modules."


def problems():
    """What the house does not allow."""
    yield from (
        f"{module} is in no room" for module in MODULES if module.split("/")[0] not in {*ROOMS, *ALONE}
    )
    if cycle := find_cycle(draw_rooms()):
        yield f"these import each other in a circle: {', '.join(cycle)}"


if __name__ == "__main__":
    sys.stdout.write("\n".join(describe()) + "\n")
    sys.exit("\n".join(problems()) or 0)
