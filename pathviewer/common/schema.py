"""Base and field types of values that enter the program: request bodies and their parts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from annotated_types import GroupedMetadata
from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from models.control_tokens import control_token_sentence, find_control_token
from pathviewer.common import user_messages


class Schema(BaseModel):
    """An immutable value; unknown fields and values of another JSON type are refused."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True
    )


class QuerySchema(BaseModel):
    """Parameters of a query, which are text: numbers are read from their digits."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


def sentence_error(sentence: str) -> PydanticCustomError:
    """Return the error that a validator raises to refuse a value in its own words."""
    return PydanticCustomError("sentence", "{sentence}", {"sentence": sentence})


def check_storable(text: str) -> str:
    """Return the text; refuse what UTF-8 and databases cannot hold: NUL and lone surrogates."""
    if any(letter == "\0" or "\ud800" <= letter <= "\udfff" for letter in text):
        raise sentence_error(user_messages.TEXT_NOT_STORABLE)
    return text


LONGEST_TEXT = 2**16
"""Characters of a text without a bound of its own."""
MOST_LISTED = 100
"""Entries of a list without a bound of its own."""

Text = Annotated[str, StringConstraints(max_length=LONGEST_TEXT), AfterValidator(check_storable)]
"""A text that databases can hold; may be empty."""


@dataclass(frozen=True)
class Words(GroupedMetadata):
    """Metadata of a text of 1 to `most` characters without the white space around it."""

    most: int
    """Maximum number of characters."""

    def __iter__(self) -> Iterator[object]:
        """Yield the checks."""
        yield StringConstraints(strip_whitespace=True, min_length=1, max_length=self.most)
        yield AfterValidator(check_storable)


@dataclass(frozen=True)
class Prose(Words):
    """Metadata of a text of this kind that may become training data: control tokens are refused."""

    subject: str
    """Beginning of the refusal, such as `The comment`."""

    def __iter__(self) -> Iterator[object]:
        """Yield the checks."""
        yield from super().__iter__()
        yield AfterValidator(self._check)

    def _check(self, text: str) -> str:
        if token := find_control_token(text):
            raise sentence_error(control_token_sentence(self.subject, token))
        return text


@dataclass(frozen=True)
class OneOf:
    """Metadata of a text that must be one of these words."""

    words: tuple[str, ...]
    """The allowed words."""

    def __get_pydantic_core_schema__(self, _source: object, _handler: object) -> CoreSchema:
        """Return the check, which pydantic asks for."""
        return core_schema.literal_schema(list(self.words))
