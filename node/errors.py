"""The one family of errors that Patina raises on purpose."""

from __future__ import annotations

from node.keys.redaction import redactor


def printable(text: str, most: int = 300) -> str:
    """Foreign text as it may stand in an error: one line, cut at `most` characters, nothing that a terminal obeys.

    Of a secret in which it is cut off, no part is left: the whole is not there to be masked later.
    """
    cut = text if len(text) <= most else redactor.cut(text, most)
    return cut if cut.isprintable() else "".join(letter if letter.isprintable() else "?" for letter in cut)


class PatinaError(Exception):
    """Root of every error that Patina raises: its text says what is wrong, where, and what to do."""

    def __str__(self) -> str:
        """The text; foreign bytes that found their way into it cannot speak to a terminal, whoever prints it."""
        text = super().__str__()
        return text if text.isprintable() else "\n".join(printable(line, len(line)) for line in text.split("\n"))


class ConfigError(PatinaError):
    """A configuration that cannot be used; the text lists every fault with its key and its remedy."""


class KeyFileError(PatinaError):
    """A key file that is missing, unreadable, or does not open with the given password."""


class ChainError(PatinaError):
    """The chain could not be read or written, or endpoints disagree."""


class RevertError(ChainError):
    """A contract refused a call; never retried, never failed over."""


class GossipError(PatinaError):
    """A message or a broker that cannot be used."""


class AgreementError(PatinaError):
    """Input to the protocol that breaks its rules."""


class JournalError(PatinaError):
    """The journal cannot be opened, or what is in it forbids the step."""


class JournalUnwritableError(JournalError):
    """The journal takes nothing at present, as on a full disk: nothing was stored, and it may be tried again."""


class EquivocationError(JournalError):
    """A second, different report for one (config, feed, checkpoint, view): never signed."""


class RefusalError(JournalError):
    """A round in which this node binds itself to nothing: the text says why, and what an operator can do."""


class ContentError(PatinaError):
    """Bytes, a CID or a directory that is not what it claims to be."""


class RenderError(PatinaError):
    """A recipe or a model that cannot be rendered."""


class KernelError(RenderError):
    """A kernel that does not give exact sums on this machine: nothing may be drawn with it, now or later."""


class ReplayError(PatinaError):
    """A share-price history that cannot be replayed; the text names the file and the line."""


class DeploymentError(PatinaError):
    """A deployment file that cannot be used; the text names the file, the field and the remedy."""
