"""The program elsewhere: the tree of a Space runs by itself, and what was baked is not fetched."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from pathviewer.common.atomic_folder import FolderError
from pathviewer.server.packaging import LARGE_BYTES, copy_baked, list_program_files, write_space
from pathviewer.ui.assets import are_assets_ready

ROOT = Path(__file__).parents[3]


@contextmanager
def started(tree: Path, data: Path, **given: str) -> Iterator[str]:
    """`python app.py` in a folder, as a Space starts it; its URL."""
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    environment |= {
        "PATHVIEWER_DATA": str(data),
        "PATHVIEWER_MODEL": "none",
        "PATHVIEWER_PORT": "0",
    }
    process = subprocess.Popen(
        [sys.executable, "app.py"],
        cwd=tree,
        env=environment | given,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr
    try:
        found = (re.search(r"http://[\d.]+:(\d+)", line) for line in process.stderr)
        yield f"http://127.0.0.1:{next(match[1] for match in found if match)}"
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture
def baked(tmp_path: Path, assets: Path, small_phantom: Path) -> Path:
    """What `bake` writes, with a phantom as the demo slide."""
    folder = tmp_path / "baked"
    (folder / "demo").mkdir(parents=True)
    (folder / "assets").symlink_to(assets, target_is_directory=True)
    (folder / "demo" / "CMU-1-Small-Region.svs").write_bytes(small_phantom.read_bytes())
    return folder


def test_the_tree_of_a_space_names_its_large_files(tmp_path: Path) -> None:
    large = write_space(tmp_path)
    assert large == ["models/checkpoints/pathviewer-r1-tiny/model.safetensors"]
    attributes = (tmp_path / ".gitattributes").read_text()
    assert attributes == f"{large[0]} filter=lfs diff=lfs merge=lfs -text\n"
    others = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size > LARGE_BYTES for path in others) == 1
    assert not [path for path in others if path.suffix in {".pyc", ".svs", ".tiff", ".dcm"}]


def test_what_lies_about_in_a_checkout_stays_there(tmp_path: Path) -> None:
    root, tree = tmp_path / "checkout", tmp_path / "space"
    kept = ["app.py", "models/registry.py", "models/checkpoints/tiny/model.safetensors"]
    mine = ["models/checkpoints/mine/model.safetensors", "models/cases.csv", "docs/notes.md"]
    for name in [*kept, *mine, "models/__pycache__/registry.pyc"]:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    assert {str(path) for path in list_program_files(root)} == {*kept, *mine}, (
        "an unpacked archive has no git"
    )
    git(root, "init", "--quiet")
    git(root, "add", *kept)
    write_space(tree, root)
    copied = {str(path.relative_to(tree)) for path in tree.rglob("*") if path.is_file()}
    assert copied == {*kept, ".gitattributes"}
    (root / ".git" / "HEAD").unlink()
    with pytest.raises(FolderError, match="git cannot list"):
        list_program_files(root)


def test_an_installed_program_writes_no_space(tmp_path: Path) -> None:
    site, out = tmp_path / "site-packages", tmp_path / "space"
    (site / "pathviewer").mkdir(parents=True)
    out.mkdir()
    with pytest.raises(FolderError, match="in a checkout of the repository"):
        write_space(out, site)
    assert not list(out.iterdir())


def git(root: Path, *words: str) -> None:
    subprocess.run(["git", "-C", str(root), *words], check=True, capture_output=True)


def test_the_tree_runs_as_a_public_demo_and_fetches_nothing(tmp_path: Path, baked: Path) -> None:
    tree = tmp_path / "space"
    tree.mkdir()
    write_space(tree)
    space = {"SPACE_ID": "group/viewer", "SPACE_HOST": "group-viewer.hf.space"}
    unreachable = {
        "npm_config_registry": "http://127.0.0.1:9/",
        "PIP_INDEX_URL": "http://127.0.0.1:9",
    }
    state = tmp_path / "state"
    with started(tree, state, PATHVIEWER_BAKED=str(baked), **space, **unreachable) as base:
        headers = {"Host": "group-viewer.hf.space", "X-Forwarded-Proto": "https"}
        me = httpx.get(f"{base}/api/me", headers=headers)
        assert me.json()["public_demo"] is True
        assert "https://huggingface.co" in me.headers["content-security-policy"]
        until = time.monotonic() + 20
        while not httpx.get(f"{base}/api/slides").json() and time.monotonic() < until:
            time.sleep(0.2)
        (slide,) = httpx.get(f"{base}/api/slides").json()
        assert slide["width"] == 3000
        foreign = {"Host": "evil.example"}
        assert httpx.get(f"{base}/api/me", headers=foreign).status_code == httpx.codes.BAD_REQUEST


def test_what_is_there_is_not_brought_along(tmp_path: Path, baked: Path) -> None:
    data = tmp_path / "state"
    (data / "demo").mkdir(parents=True)
    copy_baked(baked, data)
    assert are_assets_ready(data / "assets")
    assert not list((data / "demo").iterdir())
    copy_baked(None, data)
    copy_baked(tmp_path / "nowhere", data)


def test_the_image_runs_what_is_there() -> None:
    """No image is built here; what it copies, and what it leaves out, can be read."""
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    copied = {word for line in lines if line.startswith("COPY") for word in line.split()[1:-1]}
    assert all((ROOT / name).exists() for name in copied)
    taken = {
        line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] == "!"
    }
    assert taken == copied
    text = "\n".join(lines)
    assert "-r requirements.txt" in text
    assert "index" not in re.sub(r"#.*", "", text), "the builder's configuration decides"
    assert "USER pathviewer" in lines
