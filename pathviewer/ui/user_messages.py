"""What the ui package says to people."""

from __future__ import annotations

# assets.py
NPM_FAILED = "npm failed"


def certificate_not_trusted(reason: str) -> str:
    return (
        f"npm does not trust the certificate of its registry ({reason}): name your network's own "
        "certificate authority in NODE_EXTRA_CA_CERTS=/path/to/authority.pem."
    )


def assets_not_installed(reason: str) -> str:
    return (
        f"The viewer's JavaScript could not be installed by npm ({reason}): start once with the "
        "npm registry reachable, or copy the assets folder of another installation's state folder."
    )


# page_files.py
PLOTLY_MISSING = "plotly is missing: pip install -r requirements.txt installs it."

# selected_region.py
REGION_NOT_USABLE = "This region cannot be used."
BOX_OF_OUTLINE = "The box around what was drawn is what a model will see."
SCALE_UNKNOWN = "The slide's scale is unknown, so no size in µm is given."


def scale_entered(size: str, claim: str) -> str:
    return f"Scale entered by hand: {size} µm per pixel; the file {claim}."


def no_shape(shape: object) -> str:
    return f"{shape!r} is no shape: draw a rectangle or a polygon."
