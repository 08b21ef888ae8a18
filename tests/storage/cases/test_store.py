"""Cases and what is known of their slides."""

from __future__ import annotations

import pytest

from storage.cases.store import SlideDescription, describe_slide, find_case, list_cases
from storage.database import Database
from storage.errors import RecordNotFoundError
from storage.slides.store import find_slide_record, register_slide


def test_a_slide_comes_to_its_case(database: Database) -> None:
    with database.session() as session:
        ids = [
            register_slide(session, folder="f", relative_path=name, quickhash=None).id
            for name in ("a.svs", "b.svs")
        ]
        told = SlideDescription("S-1", "lung", stain="H&E", reference_answer="adenocarcinoma")
        assert describe_slide(session, ids[0], told)
        assert not describe_slide(session, ids[0], told)
        assert describe_slide(session, ids[1], SlideDescription("S-1", reference_source="sign-out"))
    with database.read_only() as session:
        (case,) = list_cases(session)
        assert (case.name, case.reference_answer) == ("S-1", "adenocarcinoma")
        assert case.reference_source == "sign-out"
        assert find_case(session, "S-2") is None
        slides = [find_slide_record(session, each) for each in ids]
        assert [each.case_id for each in slides] == [case.id, case.id]
        assert (slides[0].organ, slides[0].stain, slides[1].organ) == ("lung", "H&E", None)


def test_a_slide_that_is_not_there_is_refused(database: Database) -> None:
    with pytest.raises(RecordNotFoundError), database.session() as session:
        describe_slide(session, "none", SlideDescription("S-1"))
