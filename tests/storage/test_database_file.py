"""SQLite's file removed or replaced while the program runs: nothing is acknowledged and lost."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from storage.database import Database, open_database
from storage.errors import DatabaseGoneError, StorageError
from storage.group_commit import GroupWriter
from storage.slides import store
from tests.databases import new_database


def register(database: Database, name: str) -> None:
    with database.session() as session:
        store.register_slide(session, folder="f", relative_path=name, quickhash=None)


def remove(path: Path) -> None:
    for one in path.parent.glob(f"{path.name}*"):
        one.unlink()


def remove_alone(path: Path) -> None:
    path.unlink()


def replace_by_a_new_one(path: Path) -> None:
    remove(path)
    new_database(f"sqlite:///{path}").close()


def replace_by_a_copy(path: Path) -> None:
    copy = path.with_name("copy")
    shutil.copyfile(path, copy)
    copy.replace(path)


def move_the_folder(path: Path) -> None:
    path.parent.rename(path.parent.with_name("elsewhere"))


LOSSES = [remove, remove_alone, replace_by_a_new_one, replace_by_a_copy, move_the_folder]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the database is."""
    return tmp_path / "state" / "x.sqlite3"


@pytest.mark.parametrize("lose", LOSSES)
def test_nothing_is_acknowledged_that_is_lost(path: Path, lose: Callable[[Path], None]) -> None:
    database = new_database(f"sqlite:///{path}")
    register(database, "a")
    lose(path)
    writer = GroupWriter(database)
    writes: list[Callable[[], object]] = [
        lambda: register(database, "b"),
        lambda: writer.write(lambda _: None),
    ]
    for write in writes:
        with pytest.raises(StorageError, match="removed or replaced while the program was running"):
            write()
    database.close()


@pytest.mark.parametrize("lose", LOSSES)
def test_a_loss_amid_a_transaction_is_noticed(path: Path, lose: Callable[[Path], None]) -> None:
    database = new_database(f"sqlite:///{path}")
    with pytest.raises(DatabaseGoneError, match="Nothing was saved"), database.session() as session:
        store.register_slide(session, folder="f", relative_path="a", quickhash=None)
        lose(path)
    database.close()


def test_a_new_connection_does_not_take_another_file_for_the_database(path: Path) -> None:
    database = new_database(f"sqlite:///{path}")
    register(database, "a")
    with database.read_only() as session:
        assert len(store.list_slide_records(session)) == 1
    replace_by_a_new_one(path)
    read: list[object] = []

    def look() -> None:
        try:
            with database.read_only() as session:
                read.append(store.list_slide_records(session))
        except StorageError as error:
            read.append(error)

    with database.read_only() as session:  # the thread needs a connection of its own
        assert len(store.list_slide_records(session)) == 1
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
    assert [type(found) for found in read] == [DatabaseGoneError]
    database.close()


def test_no_empty_database_comes_into_the_place_of_one_that_is_gone(path: Path) -> None:
    database = new_database(f"sqlite:///{path}")
    database.close()  # its connections; the next one is new
    remove(path)
    with pytest.raises(StorageError):
        register(database, "a")
    with pytest.raises(StorageError), database.read_only() as session:
        store.list_slide_records(session)
    assert not path.exists()
    database.close()


def test_a_file_that_is_put_back_goes_on(path: Path) -> None:
    database = new_database(f"sqlite:///{path}")
    aside = path.with_name("aside")
    path.rename(aside)
    with pytest.raises(DatabaseGoneError):
        register(database, "a")
    aside.rename(path)
    register(database, "a")
    database.close()


@pytest.mark.parametrize("name", ["a b.sqlite3", "a#c.sqlite3", "ä.sqlite3"])
def test_odd_file_names_open(tmp_path: Path, name: str) -> None:
    database = open_database(f"sqlite:///{tmp_path / name}")
    register(database, "a")
    database.close()
    assert (tmp_path / name).stat().st_size > 0
