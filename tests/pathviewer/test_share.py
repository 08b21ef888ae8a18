"""A folder on a share goes away and comes back under a running server."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from pathviewer.settings import Settings
from tests.long_cases import long_cases
from tests.servers import running
from tests.slide_files import write_ycbcr

PATIENCE = 30.0


@dataclass(frozen=True)
class Site:
    """A server with a slide on a share and one on its own disk."""

    client: httpx.Client
    """Whoever sits at it."""
    share: Path
    """The folder that goes away."""
    remote: str
    """Id of the slide on it."""
    local: str
    """Id of the other slide."""

    def listed(self) -> set[str]:
        """Ids of the slides in the list."""
        return {each["id"] for each in self.client.get("/api/slides").raise_for_status().json()}

    def tile(self, slide: str, column: int = 0) -> int:
        """What a request for a tile is answered."""
        return self.client.get(f"/api/slides/{slide}/tiles/0/{column}/0").status_code


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    share, own = tmp_path / "share", tmp_path / "own"
    for number, folder in enumerate((share, own)):
        folder.mkdir()
        write_ycbcr(folder / "a.tiff", 300 + number)
    settings = Settings(data=tmp_path / "state", slides=(share, own), open_slide_seconds=600)
    with running(settings) as base, httpx.Client(base_url=base, timeout=30) as client:
        by_width = {each["width"]: each["id"] for each in client.get("/api/slides").json()}
        made = Site(client, share, by_width[300], by_width[301])
        assert made.tile(made.remote) == made.tile(made.local) == 200
        yield made


def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def leave(share: Path, aside: Path) -> None:
    """The folder is not there any more."""
    share.rename(aside)


def unmount(share: Path, aside: Path) -> None:
    """Another folder is in its place, an empty one, as when a drive is not mounted any more."""
    share.rename(aside)
    share.mkdir()


def fail(share: Path, aside: Path) -> None:
    """Whatever is asked of the folder is an error, as of a share whose server is gone."""
    share.rename(aside)
    share.symlink_to("x" * 300)
    with pytest.raises(OSError, match="too long"):
        share.stat()


@pytest.mark.parametrize("go_away", [leave, *long_cases(unmount, fail)])
def test_a_share_that_comes_back_has_the_same_slides(
    site: Site, tmp_path: Path, go_away: Callable[[Path, Path], None]
) -> None:
    client, aside = site.client, tmp_path / "aside"
    go_away(site.share, aside)
    until(lambda: site.listed() == {site.local})
    assert site.tile(site.local, 1) == 200
    refused = client.get(f"/api/slides/{site.remote}")
    assert refused.status_code == 410
    assert "folder of Slide" in refused.json()["error"]["message"]
    reasons = [each["reason"] for each in client.get("/api/slides/rejected").json()]
    assert any("folder 1 cannot be read" in each.lower() for each in reasons)
    if site.share.is_symlink():
        site.share.unlink()
    if site.share.exists():
        site.share.rmdir()
    aside.rename(site.share)
    until(lambda: site.listed() == {site.local, site.remote})
    assert client.get(f"/api/slides/{site.remote}").status_code == 200
    assert site.tile(site.remote, 1) == 200


def test_an_upload_arrives_while_a_share_is_away(site: Site, tmp_path: Path) -> None:
    leave(site.share, tmp_path / "aside")
    data = write_ycbcr(tmp_path / "new.tiff", 280).read_bytes()
    headers = {"Origin": str(site.client.base_url).rstrip("/")}
    body = {"name": "new.tiff", "size": len(data)}
    begun = site.client.post("/api/uploads", json=body, headers=headers).raise_for_status()
    one = f"/api/uploads/{begun.json()['upload_id']}"
    sent = {**headers, "Upload-Offset": "0"}
    assert site.client.patch(one, content=data, headers=sent).is_success
    until(lambda: len(site.listed() - {site.local, site.remote}) == 1)
