"""The search of responses finds a word however it is packed."""

from __future__ import annotations

import base64
import io
import json
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.blinding.in_process import Response
from tests.blinding.scanner import read_text
from tests.blinding.tokens import find_tokens, new_token

TOKEN = new_token()


def parquet() -> bytes:
    """A table with the word, and with pixels that are not searched."""
    file = io.BytesIO()
    pq.write_table(pa.table({"comments": [[TOKEN]], "images": [b"zq9999999qz"]}), file)
    return file.getvalue()


def archive() -> bytes:
    """An export with a table and a card."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("export/train.parquet", parquet())
        packed.writestr("export/README.md", "nothing")
    return file.getvalue()


@pytest.mark.parametrize(
    "body",
    [
        json.dumps({"comment": f"I note {TOKEN}"}).encode(),
        f"data: {TOKEN.upper()}\n\n".encode(),
        f"<td>{TOKEN[:4]}&#{ord(TOKEN[4])};{TOKEN[5:]}</td>".encode(),
        b'{"uri": "data:text/plain;base64,' + base64.b64encode(f"so {TOKEN} it".encode()) + b'"}',
        parquet(),
        archive(),
    ],
    ids=["json", "letters", "html", "base64", "parquet", "archive"],
)
def test_a_word_is_found(body: bytes) -> None:
    assert find_tokens(read_text(body)) == {TOKEN}


def test_a_refusal_says_why() -> None:
    refusal = {"error": {"code": "x", "message": "First answer."}}
    assert Response(409, {}, json.dumps(refusal).encode()).error == "First answer."
    assert Response(500, {}, b"broken").error == "broken"
