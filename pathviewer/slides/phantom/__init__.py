"""Synthetic H&E slides with known tissue classes and nuclei; see `docs/phantom.md`."""

from pathviewer.slides.phantom.ground_truth import (
    MarkKind,
    NucleusKind,
    PhantomTruth,
    TissueClass,
    load_truth,
)
from pathviewer.slides.phantom.writer import PhantomError, write_phantom

__all__ = [
    "MarkKind",
    "NucleusKind",
    "PhantomError",
    "PhantomTruth",
    "TissueClass",
    "load_truth",
    "write_phantom",
]
