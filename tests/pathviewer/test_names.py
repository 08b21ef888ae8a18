"""Names meet in NFC, whichever way the disk, a table or a keyboard writes them."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import pytest

from pathviewer.cases.csv_table import read_table
from pathviewer.cases.import_cases import import_cases
from pathviewer.settings import Settings
from pathviewer.slides.slide_names import SlideNameError, find_slide_by_name
from pathviewer.worklists.item_file import read_items
from storage.cases.store import find_case, list_cases
from storage.database import Database
from storage.errors import NameTakenError
from storage.names import normalize_name
from storage.slides.store import list_slide_records, register_slide, rename_slide
from storage.tables import LOCAL_ACCOUNT_ID, Case
from storage.worklists.records import NewWorklist
from storage.worklists.store import add_worklist, find_worklist
from tests.databases import new_database
from tests.library_app import library_app, write_slide
from tests.upload_client import begin, send

COMPOSED = normalize_name("Größe, Đặng – 각")
DECOMPOSED = unicodedata.normalize("NFD", COMPOSED)
SPELLINGS = pytest.mark.parametrize(
    ("there", "typed"),
    [(DECOMPOSED, COMPOSED), (COMPOSED, DECOMPOSED)],
    ids=["decomposed-on-disk", "decomposed-in-table"],
)


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return new_database(f"sqlite:///{tmp_path / 'pathviewer.sqlite3'}")


def register(database: Database, *paths: str) -> list[str]:
    with database.session() as session:
        return [
            register_slide(session, folder="f", relative_path=path, quickhash=path).id
            for path in paths
        ]


@SPELLINGS
def test_a_slide_is_found_by_each_of_its_names(database: Database, there: str, typed: str) -> None:
    one, other = register(database, f"{there}/{there} 1.svs", "b.svs")
    with database.session() as session:
        rename_slide(session, other, f"{there} 2")
        slides = list_slide_records(session)
    for called in (f"{typed}/{typed} 1.svs", f"{typed} 1.svs", f"{typed} 1"):
        assert find_slide_by_name(slides, called).id == one
    assert find_slide_by_name(slides, f"{typed} 2").id == other


def test_two_files_of_one_name_are_not_confused(database: Database) -> None:
    register(database, f"{COMPOSED}.svs", f"{DECOMPOSED}.svs")
    with database.read_only() as session:
        slides = list_slide_records(session)
    with pytest.raises(SlideNameError, match="2 slides are called"):
        find_slide_by_name(slides, f"{COMPOSED}.svs")
    assert find_slide_by_name(slides, "Slide 2").relative_path == f"{DECOMPOSED}.svs"


@SPELLINGS
def test_a_table_of_cases_finds_slides_and_cases(
    database: Database, tmp_path: Path, there: str, typed: str
) -> None:
    register(database, f"{there}.svs")
    table = tmp_path / "cases.csv"
    for spelling in (there, typed):
        table.write_text(f'case,slide,organ\n"{spelling}","{typed}.svs","{typed}"\n')
        with database.session() as session:
            import_cases(session, read_table(table))
    with database.read_only() as session:
        (case,) = list_cases(session)
        assert case.name == COMPOSED
        for name in (COMPOSED, DECOMPOSED):
            assert find_case(session, name) == case
        assert list_slide_records(session)[0].organ == COMPOSED


def test_a_case_stored_decomposed_by_an_older_version_is_found(database: Database) -> None:
    with database.session() as session:
        session.add(Case(name=DECOMPOSED))
    with database.read_only() as session:
        found = find_case(session, COMPOSED)
    assert found is not None
    assert found.name == DECOMPOSED


@SPELLINGS
def test_a_worklist_finds_slides_and_is_found(
    database: Database, tmp_path: Path, there: str, typed: str
) -> None:
    (slide,) = register(database, f"{there}.svs")
    file = tmp_path / "items.jsonl"
    item = {"slide": f"{typed}.svs", "box": [0, 0, 9, 9], "question": f"{typed}?"}
    item |= {"options": [there, "b"], "answer": typed}
    file.write_text(json.dumps(item, ensure_ascii=False))
    with database.session() as session:
        items = read_items(file, list_slide_records(session), lambda _: (100, 80))
        made = add_worklist(session, named(there), items)
        assert (items[0].slide_id, items[0].reference_answer) == (slide, COMPOSED)
        assert made.name == COMPOSED
        assert find_worklist(session, typed) == find_worklist(session, there) == made
        with pytest.raises(NameTakenError):
            add_worklist(session, named(typed), items)


def named(name: str) -> NewWorklist:
    return NewWorklist(
        name=name,
        account_id=LOCAL_ACCOUNT_ID,
        blind=False,
        teaching=False,
        overlap=1.0,
        repeats=0.0,
    )


def test_what_is_typed_or_uploaded_is_kept_composed(tmp_path: Path) -> None:
    folder = tmp_path / "slides"
    write_slide(folder / f"{DECOMPOSED}.tiff")
    settings = Settings(data=tmp_path / "state", slides=(folder,), show_file_names=True)
    with library_app(settings) as served:
        client = served.seen_by()
        (entry,) = served.library.slides()
        assert entry.name == f"{COMPOSED}.tiff"
        regions = f"/api/slides/{entry.id}/regions"
        square = [[0, 0], [9, 0], [9, 9], [0, 9]]
        region = {"name": DECOMPOSED, "shape": "rectangle", "points": square}
        assert client.post(regions, json=region).json()["name"] == COMPOSED
        feature = {"type": "Feature", "properties": {"name": DECOMPOSED}}
        feature["geometry"] = {"type": "Polygon", "coordinates": [square]}
        answer = client.post(f"{regions}.geojson", json=feature).json()
        assert answer["regions"][0]["name"] == COMPOSED
        slide = write_slide(tmp_path / "sent.tiff", seed=1).read_bytes()
        url = begin(client, slide, f"{DECOMPOSED} sent.tiff")
        assert send(client, url, slide, 0).json()["name"] == f"{COMPOSED} sent.tiff"
