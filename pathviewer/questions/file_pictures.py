"""Pictures of a file for the command line, as `Pictures` makes them of the library's slides."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from models.pictures import open_picture
from pathviewer.questions.model_input import fit_budget
from pathviewer.questions.region_picture import (
    PICTURE_SUFFIXES,
    RegionPicture,
    model_picture_size,
    read_file_picture,
)
from pathviewer.slides.geometry import Region, check_inside
from pathviewer.slides.slide import Slide
from pathviewer.slides.slide_facts import label_in
from pathviewer.slides.slide_identity import SlideIdentity, label_state, scale_words

if TYPE_CHECKING:
    from models.messages import PixelBudget
    from models.registry import RegisteredModel
    from pathviewer.questions.request import RegionRequest
    from pathviewer.slides.scale import SlideScale
    from pathviewer.slides.slide_identity import LabelState


class FilePictures:
    """Pictures of one slide, PNG or JPEG file; the id of the slide is ignored."""

    def __init__(self, path: Path, model: RegisteredModel, stain: str | None = None) -> None:
        """Open the file once for its facts; no file states its `stain`.

        Raises SlideError and PromptError.
        """
        self.model = model
        self._made: list[RegionPicture] = []
        self._path = path
        self._scale: SlideScale | None = None
        self._stain = stain or None
        self._label: LabelState = "none"
        if path.suffix.lower() in PICTURE_SUFFIXES:
            width, height = open_picture(path).size
        else:
            with closing(Slide(path, path.name)) as slide:
                width, height, self._scale = slide.width, slide.height, slide.scale
                self._label = label_state(label_in(slide), is_shown=False)
        self.whole = Region(0, 0, width, height)
        """The whole file, level-0 pixels."""

    def budget(self, request: RegionRequest) -> PixelBudget:
        """Return the area of the request's picture after resizing."""
        return fit_budget(self.model.budget, request.max_pixels)

    def check_region(self, _slide_id: str, request: RegionRequest) -> tuple[int, int]:
        """Return (width, height) of the picture, px. Raises RegionError and PromptError."""
        region = request.box.region
        check_inside(region, self.whole.width, self.whole.height)
        return model_picture_size(region, self._scale, self.budget(request))

    def confirm_identity(self, _slide_id: str, _expected: SlideIdentity | None) -> SlideIdentity:
        """Return the file's identity, as the page shows it without the case."""
        name = self._path.name
        scale = "scale unknown" if self._scale is None else scale_words(self._scale)
        return SlideIdentity(name, name, None, self._stain, scale, self._label)

    def make_picture(
        self, _slide_id: str, request: RegionRequest, _account_id: str
    ) -> RegionPicture:
        """Read the region's picture. Raises SlideError and PromptError."""
        picture = read_file_picture(self._path, request.box.region, self.budget(request))
        self._made.append(picture)
        return picture

    @property
    def picture(self) -> RegionPicture:
        """The picture that was made last. Raises IndexError before the first."""
        return self._made[-1]
