"""Characters from tokens, one at a time: a byte-level token may end within a character."""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from functools import cache

from transformers import PreTrainedTokenizerBase
from transformers.convert_slow_tokenizer import bytes_to_unicode


@cache
def byte_values() -> dict[str, int]:
    """The byte that each letter of a byte-level vocabulary stands for."""
    letters: dict[int, str] = bytes_to_unicode()  # type: ignore[no-untyped-call]
    return {letter: value for value, letter in letters.items()}


class TokenBytes:
    """The bytes that each token of a byte-level vocabulary writes."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        """Of a tokenizer; a KeyError on use if it is not byte-level."""
        self._tokenizer = tokenizer
        self._known = {
            index: b"" if token.special else token.content.encode()
            for index, token in tokenizer.added_tokens_decoder.items()
        }

    def __getitem__(self, token_id: int) -> bytes:
        """Its bytes; none for a special token or an id without a token."""
        token_bytes = self._known.get(token_id)
        if token_bytes is None:
            letters = self._tokenizer.convert_ids_to_tokens(token_id) or ""
            token_bytes = bytes(byte_values()[letter] for letter in letters)
            self._known[token_id] = token_bytes
        return token_bytes


class TextWriter:
    """Text of one completion as its tokens come.

    The text is the UTF-8 of all bytes with U+FFFD for what is none; an unfinished character at the
    very end is left out, so that what was given out never changes.
    """

    def __init__(self, token_bytes: TokenBytes) -> None:
        """Nothing written yet."""
        self._bytes = token_bytes
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._parts: list[str] = []
        self.token_ids: list[int] = []
        """Tokens so far."""
        self.ends: list[int] = []
        """For each token the number of characters that are complete with it."""

    def add(self, token_id: int) -> str:
        """Characters that are complete with this token and were not before."""
        text = self._decoder.decode(self._bytes[token_id])
        self._parts.append(text)
        self.token_ids.append(token_id)
        self.ends.append((self.ends[-1] if self.ends else 0) + len(text))
        return text

    @property
    def text(self) -> str:
        """All characters that are complete."""
        return "".join(self._parts)


def token_ends(token_bytes: TokenBytes, token_ids: Sequence[int]) -> tuple[int, ...]:
    """For each token the number of characters that are complete with it."""
    writer = TextWriter(token_bytes)
    for token_id in token_ids:
        writer.add(token_id)
    return tuple(writer.ends)
