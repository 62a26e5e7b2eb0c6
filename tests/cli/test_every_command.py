"""What holds for every command: its help, and the dataclass that its options are read into."""

import inspect
import re
from dataclasses import dataclass, field, fields, is_dataclass
from typing import get_origin

import click
import pytest
from click.testing import CliRunner

from servier.cli import main
from servier.cli.commands import argument, collect, command, declarations, option

COMMANDS = sorted(main.commands)


def help_of(name):
    """The help of a command, its words parted by single blanks."""
    context = {"prog_name": f"servier {name}", **main.context_settings}
    result = CliRunner().invoke(main.commands[name], ["--help"], **context)
    assert result.exit_code == 0, result.output
    return " ".join(result.output.split())


def options_of(name):
    """The dataclass that the body of a command takes."""
    body = inspect.unwrap(main.commands[name].callback)
    (parameter,) = inspect.signature(body).parameters.values()
    return parameter.annotation


def leaves(options):
    """Names and values of the fields of a dataclass and of the groups within it."""
    for entry in fields(options):
        value = getattr(options, entry.name)
        yield from leaves(value) if is_dataclass(value) else [(entry.name, value)]


def test_the_group_says_what_it_always_said():
    """The words that users know are in its help, and every command is listed there."""
    said = CliRunner().invoke(main, ["--help"]).output
    assert "servier - Property molecule prediction and model management" in said
    assert sorted(re.findall(r"^  ([a-z-]+)  ", said.partition("Commands:")[2], re.MULTILINE)) == COMMANDS


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("train", ["Train model from scratch.", "Path to the data directory", "Model to be trained"]),
        (
            "evaluate",
            ["Evaluate model.", "Path to the data directory", "Path of the model to be evaluated"],
        ),
        (
            "predict",
            [
                "Predict P1 property based on molecule fingerprint.",
                "SMILE",
                "--model_1_path",
                "--model_2_path",
            ],
        ),
    ],
)
def test_help_has_the_words_that_users_know(name, words):
    """The first commands say what they always said."""
    said = help_of(name)
    assert [text for text in words if text not in said] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_an_example(name):
    """Help shows how the command is typed."""
    assert f"servier {name}" in help_of(name).partition("Example")[2]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_documented(name):
    """Each option has a text of its own, and help shows it."""
    said = help_of(name)
    for parameter in main.commands[name].params:
        if isinstance(parameter, click.Option):
            assert parameter.opts[0] in said
            assert " ".join(parameter.help.split()) in said


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_takes_one_dataclass(name):
    """The fields are what click reads, no more and no less, and each value gets to its field."""
    options = options_of(name)
    given = {parameter.name: object() for parameter in main.commands[name].params}
    assert list(declarations(options)) == list(given)
    assert dict(leaves(collect(options, given))) == given


@pytest.mark.parametrize("name", COMMANDS)
def test_click_reads_the_types_of_the_fields(name):
    """The least that can be typed gives values of the types that the fields have."""
    parser = main.commands[name]
    needed = [
        word
        for parameter in parser.params
        if parameter.required
        for word in (*(parameter.opts if isinstance(parameter, click.Option) else ()), "1")
    ]
    given = parser.make_context(name, needed).params
    for key, declared in declarations(options_of(name)).items():
        kind = declared.value_type()
        assert isinstance(given[key], tuple if get_origin(kind) is tuple else kind), key


def test_options_become_a_dataclass():
    """A field is an option or an argument, and a dataclass within a dataclass is a group."""

    @dataclass(frozen=True)
    class Group:
        seed: int = field(metadata=option(type=int, default=0))

    @dataclass(frozen=True)
    class Options:
        source: str = field(metadata=argument())
        group: Group
        names: tuple[str, ...] = field(metadata=option("--name", multiple=True))
        share: float | None = field(metadata=option(type=click.FloatRange(0, 1)))
        as_json: bool = field(metadata=option("--json", is_flag=True))

    taken = []

    @command(Options)
    def run_it(given):
        taken.append(given)

    assert run_it.name == "run-it"
    assert CliRunner().invoke(run_it, ["a", "--seed", "3", "--name", "x", "--json"]).exit_code == 0
    assert CliRunner().invoke(run_it, ["a", "--share", "0.5"]).exit_code == 0
    assert taken == [
        Options(source="a", group=Group(3), names=("x",), share=None, as_json=True),
        Options(source="a", group=Group(0), names=(), share=0.5, as_json=False),
    ]


def test_a_field_of_another_type_is_refused():
    """A command whose field is not what click reads is refused when it is defined."""

    @dataclass(frozen=True)
    class Options:
        seed: int = field(metadata=option(type=int))

    with pytest.raises(TypeError, match=r"Options\.seed is <class 'int'>, but click reads int \| None"):
        command(Options)


def test_a_field_that_declares_nothing_is_refused():
    """A field that no option would fill is named."""

    @dataclass(frozen=True)
    class Options:
        seed: int = 0

    with pytest.raises(TypeError, match=r"Options\.seed declares neither an option nor an argument"):
        command(Options)


def test_an_option_in_two_groups_is_refused():
    """An option belongs to one field."""

    @dataclass(frozen=True)
    class Group:
        seed: int = field(metadata=option(type=int, default=0))

    @dataclass(frozen=True)
    class Options:
        group: Group
        seed: int = field(metadata=option(type=int, default=0))

    with pytest.raises(TypeError, match="two fields of Options are called seed"):
        command(Options)
