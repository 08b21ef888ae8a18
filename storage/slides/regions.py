"""Regions that accounts drew on slides; each account sees only its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from storage import user_messages
from storage.errors import RecordNotFoundError
from storage.tables import Account, Region

Shape = Literal["rectangle", "polygon"]


@dataclass(frozen=True)
class NewRegion:
    """A region as drawn, in level-0 pixels."""

    name: str
    """Label in the list of regions; may be empty."""

    shape: Shape
    """Whether the points are a rectangle's corners or a polygon's."""

    points: Sequence[tuple[float, float]]
    """Corners (x, y) as drawn."""

    x: int
    """Left edge of the bounding box."""

    y: int
    """Top edge of the bounding box."""

    width: int
    """Width of the bounding box, at least 1."""

    height: int
    """Height of the bounding box, at least 1."""


@dataclass(frozen=True)
class RegionRecord(NewRegion):
    """A stored region."""

    id: str
    """UUID as text."""

    slide_id: str
    """Its slide."""

    account_id: str
    """Account that drew it."""

    created_at: datetime
    """When it was first stored, UTC."""

    updated_at: datetime
    """When it was last changed, UTC."""


def add_region(session: Session, slide_id: str, account_id: str, region: NewRegion) -> RegionRecord:
    """Store a region; slide and account must exist."""
    row = Region(slide_id=slide_id, account_id=account_id, **_columns(region))
    session.add(row)
    session.flush()
    return _record(row)


def list_regions(session: Session, slide_id: str, account_id: str) -> list[RegionRecord]:
    """One account's regions on one slide, oldest first."""
    own_regions = select(Region).where(Region.slide_id == slide_id, Region.account_id == account_id)
    return [
        _record(row) for row in session.scalars(own_regions.order_by(Region.created_at, Region.id))
    ]


def count_regions(session: Session, account_id: str) -> int:
    """Number of an account's regions on all slides; blocks its other additions meanwhile."""
    session.get(Account, account_id, with_for_update=True)
    own_regions = select(func.count()).select_from(Region).where(Region.account_id == account_id)
    return session.scalar(own_regions) or 0


def find_region(session: Session, slide_id: str, account_id: str, region_id: str) -> RegionRecord:
    """One region of the account on the slide; raises `RecordNotFoundError`."""
    return _record(_own_row(session, slide_id, account_id, region_id))


def update_region(
    session: Session, slide_id: str, account_id: str, region_id: str, region: NewRegion
) -> RegionRecord:
    """Change the account's own region on the slide; raises `RecordNotFoundError`."""
    row = _own_row(session, slide_id, account_id, region_id)
    for column, value in _columns(region).items():
        setattr(row, column, value)
    session.flush()
    return _record(row)


def delete_region(session: Session, slide_id: str, account_id: str, region_id: str) -> None:
    """Delete the account's own region on the slide; raises `RecordNotFoundError`."""
    session.delete(_own_row(session, slide_id, account_id, region_id))
    session.flush()


def _own_row(session: Session, slide_id: str, account_id: str, region_id: str) -> Region:
    row = session.get(Region, region_id)
    if row is None or (row.slide_id, row.account_id) != (slide_id, account_id):
        raise RecordNotFoundError(user_messages.no_region(region_id[:64]))
    return row


def _columns(region: NewRegion) -> dict[str, object]:
    columns: dict[str, object] = {
        side: getattr(region, side) for side in ("name", "shape", "x", "y", "width", "height")
    }
    return columns | {"points": [[float(x), float(y)] for x, y in region.points]}


def _record(row: Region) -> RegionRecord:
    shape: Shape = "rectangle" if row.shape == "rectangle" else "polygon"
    return RegionRecord(
        name=row.name,
        shape=shape,
        points=tuple((x, y) for x, y in row.points),
        x=row.x,
        y=row.y,
        width=row.width,
        height=row.height,
        id=row.id,
        slide_id=row.slide_id,
        account_id=row.account_id,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
