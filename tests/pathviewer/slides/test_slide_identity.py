"""What a slide is told by, and questions whose page saw something else."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from pathviewer.slides.errors import SlideChanged
from pathviewer.slides.slide_identity import SlideIdentity, check_identity, identity_text
from storage.cases.store import SlideDescription, describe_slide
from storage.slides.store import list_slide_records
from tests import slide_files
from tests.corpus.tiff import Layout, page_of, write_pages
from tests.databases import new_database
from tests.library_app import scanned, write_slide

HERE = SlideIdentity(
    "Slide 3", "a.svs", "S-26-1", "H&E", "0.25 µm per pixel, entered by hand", "hidden"
)


def test_the_same_identity_passes_and_so_does_none() -> None:
    check_identity(HERE, HERE)
    check_identity(None, HERE)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"stain": "PAS"}, "the slide's stain has changed"),
        ({"scale": "scale unknown"}, "the slide's scale has changed"),
        ({"case": None}, "the slide's case has changed"),
        ({"alias": "Slide 4"}, "the slide's name has changed"),
        (
            {"alias": "Slide 4", "name": "b.svs", "stain": None},
            "the slide's name and stain have changed",
        ),
        ({"label": "none"}, "the slide's label has changed"),
    ],
)
def test_what_a_page_saw_otherwise_is_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(SlideChanged, match=words) as refused:
        check_identity(replace(HERE, **change), HERE)
    assert "It is now a.svs, case S-26-1, H&E, 0.25 µm per pixel" in str(refused.value)


def test_a_report_names_no_case_and_no_file() -> None:
    told = identity_text(asdict(HERE), report=True)
    assert told == "Slide 3, H&E, 0.25 µm per pixel, entered by hand, label hidden"
    bare = replace(HERE, stain=None, label="none")
    assert identity_text(asdict(bare), report=True).endswith("no label in the file")
    assert "stain unknown" in identity_text(asdict(bare))
    assert identity_text(None) == ""


@pytest.mark.parametrize("names", [False, True])
def test_a_case_is_named_where_names_may_be_shown(tmp_path: Path, names: bool) -> None:
    write_slide(tmp_path / "slides" / "a.tiff", mpp=0.5)
    database = new_database(f"sqlite:///{tmp_path / 'pathviewer.sqlite3'}")
    library = scanned(tmp_path / "slides", database=database, show_file_names=names)
    with database.session() as session:
        (record,) = list_slide_records(session)
        describe_slide(session, record.id, SlideDescription("S-26-1", stain="PAS"))
    library.refresh()
    (entry,) = library.slides()
    expected = ("a.tiff", "S-26-1") if names else ("Slide 1", None)
    assert (entry.identity.name, entry.identity.case) == expected
    assert entry.identity.alias == "Slide 1"
    assert (entry.identity.stain, entry.identity.label) == ("PAS", "none")
    assert entry.identity.scale == "0.5 µm per pixel"
    database.close()


@pytest.mark.parametrize(("words", "state"), [("", "unnamed"), ("label 200x120", "hidden")])
@pytest.mark.parametrize("tiled", [True, False])
def test_a_page_that_may_be_a_label_is_not_denied(
    tmp_path: Path, tiled: bool, words: str, state: str
) -> None:
    """Tiled, OpenSlide takes it for a level; in a strip, it passes over it."""
    levels = slide_files.pyramid(slide_files.tissue(900, 600), 4)
    pages = [page_of(pixels, Layout(), number) for number, pixels in enumerate(levels)]
    layout = Layout(description=words, tile=(128, 128) if tiled else (0, 120), strips=not tiled)
    pages.append(page_of(slide_files.tissue(200, 120), layout, 2))
    (tmp_path / "slides").mkdir()
    write_pages(tmp_path / "slides" / "a.tif", pages, layout)
    database = new_database(f"sqlite:///{tmp_path / 'pathviewer.sqlite3'}")
    (entry,) = scanned(tmp_path / "slides", database=database, show_labels=True).slides()
    assert entry.level_count == 2
    assert entry.identity.label == state
    assert "no label in the file" not in identity_text(asdict(entry.identity), report=True)
    database.close()


def test_a_slide_without_other_pages_has_no_label(tmp_path: Path) -> None:
    write_slide(tmp_path / "slides" / "a.tiff")
    database = new_database(f"sqlite:///{tmp_path / 'pathviewer.sqlite3'}")
    (entry,) = scanned(tmp_path / "slides", database=database).slides()
    assert entry.identity.label == "none"
    database.close()


@pytest.mark.parametrize(("shown", "state"), [(False, "hidden"), (True, "shown")])
def test_a_label_is_hidden_or_shown(tmp_path: Path, cmu: Path, shown: bool, state: str) -> None:
    database = new_database(f"sqlite:///{tmp_path / 'pathviewer.sqlite3'}")
    library = scanned(cmu.parent, database=database, show_labels=shown)
    entry = next(each for each in library.slides() if each.file.path == cmu)
    assert entry.identity.label == ("none" if entry.facts.label == "none" else state)
    database.close()
