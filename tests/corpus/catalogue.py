"""All odd slides."""

from __future__ import annotations

from tests.corpus import (
    colours,
    compressions,
    containers,
    dicom,
    names,
    ome,
    pyramids,
    samples,
    scales,
    states,
    vendors,
)

CORPUS = (
    *compressions.COMPRESSIONS,
    *samples.SAMPLES,
    *containers.CONTAINERS,
    *pyramids.PYRAMIDS,
    *scales.SCALES,
    *colours.HEADERS,
    *colours.PROFILES,
    *vendors.APERIO,
    *vendors.OTHERS,
    *dicom.DICOM,
    *names.NAMES,
    *states.MIRAX,
    *compressions.BEYOND_OPENSLIDE,
    *compressions.UNREADABLE,
    *samples.OVERFLOW,
    *samples.DEEP,
    *containers.STRIPS,
    *containers.BEYOND_OPENSLIDE,
    *scales.IMPLAUSIBLE,
    *colours.LATER_HEADERS,
    *dicom.OBLONG,
    *dicom.BEYOND_OPENSLIDE,
    *ome.OME,
    *names.ENDINGS,
    *vendors.LARGE_LABEL,
    *states.DAMAGED,
    *states.FIRST_BYTES,
    *states.OTHER_FORMATS,
)
