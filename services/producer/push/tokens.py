"""The tokens of clients that may send events: a file with a line `NAME SHA256 SCOPES` for each.

SHA256 is the digest of the token in hexadecimal digits, so that the file does not give the token away.
"""

import hmac
import re
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import structlog

from shared.errors import NotAFile, UsageError
from shared.files import read_file

SCOPES = ("papers", "authors", "clock")  # events paper.*, author.*, clock.*
MOST_BYTES = 1 << 20
_NAME = re.compile(r"[A-Za-z0-9._-]{1,40}")
_DIGEST = re.compile(r"[0-9a-fA-F]{64}")
_BEARER = re.compile(r"bearer +([A-Za-z0-9._~+/=-]{1,1024})", re.IGNORECASE)

log = structlog.get_logger("intake")


class Token(NamedTuple):
    """name: stands in headers of records and in metrics. scopes: what its client may send."""

    name: str
    digest: bytes
    scopes: frozenset[str]


class Tokens:
    """The tokens in a file. A changed file counts at once; one that cannot be read changes nothing.

    Error: UsageError for a file that cannot be read at the start.
    """

    def __init__(self, path: Path):
        self._path = path
        self._read_as = self._facts()
        self._tokens = read(path)

    def of(self, authorization: str) -> Token | None:
        """The token in a header Authorization. None: it is not known."""
        self._refresh()
        match = _BEARER.fullmatch(authorization.strip())
        digest = sha256((match[1] if match else "").encode()).digest()
        found = None
        for token in self._tokens:  # all of them, so that the time tells nothing
            if hmac.compare_digest(token.digest, digest) and match:
                found = token
        return found

    def _facts(self) -> tuple[int, ...]:
        try:
            facts = self._path.stat()
        except OSError:
            return ()
        return facts.st_mtime_ns, facts.st_size, facts.st_ino

    def _refresh(self) -> None:
        facts = self._facts()
        if facts == self._read_as:
            return
        self._read_as = facts
        try:
            self._tokens = read(self._path)
        except UsageError as error:
            log.error("tokens not read again; the earlier ones count", reason=str(error))


def read(path: Path) -> tuple[Token, ...]:
    """The tokens in a file. Error: UsageError, with the number of the line."""
    try:
        text = read_file(path, MOST_BYTES).decode()
    except NotAFile as error:
        raise UsageError(f"--intake-tokens {path}: {error.strerror}") from None
    except OSError as error:
        raise UsageError(f"--intake-tokens {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"--intake-tokens {path}: it is not UTF-8") from None
    tokens: dict[str, Token] = {}
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        token = _token(words)
        if token is None or token.name in tokens:
            why = f"{words[0]:.40} stands there twice" if token else "it is not NAME SHA256 SCOPES"
            raise UsageError(
                f"--intake-tokens {path}, line {number}: {why}; right is, for example: lab "
                f"{'0' * 8}… {','.join(SCOPES[:2])} (the SHA-256 of the token in 64 digits)"
            )
        tokens[token.name] = token
    return tuple(tokens.values())


def _token(words: list[str]) -> Token | None:
    if len(words) != 3 or not _NAME.fullmatch(words[0]) or not _DIGEST.fullmatch(words[1]):
        return None
    scopes = frozenset(words[2].split(","))
    return Token(words[0], bytes.fromhex(words[1]), scopes) if scopes <= set(SCOPES) else None
