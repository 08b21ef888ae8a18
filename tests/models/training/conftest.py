"""Tiles and questions that the tests of training share; not to be changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.models.training.made_questions import made_questions
from tests.models.training.made_tiles import made_folder


@pytest.fixture(scope="session")
def tiles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with two groups of each label in each split."""
    return made_folder(tmp_path_factory.mktemp("data") / "tiles", groups=2, copies=1)


@pytest.fixture(scope="session")
def questions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set of questions with traces; the right answer is always A."""
    return made_questions(tmp_path_factory.mktemp("questions") / "set")
