"""Incremental decoding: a byte-level token may end within a character."""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from functools import cache

from transformers import PreTrainedTokenizerBase
from transformers.convert_slow_tokenizer import bytes_to_unicode


@cache
def byte_values() -> dict[str, int]:
    """Byte that each letter of a byte-level vocabulary stands for."""
    letters: dict[int, str] = bytes_to_unicode()  # type: ignore[no-untyped-call]
    return {letter: value for value, letter in letters.items()}


class TokenBytes:
    """Bytes of each token of a byte-level vocabulary."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        """From a tokenizer; lookups raise KeyError if it is not byte-level."""
        self._tokenizer = tokenizer
        self._known = {
            index: b"" if token.special else token.content.encode()
            for index, token in tokenizer.added_tokens_decoder.items()
        }

    def __getitem__(self, token_id: int) -> bytes:
        """Bytes of a token; empty for a special token or an id without a token."""
        token_bytes = self._known.get(token_id)
        if token_bytes is None:
            letters = self._tokenizer.convert_ids_to_tokens(token_id) or ""
            token_bytes = bytes(byte_values()[letter] for letter in letters)
            self._known[token_id] = token_bytes
        return token_bytes


class TextWriter:
    """Incremental text of one completion.

    The text is the UTF-8 of all bytes, with U+FFFD for invalid ones; an unfinished character at the
    end is left out, so that text already returned never changes.
    """

    def __init__(self, token_bytes: TokenBytes) -> None:
        """Start with empty text."""
        self._bytes = token_bytes
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._parts: list[str] = []
        self.token_ids: list[int] = []
        """Tokens so far."""
        self.ends: list[int] = []
        """For each token, the number of characters complete with it."""

    def add(self, token_id: int) -> str:
        """Return the characters newly complete with this token."""
        text = self._decoder.decode(self._bytes[token_id])
        self._parts.append(text)
        self.token_ids.append(token_id)
        self.ends.append((self.ends[-1] if self.ends else 0) + len(text))
        return text

    @property
    def text(self) -> str:
        """All complete characters."""
        return "".join(self._parts)


def token_ends(token_bytes: TokenBytes, token_ids: Sequence[int]) -> tuple[int, ...]:
    """For each token, the number of characters complete with it."""
    writer = TextWriter(token_bytes)
    for token_id in token_ids:
        writer.add(token_id)
    return tuple(writer.ends)
