"""The command that signs checkpoints."""

import logging
from dataclasses import dataclass, field

import click

from servier.cli.commands import argument, command, option
from servier.cli.options import FORCE
from servier.cli.outputs import Inputs, claim_outputs

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class SignOptions:
    """The options of `servier sign`."""

    checkpoints: tuple[str, ...] = field(
        metadata=argument(decides=False, metavar="CHECKPOINT...", nargs=-1, required=True)
    )
    key: str = field(
        metadata=option(
            decides=False,
            type=click.Path(dir_okay=False),
            default="servier.key",
            show_default=True,
            metavar="KEY",
            help="Your private key (Ed25519), in PEM or as ssh-keygen writes it; only you may read it.",
        )
    )
    new_key: bool = field(
        metadata=option(
            decides=False,
            is_flag=True,
            help="Make the key first, and KEY.pub, the public key that belongs to it, to be given to others.",
        )
    )
    force: bool = field(metadata=FORCE)


@command(SignOptions, extra="sign")
def sign(given: SignOptions) -> None:
    """Sign checkpoints, so that others can tell that they are yours.

    The signature of CHECKPOINT is CHECKPOINT.sig; the checkpoint stays as it is. Whoever has your public key
    passes it to predict, explain, predict-file, serve or inspect with --require_signature, and then uses no
    checkpoint that you have not signed.

    \b
    Examples:
      servier sign models/model_1.servier --key laboratory.key --new_key
      servier predict-file library.csv scored.csv --require_signature laboratory.key.pub
    """
    from servier.checkpoint.file import open_checkpoint
    from servier.checkpoint.signatures import make_private_key, read_private_key, signature_path
    from servier.checkpoint.signatures import sign as sign_checkpoint
    from servier.tables import write_whole

    opened = [open_checkpoint(path).load() for path in given.checkpoints]
    if given.new_key:
        make_private_key(given.key)
    key = read_private_key(given.key, _ask)
    for path, checkpoint in zip(given.checkpoints, opened, strict=True):
        target = signature_path(path)
        with claim_outputs(given, [target], Inputs({"checkpoint": path, "key": given.key})) as is_made:
            if not is_made:
                with write_whole(target) as temporary:
                    temporary.write_text(sign_checkpoint(checkpoint, key), encoding="ascii")
        logger.info("the signature is %s", target)


def _ask() -> str:
    passphrase: str = click.prompt("Passphrase of the key", hide_input=True, err=True)
    return passphrase
