"""Signatures of checkpoints (Ed25519), each in a file of its own beside the checkpoint.

What is signed is the digest of the metadata, which names the digest of every other entry. A signature says
who vouches for a checkpoint; it changes neither its bytes nor its digest.
"""

import os
import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from servier.checkpoint.file import Checkpoint
from servier.errors import CheckpointError, ServierError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SUFFIX = ".sig"
KIND = "servier-ed25519"
PURPOSE = b"servier checkpoint, signature 1\0"
"""What stands before the digest, so that what was signed for another purpose passes for no checkpoint."""

MAX_SIZE = 1 << 20

_PEM = re.compile(rb"^-----BEGIN PUBLIC KEY-----.*?-----END PUBLIC KEY-----", re.DOTALL | re.MULTILINE)
_SIGNATURE = re.compile(rf"{KIND} ([A-Za-z0-9+/=]+) ([A-Za-z0-9+/=]+)\s*")


@dataclass(frozen=True)
class TrustedKeys:
    """Public keys, one of which must have signed a checkpoint.

    Parameters
    ----------
    path
        Their file, for messages.
    keys
        The keys, of 32 bytes each.
    """

    path: str
    keys: frozenset[bytes]

    def require(self, checkpoint: Checkpoint) -> None:
        """Check that one of the keys has signed a checkpoint, as it is in memory.

        Raises
        ------
        CheckpointError
            It is not signed, or by another key, or what was signed is another checkpoint.
        """
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        path = signature_path(checkpoint.path or "")
        key, signature = _read_signature(path, checkpoint)
        if key not in self.keys:
            hint = f"add the key to {self.path} if you trust it"
            raise CheckpointError("the key that signed it is not trusted", path=checkpoint.path, hint=hint)
        try:
            Ed25519PublicKey.from_public_bytes(key).verify(signature, _message(checkpoint))
        except InvalidSignature as error:
            hint = "copy both again, or have it signed anew"
            raise CheckpointError(
                "its signature is that of another checkpoint", path=checkpoint.path, hint=hint
            ) from error


def signature_path(path: str | Path) -> Path:
    """Return where the signature of a checkpoint is."""
    return Path(f"{path}{SUFFIX}")


def sign(checkpoint: Checkpoint, key: "Ed25519PrivateKey") -> str:
    """Return what the file of a signature holds; equal checkpoints and keys give equal texts."""
    parts = [key.public_key().public_bytes_raw(), key.sign(_message(checkpoint))]
    return " ".join([KIND, *(b64encode(part).decode() for part in parts)]) + "\n"


def _message(checkpoint: Checkpoint) -> bytes:
    return PURPOSE + bytes.fromhex(checkpoint.digest)


def _read_signature(path: Path, checkpoint: Checkpoint) -> tuple[bytes, bytes]:
    """Return the key and the signature in a file."""
    if path.exists() and not path.is_file():  # a pipe would keep its reader waiting
        raise CheckpointError("this is no signature", path=path, hint="copy it again, or sign anew")
    try:
        text = _read_whole(path).decode("ascii", "replace")
    except FileNotFoundError as error:
        hint = f"its signature would be {path.name}, which servier sign makes"
        raise CheckpointError("it is not signed", path=checkpoint.path, hint=hint) from error
    except OSError as error:
        raise CheckpointError(f"cannot read it: {error.strerror}", path=path) from error
    found = _SIGNATURE.fullmatch(text)
    try:
        key, signature = (b64decode(part, validate=True) for part in found.groups()) if found else (b"", b"")
    except Base64Error:
        key, signature = b"", b""
    if (len(key), len(signature)) != (32, 64):
        raise CheckpointError("this is no signature", path=path, hint="copy it again, or sign anew")
    return key, signature


def read_trusted_keys(path: str | Path) -> TrustedKeys:
    """Read a file of public keys: lines of OpenSSH (`ssh-ed25519 ...`), keys in PEM, or both.

    Raises
    ------
    ServierError
        It cannot be read, has no key, or something in it is none.
    """
    try:
        content = _read_whole(Path(path))
    except OSError as error:
        raise ServierError(f"cannot read it: {error.strerror}", path=path) from error
    keys = [_read_public(block, path) for block in _PEM.findall(content)]
    for number, line in enumerate(
        _PEM.sub(lambda block: b"\n" * block[0].count(b"\n"), content).splitlines(), 1
    ):
        if line.strip() and not line.startswith(b"#"):
            keys.append(_read_public(line, path, number))
    if not keys:
        raise ServierError("there is no public key in it", path=path, hint="such as that of ssh-keygen")
    return TrustedKeys(str(path), frozenset(keys))


def _read_public(content: bytes, path: str | Path, row: int | None = None) -> bytes:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key, load_ssh_public_key

    load = load_pem_public_key if content.startswith(b"-----") else load_ssh_public_key
    try:
        key = load(content.strip())
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        hint = "make one with: ssh-keygen -t ed25519"
        raise ServierError("this is no public key of Ed25519", path=path, row=row, hint=hint)
    return key.public_bytes_raw()


def read_private_key(path: str | Path, ask: Callable[[], str]) -> "Ed25519PrivateKey":
    """Read a private key, in PEM or as OpenSSH writes it.

    Parameters
    ----------
    path
        The file, which nobody else may read.
    ask
        Asks for the passphrase, where the key has one.

    Raises
    ------
    ServierError
        It cannot be read, others can read it, it is no key of Ed25519, or the passphrase is wrong.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    try:
        with Path(path).open("rb") as file:
            content, mode = file.read(MAX_SIZE), os.fstat(file.fileno()).st_mode
    except OSError as error:
        raise ServierError(f"cannot read it: {error.strerror}", path=path) from error
    if mode & 0o077:
        raise ServierError("others can read this private key", path=path, hint="chmod 600 it")
    key = _load_private(content, path, ask)
    if not isinstance(key, Ed25519PrivateKey):
        hint = "make one with --new_key, or with: ssh-keygen -t ed25519"
        raise ServierError("this is no private key of Ed25519", path=path, hint=hint)
    return key


def _load_private(content: bytes, path: str | Path, ask: Callable[[], str]) -> object:
    """Return a private key of any kind, None where it is none."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_ssh_private_key

    load: Callable[..., object] = load_pem_private_key
    if b"BEGIN OPENSSH" in content[:100]:
        load = load_ssh_private_key
    try:
        return load(content, None)
    except (TypeError, ValueError, UnsupportedAlgorithm) as error:
        has_passphrase = isinstance(error, TypeError) or "password" in str(error).casefold()
        if not has_passphrase:
            return None
    try:
        return load(content, ask().encode())
    except UnsupportedAlgorithm as error:
        problem = "ssh-keygen has encrypted this key with bcrypt, which is not installed"
        raise ServierError(problem, path=path, hint="install it with: pip install bcrypt") from error
    except (TypeError, ValueError) as error:
        raise ServierError("this passphrase does not open it", path=path, hint="try again") from error


def make_private_key(path: str | Path) -> None:
    """Write a new private key, and beside it, as `.pub`, the public key that belongs to it.

    Raises
    ------
    ServierError
        One of the files exists, or cannot be written.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
        PublicFormat,
    )

    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH) + b"\n"
    for target, content, mode in ((f"{path}.pub", public, 0o644), (str(path), private, 0o600)):
        try:
            descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        except FileExistsError as error:
            hint = "leave out --new_key to use it, or give another name"
            raise ServierError("this key exists already", path=target, hint=hint) from error
        except OSError as error:
            raise ServierError(f"cannot write it: {error.strerror}", path=target) from error
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)


def _read_whole(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MAX_SIZE)
