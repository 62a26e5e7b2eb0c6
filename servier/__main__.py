"""Run the command line with `python -m servier`."""

from servier.cli import main

main(prog_name="servier")
