"""Journals and shards that somebody edited: the right bytes come out, or one line says what to do."""

import json
import random
import shutil

import pytest
from molecules_for_tests import SMILES
from stopping_for_tests import Stopped, stopping

from servier.data.simulation import simulate

ROWS = [*simulate(150, seed=2).smiles, *SMILES, "nope"] * 10
N_FEW = 12
REFUSED = "this journal is not as a run wrote it, so it cannot be gone on with"


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    path = tmp_path_factory.mktemp("library") / "in.csv"
    path.write_text("smiles\n" + "".join(f"{smiles}\n" for smiles in ROWS))
    return path


def words(library, target, model):
    if target.suffix == ".parquet":
        return ["featurize", library, target, "--preset", "fast"]
    return ["predict-file", library, target, "--model_path", model]


@pytest.fixture(scope="module")
def kill(command, model_1, library, tmp_path_factory):
    """Return a folder with what a run left that was killed after two blocks, and what it would have made."""

    def kill_run(name):
        folder = tmp_path_factory.mktemp("killed")
        with pytest.raises(Stopped), stopping(3, "after"):
            command(*words(library, folder / name, model_1))
        whole = tmp_path_factory.mktemp("whole") / name
        command(*words(library, whole, model_1))
        return folder, name, whole.read_bytes()

    return kill_run


@pytest.fixture(scope="module", params=["out.csv.gz", "f.parquet"])
def killed(request, kill):
    return kill(request.param)


@pytest.fixture(scope="module")
def killed_text(kill):
    return kill("out.csv")


def edit_value(lines, rng):
    """Change a value of a line as one would with an editor."""
    i = rng.randrange(len(lines))
    document = json.loads(lines[i])
    name = rng.choice(sorted(document))
    value = document[name]
    odd = [0, -1, 10**30, 1.5, float("nan"), True, None, "12", [], {}, "\ud800"]
    if isinstance(value, int):
        odd += [value + 1000, value - 512, value * 2]
    document[name] = rng.choice(odd)
    lines[i] = json.dumps(document).encode()


def remove_value(lines, rng):
    i = rng.randrange(len(lines))
    document = json.loads(lines[i])
    del document[rng.choice(sorted(document))]
    lines[i] = json.dumps(document).encode()


def add_value(lines, rng):
    i = rng.randrange(len(lines))
    lines[i] = json.dumps(json.loads(lines[i]) | {"added": 1}).encode()


def replace_line(lines, rng):
    odd = [b"[]", b"1", b"null", b'"x"', b"", b"no JSON", b"{}", b"\x00" * 80, b"\xff\xfe", b"[" * 100_000]
    lines[rng.randrange(len(lines))] = rng.choice(odd)


def copy_line(lines, rng):
    lines.insert(rng.randrange(len(lines) + 1), rng.choice(lines))


def swap_lines(lines, rng):
    i, j = rng.randrange(len(lines)), rng.randrange(len(lines))
    lines[i], lines[j] = lines[j], lines[i]


def drop_line(lines, rng):
    del lines[rng.randrange(len(lines))]


def flip_bit(lines, rng):
    i = rng.randrange(len(lines))
    line = bytearray(lines[i])
    if line:
        line[rng.randrange(len(line))] ^= 1 << rng.randrange(8)
    lines[i] = bytes(line)


def cut_lines(lines, rng):
    del lines[rng.randrange(len(lines)) :]


EDITS = [
    edit_value, edit_value, edit_value, remove_value, add_value, replace_line, copy_line, swap_lines,
    drop_line, flip_bit, flip_bit, cut_lines,
]  # fmt: skip


def attack(journal, seed):
    """Edit a journal once or twice, and perhaps cut its end off."""
    rng = random.Random(seed)
    lines = journal.read_bytes().split(b"\n")[:-1]
    for edit in [EDITS[seed % len(EDITS)], *rng.choices(EDITS, k=rng.randrange(2))]:
        if lines:
            try:
                edit(lines, rng)
            except (ValueError, TypeError, AttributeError):  # it was edited before
                flip_bit(lines, rng)
    content = b"".join(line + b"\n" for line in lines)
    journal.write_bytes(content[: -rng.randrange(1, 20)] if rng.random() < 0.2 else content)


def refusal(command, *arguments):
    """Return the line of a command that refuses to work; None where it works."""
    try:
        command(*arguments)
    except AssertionError as error:  # the status is not 0
        said = str(error).partition("\nassert")[0]
        assert said.startswith("Error: "), said
        assert said.strip().count("\n") == 0, said
        return said
    return None


def check(killed, command, model, library, folder, seed):
    """Edit the journal, go on, and require the right bytes or a refusal that leaves all as it is."""
    before, name, expected = killed
    shutil.copytree(before, folder, dirs_exist_ok=True)
    target = folder / name
    journal = target.with_name(f"{name}.journal")
    attack(journal, seed)
    edited = journal.read_bytes()
    arguments = words(library, target, model)
    said = refusal(command, "--quiet", *arguments)
    if said is not None:
        assert not target.exists()
        assert journal.read_bytes() == edited, seed
        if "rename it" in said:  # it does not even begin as a journal, so it is a file of somebody
            for name in (journal.name, f"{target.name}.partial"):
                (folder / name).rename(folder / f"renamed.{name}")
            command("--quiet", *arguments)
        else:
            assert "--restart" in said, (seed, said)
            command("--quiet", *arguments, "--restart")
    assert target.read_bytes() == expected, seed


@pytest.mark.parametrize("seed", range(N_FEW))
def test_an_edited_journal_loses_and_repeats_no_rows(killed, command, model_1, library, tmp_path, seed):
    """Each kind of edit ends in the right bytes, or in one line after which --restart makes them."""
    check(killed, command, model_1, library, tmp_path, seed)


@pytest.mark.slow
@pytest.mark.parametrize("n", [40, pytest.param(400, marks=pytest.mark.exhaustive)])
def test_journals_edited_at_random_lose_and_repeat_no_rows(killed, command, model_1, library, tmp_path, n):
    """So do many more."""
    for seed in range(N_FEW, N_FEW + n):
        folder = tmp_path / str(seed)
        folder.mkdir()
        check(killed, command, model_1, library, folder, seed)
        shutil.rmtree(folder)


@pytest.mark.parametrize(
    "line",
    [
        '{"rows": 5120, "written": 5120, "size": 0, "checksum": 0, "counts": {}, "is_complete": false}',
        "[]",
    ],
)
def test_a_line_that_no_run_wrote_is_refused(killed_text, servier, model_1, library, tmp_path, line):
    """The real command says in one line what to do, and does it."""
    before, name, expected = killed_text
    shutil.copytree(before, tmp_path, dirs_exist_ok=True)
    journal = tmp_path / f"{name}.journal"
    with journal.open("a") as stream:
        stream.write(f"{line}\n")
    arguments = words(library, tmp_path / name, model_1)
    said = servier("--quiet", *arguments, status=1).stderr
    hint = "give the same command with --restart to start over"
    assert said == f"Error: {journal}: {REFUSED}; {hint}\n"
    servier("--quiet", *arguments, "--restart")
    assert (tmp_path / name).read_bytes() == expected


@pytest.fixture(scope="module")
def shards(command, model_1, library, tmp_path_factory):
    folder = tmp_path_factory.mktemp("shards")
    for i in (1, 2):
        command(*words(library, folder / f"{i}.csv", model_1), "--shard", f"{i}/2")
    return folder


@pytest.fixture
def parts(shards, tmp_path):
    """The shards of a run, to be attacked."""
    shutil.copytree(shards, tmp_path / "parts")
    return [tmp_path / "parts" / name for name in ("1.csv", "2.csv")]


def refuse_merge(command, tmp_path, parts):
    said = command("merge", tmp_path / "all.csv", *parts, status=1).stderr
    assert said.count("\n") == 1
    assert not (tmp_path / "all.csv").exists()
    return said


@pytest.mark.parametrize("has_origin", [True, False])
def test_a_shard_with_other_digits_is_not_merged(command, parts, tmp_path, has_origin):
    """A shard is known by its digest, also where only its journal came with it."""
    if not has_origin:
        for path in parts[0].parent.glob(".*.origin"):
            path.unlink()
    content = parts[1].read_bytes()
    i = content.rindex(b"0.")
    parts[1].write_bytes(content[: i + 2] + b"123" + content[i + 5 :])
    said = refuse_merge(command, tmp_path, parts)
    assert said == f"Error: {parts[1]}: this shard has changed since it was written; make it again\n"


def test_shards_that_changed_places_are_not_merged(command, parts, tmp_path):
    """A journal goes with the shard that it was written for, not with another one of its name."""
    other = parts[0].read_bytes()
    parts[0].write_bytes(parts[1].read_bytes())
    parts[1].write_bytes(other)
    assert "has changed since it was written" in refuse_merge(command, tmp_path, parts)


@pytest.mark.parametrize("seed", range(N_FEW))
def test_a_shard_with_an_edited_journal_is_merged_right_or_refused(command, parts, shards, tmp_path, seed):
    """Nothing that was done to a journal ends in other rows or in a traceback."""
    command("merge", tmp_path / "expected.csv", *(shards / path.name for path in parts))
    attack(parts[0].with_name("1.csv.journal"), seed)
    if refusal(command, "--quiet", "merge", tmp_path / "all.csv", *parts):
        assert not (tmp_path / "all.csv").exists()
    else:
        assert (tmp_path / "all.csv").read_bytes() == (tmp_path / "expected.csv").read_bytes()


def test_a_complete_shard_with_other_digits_is_made_again(command, parts, model_1, library):
    """The command that made it does not take it for complete."""
    whole = parts[0].read_bytes()
    parts[0].write_bytes(whole[:-3] + b"9" + whole[-2:])
    command(*words(library, parts[0], model_1), "--shard", "1/2")
    assert parts[0].read_bytes() == whole
