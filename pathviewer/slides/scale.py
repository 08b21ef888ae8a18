"""Size of a level-0 pixel: stated by the file, entered by a person, and in use.

Only this module defines which scales are plausible. Sizes are in microns per level-0 pixel,
separately for each axis.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from pathviewer.slides import user_messages
from pathviewer.slides.errors import SlideError

LEAST_MPP = 0.05
MOST_MPP = 5.0
"""Range of scanners' microns per level-0 pixel, from oil immersion to overview scans."""

MOST_OBLONG = 4.0
"""Largest ratio of pixel sides; line scanners reach 2."""

NEARLY_SQUARE = 1.01
"""Pixels whose sides differ by at most this factor are drawn as squares."""

LEAST_POWER = 0.5
MOST_POWER = 150.0
"""Range of magnifications of objectives."""

LEAST_LINE = 10.0
"""Level-0 pixels; the ends of a shorter line of known length are not precise enough."""

ScaleSource = Literal["file", "entered"]


class ScaleError(SlideError):
    """A scale that no scanner has, or a length that gives no scale."""

    code = "bad_scale"


@dataclass(frozen=True)
class PixelSize:
    """Size of a level-0 pixel, in microns."""

    x: float
    """Width."""

    y: float
    """Height."""

    @property
    def aspect(self) -> float:
        """Height over width; exactly 1 for pixels that are nearly square."""
        return 1.0 if self._is_nearly_square else self.y / self.x

    @property
    def mpp(self) -> float | None:
        """Microns per pixel along both axes, their mean; None for oblong pixels."""
        return (self.x + self.y) / 2 if self._is_nearly_square else None

    @property
    def _is_nearly_square(self) -> bool:
        return max(self.x, self.y) <= NEARLY_SQUARE * min(self.x, self.y)

    @property
    def text(self) -> str:
        """Such as `0.25` or `0.25 × 0.5`, without the unit."""
        return digits(self.x) if self.x == self.y else f"{digits(self.x)} × {digits(self.y)}"

    def length(self, dx: float, dy: float) -> float:
        """Return the length in microns of a line with this extent in level-0 pixels."""
        return math.hypot(dx * self.x, dy * self.y)

    def area(self, pixels: float) -> float:
        """Return the square microns of an area in square level-0 pixels."""
        return pixels * self.x * self.y

    def undistorted_size(self, width: int, height: int) -> tuple[int, int]:
        """Return the size of this many level-0 pixels drawn as squares with the finer side."""
        aspect = self.aspect
        return max(width, round(width / aspect)), max(height, round(height * aspect))

    def picture_mpp(self, region: tuple[int, int], picture: tuple[int, int]) -> float:
        """Return microns per pixel of an undistorted picture of a region, both (width, height).

        This is the mean of both axes, which differ because the picture's sides are rounded.
        """
        across = self.x * region[0] / picture[0]
        return (across + self.y * region[1] / picture[1]) / 2


@dataclass(frozen=True)
class ScaleClaim:
    """Scale as stated by a file, true or not."""

    x: float | None = None
    """Microns per level-0 pixel along the width, None if not stated."""

    y: float | None = None
    """Microns per level-0 pixel along the height, None if not stated."""

    power: float | None = None
    """Magnification of the objective, None if not stated."""

    @property
    def size(self) -> PixelSize | None:
        """The stated pixel size if it is plausible, None otherwise."""
        return None if self._stated is None or self.problem else self._stated

    @property
    def problem(self) -> str | None:
        """Why the stated scale is not used; None if it is used or not stated."""
        if self.x is None and self.y is None:
            return None
        size = self._stated
        if size is None:
            return user_messages.SCALE_ALONG_ONE_AXIS
        if _is_out_of_range(size):
            reason = user_messages.SCALE_OF_NO_SCANNER
        elif _is_too_oblong(size):
            reason = user_messages.PIXELS_OF_NO_SCANNER
        else:
            return None
        return user_messages.implausible_scale(size.text, reason)

    @property
    def objective_power(self) -> float | None:
        """Magnification of the objective if plausible, None otherwise."""
        return None if self.power_problem else self.power

    @property
    def power_problem(self) -> str | None:
        """Why the stated magnification is not used; None if it is used or not stated."""
        if self.power is None or LEAST_POWER <= self.power <= MOST_POWER:
            return None
        return user_messages.implausible_objective(digits(self.power))

    @property
    def text(self) -> str:
        """The statement as the end of a sentence: `claims 42.33`."""
        return claim_text(None if self.x is None and self.y is None else vars(self))

    @property
    def _stated(self) -> PixelSize | None:
        return None if self.x is None or self.y is None else PixelSize(self.x, self.y)


@dataclass(frozen=True)
class EnteredScale:
    """A scale that a person entered."""

    size: PixelSize
    """Entered pixel size."""

    by: str
    """Name of their account."""

    at: datetime | None
    """Time of the entry, UTC; None for entries of an earlier version, which did not store it."""

    by_known_length: bool
    """Whether it was computed from a line of known length, not typed."""


@dataclass(frozen=True)
class SlideScale:
    """Scale of a slide: the one in use and its source."""

    claim: ScaleClaim
    """Scale that the file states."""

    entered: EnteredScale | None = None
    """Last entry of a person, None if there is none or it was withdrawn."""

    @property
    def size(self) -> PixelSize | None:
        """Pixel size in use: the entry, or the file's statement; None if unknown."""
        used = self._used
        return self.claim.size if used is None else used.size

    @property
    def source(self) -> ScaleSource | None:
        """Source of `size`, None if it is unknown."""
        if self._used is not None:
            return "entered"
        return None if self.claim.size is None else "file"

    @property
    def problem(self) -> str | None:
        """Why the entry or the file's statement is not used; None if there is no problem."""
        if self.entered is not None and self._used is None:
            return user_messages.entered_scale_implausible(problem_of(self.entered.size))
        problem = self.claim.problem
        if problem is None or self.size is not None:
            return problem
        return user_messages.scale_unknown(problem)

    @property
    def pixel_aspect(self) -> float:
        """Height of a level-0 pixel over its width; 1 if nearly square or unknown."""
        return 1.0 if self.size is None else self.size.aspect

    @property
    def _used(self) -> EnteredScale | None:
        # earlier versions accepted scales that no scanner has
        entered = self.entered
        return None if entered is None or problem_of(entered.size) else entered

    def provenance(self) -> dict[str, Any]:
        """Return the scale in use, its source and the file's claim as JSON; names no person."""
        size, claim, used = self.size, self.claim, self._used
        stated = claim.x is not None or claim.y is not None
        return {
            "x": None if size is None else size.x,
            "y": None if size is None else size.y,
            "source": self.source,
            "claimed": {"x": claim.x, "y": claim.y} if stated else None,
            "problem": self.problem,
            "entered_at": None if used is None or used.at is None else used.at.isoformat(),
            "by_known_length": None if used is None else used.by_known_length,
        }

    def facts(self) -> dict[str, Any]:
        """Return the provenance with the name of the person who entered the scale."""
        return self.provenance() | {"entered_by": None if self._used is None else self._used.by}


@dataclass(frozen=True)
class KnownLength:
    """A straight line on a slide whose length a person knows."""

    start: tuple[float, float]
    """Level-0 pixels."""

    end: tuple[float, float]
    """Level-0 pixels."""

    um: float
    """Length in microns."""


def read_claim(properties: Mapping[str, str]) -> ScaleClaim:
    """Return the scale in OpenSlide's properties; ignores all but positive numbers."""
    return ScaleClaim(
        _positive(properties.get("openslide.mpp-x")),
        _positive(properties.get("openslide.mpp-y")),
        _positive(properties.get("openslide.objective-power")),
    )


def problem_of(size: PixelSize) -> str | None:
    """Return why a person cannot enter this scale, None if they can."""
    if _is_out_of_range(size):
        return user_messages.scale_out_of_range(size.text, LEAST_MPP, MOST_MPP)
    if _is_too_oblong(size):
        return user_messages.pixels_too_oblong(size.text, MOST_OBLONG)
    return None


def checked_size(x: float, y: float) -> PixelSize:
    """Return a scale that a person enters, after a check. Raises ScaleError."""
    size = PixelSize(x, y)
    problem = problem_of(size)
    if problem is not None:
        raise ScaleError(user_messages.check_entered_scale(problem))
    return size


def size_by_length(line: KnownLength, scale: SlideScale) -> PixelSize:
    """Return the scale at which a line has its known length. Raises ScaleError.

    Pixels get the shape of the scale in use, or as the file claims, or square.
    """
    aspect = _shape(scale)
    dx, dy = line.end[0] - line.start[0], line.end[1] - line.start[1]
    if math.hypot(dx, dy) < LEAST_LINE:
        raise ScaleError(user_messages.line_too_short(LEAST_LINE))
    x = line.um / math.hypot(dx, aspect * dy)
    return checked_size(x, aspect * x)


def _shape(scale: SlideScale) -> float:
    claim = scale.claim
    size = scale.size
    if size is None and claim.x is not None and claim.y is not None:
        size = PixelSize(claim.x, claim.y)
    return 1.0 if size is None or _is_too_oblong(size) else size.y / size.x


def scale_text(scale: Mapping[str, Any] | None) -> str:
    """Describe the result of `SlideScale.provenance`; empty for None, where it was not stored."""
    if scale is None:
        return ""
    if scale["source"] is None:
        return scale["problem"] or user_messages.NO_SCALE_IN_FILE
    size = f"{PixelSize(scale['x'], scale['y']).text} µm per level-0 pixel"
    if scale["source"] == "file":
        return user_messages.scale_from_file(size)
    day = f" on {scale['entered_at'][:10]}" if scale["entered_at"] else ""
    return user_messages.scale_entered_by_hand(size, day, claim_text(scale["claimed"]))


def claim_text(claimed: Mapping[str, float | None] | None) -> str:
    """Describe a file's claim, such as `claims 42.33`."""
    if claimed is None:
        return user_messages.CLAIM_MISSING
    x, y = claimed["x"], claimed["y"]
    if x is None or y is None:
        return user_messages.CLAIM_ALONG_ONE_AXIS
    return user_messages.claim_of_size(PixelSize(x, y).text)


def digits(value: float) -> str:
    """Return a positive number in four digits, without exponent: `0.0000025`, `42.33`."""
    text = format(Decimal(f"{value:.4g}"), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _is_out_of_range(size: PixelSize) -> bool:
    return not all(LEAST_MPP <= side <= MOST_MPP for side in (size.x, size.y))


def _is_too_oblong(size: PixelSize) -> bool:
    return max(size.x, size.y) > MOST_OBLONG * min(size.x, size.y)


def _positive(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) and value > 0 else None
