"""Signatures of checkpoints, made with keys of other programs, and required by every command that scores."""

import os
import shutil
import signal
import stat
import subprocess
from base64 import b64decode, b64encode
from dataclasses import replace
from importlib.util import find_spec

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from server_for_tests import serving

from servier.bulk.options import ScoringOptions
from servier.bulk.work import ScoreSmiles, ScoringWork
from servier.checkpoint.archive import pack
from servier.checkpoint.file import METADATA, encode_checkpoint, open_checkpoint
from servier.checkpoint.signatures import TrustedKeys
from servier.errors import CheckpointError

BY_SSH = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "lab", "-f"]
BY_OPENSSL = ["openssl", "genpkey", "-algorithm", "ed25519", "-out"]


def run(words):
    """Run another program; where it is absent the test is skipped."""
    if shutil.which(words[0]) is None:
        pytest.skip(f"{words[0]} is not installed")
    return subprocess.run(list(map(str, words)), check=True, capture_output=True).stdout


@pytest.fixture
def lab(command, tmp_path, model_1):
    """A folder with a checkpoint that was signed with a new key, `lab.key`."""
    shutil.copy(model_1, tmp_path / "m.servier")
    command("sign", "m.servier", "--key", "lab.key", "--new_key", cwd=tmp_path)
    return tmp_path


@pytest.fixture
def predict(command):
    """Ask the checkpoint of a folder with a signature required; returns what is said."""

    def ask(folder, keys="lab.key.pub", status=0):
        words = ["predict", "CCO", "--model_1_path", "m.servier", "--require_signature", keys]
        done = command(*words, cwd=folder, status=status)
        assert done.stderr.count("\n") == status
        return done.stderr or done.stdout

    return ask


def test_a_signature_leaves_the_checkpoint_alone(lab, predict, model_1):
    """It is a file of its own; bytes and digest of the checkpoint are as before."""
    assert (lab / "m.servier").read_bytes() == model_1.read_bytes()
    assert "P1_probability" in predict(lab)


def test_a_new_key_is_nobody_elses(lab):
    """The private key can be read by its owner alone, and the public one by all."""
    assert stat.S_IMODE((lab / "lab.key").stat().st_mode) == 0o600
    assert (lab / "lab.key.pub").read_text().startswith("ssh-ed25519 ")


def test_equal_signatures_are_equal_files(command, lab):
    """Signed again, nothing changes; signed elsewhere, it is the same signature."""
    before = (lab / "m.servier.sig").read_bytes()
    command("sign", "m.servier", "--key", "lab.key", cwd=lab)
    command("sign", "m.servier", "--key", "lab.key", "--force", cwd=lab)
    assert (lab / "m.servier.sig").read_bytes() == before


def test_what_is_signed_is_documented(lab):
    """Ed25519 of the purpose and the digest, as any other program can check."""
    kind, key, signature = (lab / "m.servier.sig").read_text().split()
    assert kind == "servier-ed25519"
    digest = bytes.fromhex(open_checkpoint(lab / "m.servier").digest)
    message = b"servier checkpoint, signature 1\0" + digest
    Ed25519PublicKey.from_public_bytes(b64decode(key)).verify(b64decode(signature), message)


@pytest.mark.process
@pytest.mark.parametrize("words", [BY_SSH, BY_OPENSSL], ids=["ssh-keygen", "openssl"])
def test_keys_of_other_programs_sign(command, lab, predict, words):
    """A private key of OpenSSH or OpenSSL signs, and the public one that the program gives is trusted."""
    run([*words, lab / "theirs"])
    if words is BY_OPENSSL:
        public = run(["openssl", "pkey", "-in", lab / "theirs", "-pubout"])
        (lab / "theirs.pub").write_bytes(public)
    command("sign", "m.servier", "--key", "theirs", "--force", cwd=lab)
    assert "P1_probability" in predict(lab, "theirs.pub")
    assert "the key that signed it is not trusted" in predict(lab, "lab.key.pub", 1)


@pytest.mark.process
@pytest.mark.parametrize("passphrase", ["secret", "wrong"])
def test_a_key_with_a_passphrase_asks_for_it(command, lab, passphrase):
    """Such a key signs when the passphrase is given."""
    run(["openssl", "genpkey", "-algorithm", "ed25519", "-aes256", "-pass", "pass:secret", "-out", lab / "k"])
    words, status = ["sign", "m.servier", "--key", "k", "--force"], int(passphrase == "wrong")
    done = command(*words, cwd=lab, stdin=f"{passphrase}\n", status=status)
    assert ("this passphrase does not open it" in done.stderr) == bool(status)
    assert passphrase not in done.stderr + done.stdout


@pytest.mark.process
def test_a_passphrase_of_ssh_keygen_needs_bcrypt(command, lab):
    """Where the package is installed the key signs; else the line says what to install."""
    run([*BY_SSH[:4], "-N", "secret", "-f", lab / "k"])
    status = int(find_spec("bcrypt") is None)
    done = command("sign", "m.servier", "--key", "k", "--force", cwd=lab, stdin="secret\n", status=status)
    assert ("install it with: pip install bcrypt" in done.stderr) == bool(status)


@pytest.mark.process
def test_other_kinds_of_keys_are_refused(command, lab, predict):
    """RSA is refused in one line, as a private and as a public key."""
    run(["ssh-keygen", "-q", "-t", "rsa", "-N", "", "-f", lab / "rsa"])
    done = command("sign", "m.servier", "--key", "rsa", "--force", cwd=lab, status=1)
    assert "this is no private key of Ed25519" in done.stderr
    assert "rsa.pub, line 1: this is no public key of Ed25519" in predict(lab, "rsa.pub", 1)


def test_several_keys_are_trusted(command, lab, predict):
    """One file has lines of OpenSSH, remarks and PEM; a key that is taken out is trusted no more."""
    command("sign", "m.servier", "--key", "other.key", "--new_key", "--force", cwd=lab)
    mine, other = ((lab / f"{name}.key.pub").read_text() for name in ("lab", "other"))
    (lab / "all").write_text(f"# the laboratories\n\n{mine}{other}")
    assert "P1_probability" in predict(lab, "all")
    (lab / "all").write_text(f"# the laboratories\n#{other}{mine}")
    assert "the key that signed it is not trusted; add the key to all if you trust it" in predict(
        lab, "all", 1
    )


@pytest.mark.parametrize(
    "content", [b"", b"# nothing\n", b"ssh-ed25519 AAAA lab\n", b"\xff\x00", b"x" * 100_000]
)
def test_a_file_without_keys_is_refused(lab, predict, content):
    """Whoever requires a signature by nobody has made a mistake."""
    (lab / "keys").write_bytes(content)
    assert predict(lab, "keys", 1).startswith("Error: keys")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "m.servier: it is not signed; its signature would be m.servier.sig, which servier sign makes"),
        (b"", "m.servier.sig: this is no signature"),
        (b"servier-ed25519 AAAA AAAA\n", "m.servier.sig: this is no signature"),
        (b"servier-ed25519 A= A=\n", "m.servier.sig: this is no signature"),
        (b"\xff" * 2_000_000, "m.servier.sig: this is no signature"),
    ],
)
def test_without_a_signature_nothing_is_used(lab, predict, content, problem):
    """An absent signature, and a file that is none."""
    (lab / "m.servier.sig").unlink()
    if content is not None:
        (lab / "m.servier.sig").write_bytes(content)
    assert problem in predict(lab, status=1)


def test_a_signature_that_is_a_pipe_keeps_nobody_waiting(lab, predict):
    """An archive may hold one; whoever opened it would wait for ever."""
    (lab / "m.servier.sig").unlink()
    os.mkfifo(lab / "m.servier.sig")
    assert "m.servier.sig: this is no signature" in predict(lab, status=1)


def test_a_key_in_pem_of_which_a_line_is_taken_out_is_trusted_no_more(lab, predict):
    """A remark sign before the line that a key begins with leaves no key that could be read."""
    run(["openssl", "pkey", "-in", lab / "lab.key", "-pubout", "-out", lab / "pem"])
    assert "P1_probability" in predict(lab, "pem")
    (lab / "pem").write_text(f"#{(lab / 'pem').read_text()}")
    assert "this is no public key of Ed25519" in predict(lab, "pem", 1)


def test_every_change_of_a_signature_is_noticed(lab, predict):
    """Each part of it counts: the key, and both halves of the signature."""
    kind, key, signature = (lab / "m.servier.sig").read_text().split()
    for place in (0, 31, 32, 63):
        changed = bytearray(b64decode(signature))
        changed[place] ^= 1
        (lab / "m.servier.sig").write_text(f"{kind} {key} {b64encode(changed).decode()}\n")
        assert "its signature is that of another checkpoint" in predict(lab, status=1)
    other = bytearray(b64decode(key))
    other[0] ^= 1
    (lab / "m.servier.sig").write_text(f"{kind} {b64encode(other).decode()} {signature}\n")
    assert "is not trusted" in predict(lab, status=1)


def test_every_change_of_the_checkpoint_is_noticed(lab, predict):
    """Forged digests too: metadata and entries that fit each other, but not what was signed."""
    path = lab / "m.servier"
    opened = open_checkpoint(path).load()
    metadata = opened.metadata_json
    for changed in (
        replace(opened, metadata_json=metadata.replace(b'"seed": 0', b'"seed": 1')),
        replace(opened, metadata_json=metadata + b" "),
    ):
        path.write_bytes(encode_checkpoint(changed))
        assert "its signature is that of another checkpoint" in predict(lab, status=1)
    name = "model_0.onnx"
    path.write_bytes(pack({METADATA: metadata, **opened.entries, name: opened.entries[name] + b"x"}))
    assert f"entry {name} is damaged" in predict(lab, status=1)


def test_a_signature_for_another_purpose_is_none(lab, predict):
    """The same key may sign the same digest elsewhere: that is no signature of a checkpoint."""
    from servier.checkpoint.signatures import KIND, read_private_key

    key = read_private_key(lab / "lab.key", lambda: "")
    digest = bytes.fromhex(open_checkpoint(lab / "m.servier").digest)
    parts = (key.public_key().public_bytes_raw(), key.sign(digest))
    (lab / "m.servier.sig").write_text(" ".join([KIND, *(b64encode(part).decode() for part in parts)]))
    assert "its signature is that of another checkpoint" in predict(lab, status=1)


def test_signing_refuses_what_it_should(command, lab):
    """A damaged checkpoint, a key that others can read, one that exists already, and one that is absent."""
    opened = open_checkpoint(lab / "m.servier").load()
    broken = {METADATA: opened.metadata_json, **opened.entries, "reference.npz": b""}
    (lab / "broken.servier").write_bytes(pack(broken))
    (lab / "open.key").write_bytes((lab / "lab.key").read_bytes())
    (lab / "open.key").chmod(0o644)
    for words, problem in [
        (["broken.servier", "--key", "lab.key"], "entry reference.npz is damaged"),
        (["m.servier", "--key", "open.key"], "open.key: others can read this private key; chmod 600 it"),
        (["m.servier", "--key", "lab.key", "--new_key"], "lab.key.pub: this key exists already"),
        (["m.servier", "--key", "none.key"], "none.key: cannot read it: No such file or directory"),
    ]:
        done = command("sign", *words, cwd=lab, status=1)
        assert problem in done.stderr
        assert done.stderr.count("\n") == 1
    assert not (lab / "broken.servier.sig").exists()


def test_another_signature_is_replaced_only_with_force(command, lab):
    """The signature of another key stays unless one says so."""
    before = (lab / "m.servier.sig").read_bytes()
    command("sign", "m.servier", "--key", "other.key", "--new_key", cwd=lab, status=1)
    assert (lab / "m.servier.sig").read_bytes() == before


@pytest.mark.parametrize(
    "words",
    [
        ["explain", "CCO", "--model_1_path", "m.servier"],
        ["inspect", "m.servier"],
        ["predict-file", "in.csv", "out.csv", "--model_path", "m.servier"],
        ["predict-file", "in.csv", "out.csv", "--model_path", "m.servier", "--dry_run"],
    ],
)
def test_every_command_requires_it(command, lab, words):
    """With the signature they do their work; without it they refuse, and leave no file."""
    (lab / "in.csv").write_text("smiles\nCCO\n")
    (lab / "m.servier.sig").rename(lab / "away")
    done = command(*words, "--require_signature", "lab.key.pub", cwd=lab, status=1)
    assert "it is not signed" in done.stderr
    assert not list(lab.glob("*out*"))
    (lab / "away").rename(lab / "m.servier.sig")
    command(*words, "--require_signature", "lab.key.pub", cwd=lab)


def test_a_worker_scores_with_the_checkpoint_that_was_verified(lab, model_2):
    """A file that is exchanged between the verification and the start of a worker is not used."""
    path = lab / "m.servier"
    work = ScoringWork(ScoreSmiles(), {str(path): open_checkpoint(path).digest}, 500, None, None, None, 4)
    work.prepare()
    shutil.copy(model_2, path)
    with pytest.raises(CheckpointError, match="it was replaced since the run began"):
        work.prepare()


def test_keys_do_not_decide_what_is_scored():
    """A run that was interrupted may go on with or without a required signature."""
    keys = TrustedKeys("keys", frozenset([b"x" * 32]))
    assert ScoringOptions(keys=keys).identity() == ScoringOptions().identity()


@pytest.mark.process
def test_the_service_keeps_what_was_signed(lab, servier, model_1):
    """An unsigned file does not take the place of the model that is served; when it is signed, it does."""
    path = lab / "model_1.servier"
    shutil.copy(model_1, path)
    keys = ["--require_signature", lab / "lab.key.pub"]
    done = servier("serve", "--models_dir", lab, "--port", 0, *keys, status=1)
    assert "it is not signed" in done.stderr
    servier("sign", path, "--key", lab / "lab.key")
    opened = open_checkpoint(path).load()
    with serving(lab, *keys) as server:
        _, before = server.predict("CCO")
        changed = replace(opened, metadata_json=opened.metadata_json.replace(b'"seed": 0', b'"seed": 1'))
        path.write_bytes(encode_checkpoint(changed))
        start = len(server.log)
        server.process.send_signal(signal.SIGHUP)
        assert "its signature is that of another checkpoint" in server.wait_for("model 1 is unchanged", start)
        server.wait_for("reloaded", start)
        assert server.predict("CCO") == (200, before)
        servier("sign", path, "--key", lab / "lab.key", "--force")
        start = len(server.log)
        server.process.send_signal(signal.SIGHUP)
        server.wait_for("reloaded", start)
        _, after = server.predict("CCO")
        assert after["checkpoints"] == {"1": changed.digest}
