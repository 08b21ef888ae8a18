"""Slides: looked at, described, uploaded; regions drawn on them."""

from __future__ import annotations

from pathlib import Path

from tests.golden.recorder import Recorder
from tests.library_app import write_slide

SQUARE = {"shape": "rectangle", "points": [[100, 100], [300, 100], [300, 260], [100, 260]]}
TRIANGLE = {"name": "Margin", "shape": "polygon", "points": [[10.5, 20], [200, 40], [90, 180]]}
LINE = {"from": [0, 0], "to": [40, 30], "um": 25}


def slide_ids(recorder: Recorder) -> dict[str, str]:
    """Ids by alias; the scan gives aliases in the order of file names."""
    answer = recorder.ask("slides: list", "ada", "GET", "/api/slides", 200)
    return {slide["alias"]: slide["id"] for slide in answer.json()}


def tell_slides(recorder: Recorder, slides: list[str]) -> None:
    """Lists, facts, pictures and tiles; scales entered and withdrawn."""
    ask, (phantom, scan, profiled, unscaled) = recorder.ask, slides
    ask("slides: list as a stranger", "", "GET", "/api/slides", 401)
    ask("slides: list rejected files", "ada", "GET", "/api/slides/rejected", 200)
    ask("slides: list rejected files as a viewer", "vic", "GET", "/api/slides/rejected", 403)
    for name, slide in (("phantom", phantom), ("scan", scan), ("profiled", profiled)):
        ask(f"slides: open the {name}", "ada", "GET", f"/api/slides/{slide}", 200)
    ask("slides: open one that is not there", "ada", "GET", "/api/slides/none", 404)
    tell_scales(recorder, f"/api/slides/{unscaled}")
    one = f"/api/slides/{phantom}"
    tell_pictures(recorder, one)
    ask("slides: colours", "ada", "GET", f"/api/slides/{profiled}/colours", 200)
    ask("slides: colours without a profile", "ada", "GET", f"{one}/colours", 404)
    ask("slides: label", "ada", "GET", f"/api/slides/{scan}/associated/label", 200)
    ask("slides: label of none", "ada", "GET", f"{one}/associated/label", 404)
    ask("slides: tile", "ada", "GET", f"{one}/tiles/0/0/0", 200)
    ask("slides: tile encoded anew", "ada", "GET", f"/api/slides/{profiled}/tiles/0/0/0", 200)
    ask("slides: tile outside", "ada", "GET", f"{one}/tiles/0/99/0", 404)
    ask("slides: tile by another method", "ada", "POST", f"{one}/tiles/0/0/0", 405)


def tell_scales(recorder: Recorder, slide: str) -> None:
    """A slide named, and its scale entered in every way."""
    for step, status, change in (
        ("name a slide", 200, {"alias": "Unscaled"}),
        ("enter a scale", 200, {"mpp": 0.25}),
        ("enter an uneven scale", 200, {"mpp": {"x": 0.25, "y": 0.5}}),
        ("enter a known length", 200, {"known_length": LINE}),
        ("withdraw the scale", 200, {"mpp": None}),
        ("enter a scale of nothing", 400, {"mpp": 0}),
        ("enter two scales", 400, {"mpp": 1, "known_length": LINE}),
        ("enter a line beside the slide", 400, {"known_length": LINE | {"to": [900, 0]}}),
        ("change something unknown", 400, {"colour": "red"}),
    ):
        recorder.ask(f"slides: {step}", "ada", "PATCH", slide, status, json=change)


def tell_pictures(recorder: Recorder, slide: str) -> None:
    """Thumbnails and regions."""
    for part, good, bad in (
        ("thumbnail", "?size=100", "?size=1"),
        ("region", "?x=10&y=20&width=100&height=50", "?x=10"),
        ("region", "?x=0&y=0&width=64&height=64&max_pixels=1024&colours=raw", "?x=0&colours=red"),
    ):
        recorder.ask(f"slides: {part} {good}", "ada", "GET", f"{slide}/{part}{good}", 200)
        recorder.ask(f"slides: {part} {bad}", "ada", "GET", f"{slide}/{part}{bad}", 400)
    outside = f"{slide}/region?x=9999&y=0&width=9&height=9"
    recorder.ask("slides: region outside", "ada", "GET", outside, 400)


def tell_regions(recorder: Recorder, slide: str) -> None:
    """Regions drawn, changed, removed, taken out and in."""
    ask, every = recorder.ask, f"/api/slides/{slide}/regions"
    square = ask("regions: draw a rectangle", "ada", "POST", every, 201, json=SQUARE).json()["id"]
    ask("regions: draw a polygon", "ada", "POST", every, 201, json=TRIANGLE)
    third = ask("regions: draw another", "ada", "POST", every, 201, json=SQUARE).json()["id"]
    ask("regions: draw a circle", "ada", "POST", every, 400, json={"shape": "circle"})
    ask("regions: draw as a viewer", "vic", "POST", every, 403, json=SQUARE)
    ask("regions: rename", "ada", "PUT", f"{every}/{square}", 200, json={"name": "Tumour"})
    ask("regions: rename another's", "bob", "PUT", f"{every}/{square}", 404, json={"name": "x"})
    ask("regions: delete", "ada", "DELETE", f"{every}/{third}", 204)
    ask("regions: delete again", "ada", "DELETE", f"{every}/{third}", 404)
    ask("regions: list", "ada", "GET", every, 200)
    ask("regions: list another's", "bob", "GET", every, 200)
    ask("regions: list of no slide", "ada", "GET", "/api/slides/none/regions", 404)
    file = ask("regions: export GeoJSON", "ada", "GET", f"{every}.geojson", 200)
    ask("regions: export with odd bounds", "ada", "GET", f"{every}.geojson?bounds_offset=2", 400)
    document = file.json()
    document["features"].append({"type": "Feature", "geometry": None, "properties": {}})
    ask("regions: import GeoJSON", "bob", "POST", f"{every}.geojson", 200, json=document)
    ask("regions: import no GeoJSON", "bob", "POST", f"{every}.geojson", 400, content=b"{")


def tell_uploads(recorder: Recorder, folder: Path) -> str:
    """A slide uploaded in two pieces, one cancelled, one that is no slide; the new slide's id."""
    ask, data = recorder.ask, write_slide(folder / "sent" / "e.tiff", seed=9, mpp=0.5).read_bytes()
    new = {"name": "e.tiff", "size": len(data)}
    upload = ask("uploads: announce", "ada", "POST", "/api/uploads", 201, json=new).json()
    one, half = f"/api/uploads/{upload['upload_id']}", len(data) // 2
    ask("uploads: announce nothing", "ada", "POST", "/api/uploads", 400, json={})
    first, rest = {"Upload-Offset": "0"}, {"Upload-Offset": str(half)}
    ask("uploads: first half", "ada", "PATCH", one, 200, content=data[:half], headers=first)
    ask("uploads: wrong place", "ada", "PATCH", one, 409, content=data[:half], headers=first)
    ask("uploads: progress", "ada", "HEAD", one, 200)
    ask("uploads: progress of another's", "bob", "HEAD", one, 404)
    arrival = ask(
        "uploads: second half", "ada", "PATCH", one, 201, content=data[half:], headers=rest
    )
    ask("uploads: second half again", "ada", "PATCH", one, 201, content=data[half:], headers=rest)
    ask("uploads: cancel what has arrived", "ada", "DELETE", one, 404)
    other = ask("uploads: announce another", "ada", "POST", "/api/uploads", 201, json=new).json()
    ask("uploads: cancel", "ada", "DELETE", f"/api/uploads/{other['upload_id']}", 204)
    bad = {"name": "f.svs", "size": 4}
    odd = ask("uploads: announce no slide", "ada", "POST", "/api/uploads", 201, json=bad).json()
    path = f"/api/uploads/{odd['upload_id']}"
    ask("uploads: send no slide", "ada", "PATCH", path, 422, content=b"none", headers=first)
    return str(arrival.json()["slide_id"])
