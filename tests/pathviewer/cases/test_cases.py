"""A table of cases: what it may look like, and what it does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pathviewer.cases.csv_table import CasesError, read_table
from pathviewer.commands.main import app
from storage.cases.store import SlideDescription, find_case, list_cases
from storage.database import Database
from storage.slides.store import list_slide_records, register_slide
from storage.withdrawals import withdraw_case
from tests.commands import called
from tests.databases import new_database

HEADING = "case,slide,organ,specimen,stain,scanner,reference answer,source\n"
Import = Callable[[str], tuple[int, str]]


def test_unicode_text_of_excel_is_read(tmp_path: Path) -> None:
    text = "case\tslide\torgan\r\nS-1\ta\tlung\r\n"
    (row,) = read_table(table(tmp_path, text.encode("utf-16")))
    assert (row.slide, row.description) == ("a", SlideDescription("S-1", "lung"))


def test_a_line_separator_within_a_cell_ends_no_line(tmp_path: Path) -> None:
    (row,) = read_table(table(tmp_path, "case,slide,organ\nS-1,a,left\u2028lung\n"))
    assert row.description.organ == "left\u2028lung"


def test_spoilt_numbers_merge_no_patients(take: Import, database: Database) -> None:
    code, told = take("case;slide\n1,23E+11;lung/a.svs\n1,23E+11;b\n")
    assert (code, told.startswith("Line 2: the column “case” holds “1,23E+11”")) == (1, True)
    with database.read_only() as session:
        assert list_cases(session) == []


def table(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "cases.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_a_line_is_read(tmp_path: Path) -> None:
    (row,) = read_table(table(tmp_path, HEADING + "S-1,a.svs,lung,,H&E,Aperio,benign,IHC\n"))
    assert (row.line, row.slide) == (2, "a.svs")
    assert row.description == SlideDescription(
        "S-1", "lung", None, "H&E", "Aperio", "benign", "IHC"
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("case;slide;organ\nS-1;a;lung\n", "semicolons, as spreadsheets of some countries write"),
        ("case\tslide\torgan\nS-1\ta\tlung\n", "tabs"),
        ("\ufeffCase,Slide,ORGAN\r\nS-1,a,lung\r\n", "a byte order mark, large letters, CR LF"),
        ("organ,slide,case\n\nlung,a,S-1\n,,\n", "another order, and empty lines"),
        ('case,slide,organ\n"S-1",a," lung "\n', "quotes and spaces"),
        ("\ufeffsep=;\r\ncase;slide;organ\r\nS-1;a;lung\r\n", "Excel's line with the separator"),
        ('"sep=,"\ncase,slide,organ\nS-1,a,lung\n', "that line in quotes"),
        ("sep=\t\ncase\tslide\torgan\nS-1\ta\tlung\n", "a tab as separator"),
        ("sep=|\ncase|slide|organ\nS-1|a|lung\n", "another separator that is named"),
        ("sep=;;;\ncase;slide;organ\nS-1;a;lung\n", "that line filled up by a spreadsheet"),
        ("case;slide;organ;;\r\nS-1;a;lung;;\r\n;;;;\r\n", "empty columns at the end"),
        ("case;slide;organ\nS-1;a;lung;;\n", "empty cells at the end of a line alone"),
        ("\r\n;;\r\ncase;slide;organ\r\nS-1;a;lung\r\n", "empty lines above the heading"),
        ("case;slide;organ\rS-1;a;lung\r", "lines ended as on an old Mac"),
        ("case;slide;reference_answer;organ\nS-1;a;;lung\n", "an underscore"),
    ],
)
def test_what_spreadsheets_write_is_read(tmp_path: Path, text: str, reason: str) -> None:
    (row,) = read_table(table(tmp_path, text))
    assert (row.slide, row.description) == ("a", SlideDescription("S-1", "lung")), reason


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "has no column “case”"),
        ("case,slide\n", "no lines below its heading"),
        ("slide\na\n", "has no column “case”"),
        ("case,slide,patient name\n", "The column “patient name” is unknown"),
        ("case,slide,source,reference source\n", "The column “reference source” occurs twice"),
        ("case,slide\nS-1,a,b\n", "Line 2 has 3 cells, not 2"),
        ("case,slide\nS-1,\n", "Line 2 names no slide"),
        ("case,slide\n,a\n", "Line 2 names no case"),
        (f"case,slide\n{'S' * 201},a\n", "Line 2: case is too long"),
        ('case,slide\n"S-1,a\n', "is not CSV"),
        (b"case,slide\nS-1,\xe4\n", "is not in UTF-8"),
        ("sep=;\ncase,slide\nS-1,a\n", "The column “case,slide” is unknown"),
        ("case;slide;\nS-1;a;b\n", "Line 2 has 3 cells, not 2"),
        ("sep=;\n\ncase;slide\nS-1;a\nS-1\n", "Line 5 has 1 cells, not 2"),
        ("case;slide;answer, signed, final\nS-1;a;x\n", "The column “answer, signed, final”"),
        ("case;slide\nS-1;a\n1,23E+11;b\n", "Line 3: the column “case” holds “1,23E\\+11”"),
        ("case,slide\nS-1,4.5e+07\n", "Line 2: the column “slide” .* Format the column as text"),
        (
            "case,slide,reference\nS-1,a,benign\nS-2,b,x\nS-1,c,tumour\n",
            "Lines 2 and 4 give different values of reference answer for one case",
        ),
    ],
)
def test_what_is_no_table_is_told(tmp_path: Path, text: str | bytes, told: str) -> None:
    with pytest.raises(CasesError, match=told):
        read_table(table(tmp_path, text))


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Database:
    """Of a state folder where two slides were seen in other folders before."""
    monkeypatch.setenv("PATHVIEWER_DATA", str(tmp_path / "state"))
    opened = new_database(f"sqlite:///{tmp_path / 'state' / 'pathviewer.sqlite3'}")
    with opened.session() as session:
        for name in ("lung/a.svs", "skin/b.svs", "skin/a.svs"):
            register_slide(session, folder="f", relative_path=name, quickhash=name)
    return opened


@pytest.fixture
def take(tmp_path: Path, database: Database) -> Import:
    def run(text: str) -> tuple[int, str]:
        done = called(app, "cases", "import", table(tmp_path, text))
        return done.code, done.told

    return run


def test_an_import_and_the_same_again(take: Import, database: Database) -> None:
    text = HEADING + (
        "S-1,lung/a.svs,lung,,,,adenocarcinoma,sign-out\nS-1,b,skin,,,,,\nS-2,Slide 3,skin,,,,,\n"
    )
    assert take(text) == (0, "3 slides of 2 cases; 3 were new or changed.\n")
    assert take(text) == (1, "All 3 lines are known already; nothing was changed.")
    with database.read_only() as session:
        case = find_case(session, "S-1")
        assert case is not None
        assert (case.reference_answer, case.reference_source) == ("adenocarcinoma", "sign-out")
        slides = {each.relative_path: each for each in list_slide_records(session)}
    assert slides["lung/a.svs"].case_id == slides["skin/b.svs"].case_id == case.id
    assert slides["skin/a.svs"].case_id not in (None, case.id)
    assert slides["skin/b.svs"].organ == "skin"
    # an empty cell takes nothing away, another case moves the slide
    code, told = take("case,slide,organ\nS-2,b.svs,\n")
    assert (code, "1 belonged to another case before" in told) == (0, True)
    assert CliRunner().invoke(app, ["cases", "list"]).stdout.splitlines() == [
        "S-1  adenocarcinoma (sign-out)",
        "S-2  -",
    ]


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ("S-1,b.svs\nS-1,a.svs\n", "Line 3: 2 slides are called “a.svs”"),
        ("S-1,b.svs\nS-1,c.svs\n", "Line 3: there is no slide “c.svs”"),
        ("S-1,b.svs\nS-2,skin/b.svs\n", "Lines 2 and 3 are about the same slide"),
    ],
)
def test_a_table_that_does_not_fit_changes_nothing(
    take: Import, database: Database, lines: str, told: str
) -> None:
    code, said = take(f"case,slide\n{lines}")
    assert (code, told in said) == (1, True), said
    with database.read_only() as session:
        assert list_cases(session) == []


def test_a_source_needs_an_answer(take: Import) -> None:
    assert take("case,slide,source\nS-1,b,IHC\n") == (
        1,
        "Line 2 has a reference source but no answer.",
    )
    assert take("case,slide,reference,source\nS-1,b,,IHC\nS-1,lung/a.svs,benign,\n")[0] == 0


def test_a_withdrawn_case_does_not_come_back(take: Import, database: Database) -> None:
    assert take("case,slide\nS-1,b\n")[0] == 0
    with database.session() as session:
        case = find_case(session, "S-1")
        assert case is not None
        withdraw_case(session, case.id, "local")
    assert take("case,slide\nS-1,b\n") == (1, "Line 2: the case of b was withdrawn.")


def test_slides_that_no_server_has_seen_are_found(
    take: Import, cmu: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATHVIEWER_SLIDES", str(cmu.parent))
    assert take(f"case,slide\nS-1,{cmu.name}\n")[0] == 0
