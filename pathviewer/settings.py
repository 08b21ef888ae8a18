"""Program settings, read once from the environment; command-line options override them."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

from platformdirs import user_data_path
from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

RoleName = Literal["admin", "researcher", "clinician", "viewer"]


LimitGroup = Literal[
    "requests",
    "connections",
    "logins",
    "per account",
    "slides",
    "readers",
    "model",
    "uploads",
    "database",
    "retention",
]
"""Sections of docs/limits.md."""


def limit(group: LimitGroup, unit: str, beyond: str) -> dict[str, Any]:
    """Return the `json_schema_extra` of a setting that docs/limits.md lists as a limit.

    `beyond` is what happens beyond the limit: HTTP status and code where a request is refused.
    """
    return {"limit": {"group": group, "unit": unit, "beyond": beyond}}


READER_ENDED = "422 `slide_ended_reader`, `slide_too_large` or `region_too_slow`"
TOO_BUSY = "503 `too_busy`"
BUSY_DATABASE = "503 `storage_failed` after 5 seconds"


class Settings(BaseSettings):
    """Settings of one run; immutable. Each field is read from `PATHVIEWER_<FIELD>`."""

    model_config = SettingsConfigDict(
        env_prefix="PATHVIEWER_", frozen=True, extra="ignore", use_attribute_docstrings=True
    )

    slides: Annotated[tuple[Path, ...], NoDecode] = ()
    """Folders of slides, read with their subfolders; separated as in `PATH`."""

    data: Path = Field(default_factory=lambda: user_data_path("pathviewer", appauthor=False))
    """State folder: database, pixels, uploads, the demo slide and the viewer's JavaScript."""

    baked: Path | None = None
    """Folder made by `bake`, from which an empty state folder takes the viewer's JavaScript and the
    demo slide instead of fetching them."""

    database_url: str = ""
    """SQLAlchemy URL; empty means SQLite in the state folder."""

    host: str = "127.0.0.1"
    """Address to listen on; any but a loopback address needs accounts or `public_demo`."""

    port: int = Field(default=7860, ge=0, le=65535)
    """TCP port to listen on; 0 picks a free one."""

    model: str = "pathviewer-r1-tiny"
    """Model that answers: a registered name, a Hugging Face id or a folder with a checkpoint;
    `scripted` gives canned answers, `none` runs without."""

    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where the model runs; `auto` takes an NVIDIA GPU where there is one."""

    public_demo: bool = False
    """Open to anybody without a login, with the demo slide only; visitors may ask and judge, and
    nothing of it is kept beyond the visit."""

    root_path: str = ""
    """Sub-path under which a reverse proxy serves the program, such as `/pathviewer`."""

    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = ()
    """Host names browsers may use besides loopback ones, separated by commas."""

    show_file_names: bool = False
    """Show file names instead of aliases, and cases; both often carry accession numbers."""

    show_associated_images: bool = False
    """Serve label and macro images, which carry patient data."""

    log_format: Literal["text", "json"] = "text"
    """How the log is written: sentences, or JSON lines that name no person, slide or file."""

    upload_limit_mib: int = Field(
        default=4096, ge=1, json_schema_extra=limit("uploads", "MiB", "413 `upload_too_large`")
    )
    """Largest slide that may be uploaded, in MiB."""

    upload_pending: int = Field(
        default=20, ge=1, json_schema_extra=limit("uploads", "uploads", "429 `too_many_uploads`")
    )
    """Most uploads in progress at once, for each account."""

    upload_account_mib: int = Field(
        default=102_400, ge=1, json_schema_extra=limit("uploads", "MiB", "413 `uploads_too_large`")
    )
    """Most disk space that the uploaded slides of one account may take, in MiB, those in progress
    included."""

    tile_cache_mib: int = Field(
        default=256,
        ge=1,
        json_schema_extra=limit("slides", "MiB", "the tile that was used longest ago makes room"),
    )
    """Memory for tiles that had to be decoded and encoded again, in MiB."""

    tile_quality: int = Field(default=90, ge=1, le=100)
    """JPEG quality of tiles that had to be encoded again."""

    region_pixel_limit: int = Field(
        default=16_000_000, ge=1, json_schema_extra=limit("slides", "pixels", "400 `bad_region`")
    )
    """Most pixels that one region picture may have."""

    questions_in_progress: int = Field(
        default=100, ge=1, json_schema_extra=limit("model", "questions", TOO_BUSY)
    )
    """Most questions in progress of all accounts together."""

    questions_per_account: int = Field(
        default=16, ge=1, json_schema_extra=limit("per account", "questions", TOO_BUSY)
    )
    """Most questions that one account may have in progress."""

    deletion_checks_per_account: int = Field(
        default=4, ge=1, json_schema_extra=limit("per account", "deletion checks", TOO_BUSY)
    )
    """Most deletion checks that one account may have in progress."""

    evidence_maps_per_account: int = Field(
        default=4, ge=1, json_schema_extra=limit("per account", "evidence maps", TOO_BUSY)
    )
    """Most evidence maps that one account may have in progress."""

    documents_per_account: int = Field(
        default=16, ge=1, json_schema_extra=limit("per account", "documents", TOO_BUSY)
    )
    """Most reports and slide maps that one account may have in progress."""

    previews_per_account: int = Field(
        default=8, ge=1, json_schema_extra=limit("per account", "previews", TOO_BUSY)
    )
    """Most previews (what the model will see) that one account may have in progress."""

    pictures_per_account: int = Field(
        default=128, ge=1, json_schema_extra=limit("per account", "pictures", TOO_BUSY)
    )
    """Most regions and thumbnails that one account may have in progress."""

    streams_per_account: int = Field(
        default=32, ge=1, json_schema_extra=limit("per account", "streams", TOO_BUSY)
    )
    """Most answers that one account may follow at once, as streams of events."""

    tiles_per_account: int = Field(
        default=256, ge=1, json_schema_extra=limit("per account", "tiles", TOO_BUSY)
    )
    """Most tiles that one account may wait for; those in memory do not count."""

    exports_in_progress: int = Field(
        default=2, ge=1, json_schema_extra=limit("database", "exports", TOO_BUSY)
    )
    """Most exports in progress of all accounts together."""

    exports_per_account: int = Field(
        default=1, ge=1, json_schema_extra=limit("per account", "exports", TOO_BUSY)
    )
    """Most exports that one account may have in progress."""

    database_read_connections: int = Field(
        default=20, ge=1, json_schema_extra=limit("database", "connections", BUSY_DATABASE)
    )
    """Most connections to the database of requests that only read."""

    database_write_connections: int = Field(
        default=10, ge=2, json_schema_extra=limit("database", "connections", BUSY_DATABASE)
    )
    """Most connections to the database of requests that may write."""

    regions_per_account: int = Field(
        default=20_000,
        ge=1,
        json_schema_extra=limit("per account", "regions", "409 `too_many_regions`"),
    )
    """Most regions that one account may keep, on all slides together."""

    attention_mib: int = Field(
        default=10_240,
        ge=0,
        json_schema_extra=limit("model", "MiB", "the oldest attention is removed"),
    )
    """Disk for the attention of past answers, in MiB; beyond it the oldest goes, not answers."""

    keep_questions_days: int = Field(
        default=0,
        ge=0,
        json_schema_extra=limit("retention", "days", "removed, unless judged or in a worklist"),
    )
    """Days after which a question is removed with its answers, pictures and attention; 0 keeps
    questions for ever."""

    keep_uploads_days: int = Field(
        default=0,
        ge=0,
        json_schema_extra=limit("retention", "days", "removed, unless judged or in a worklist"),
    )
    """Days after which an uploaded slide is removed; 0 keeps uploads for ever."""

    open_slide_seconds: int = Field(
        default=60,
        ge=1,
        json_schema_extra=limit(
            "slides", "seconds", "the slide is closed, and opened again when it is asked for"
        ),
    )
    """A slide nobody looks at is closed after this many seconds."""

    readers: int = Field(
        default=4,
        ge=1,
        le=64,
        json_schema_extra=limit("readers", "processes", "calls wait, accounts take turns"),
    )
    """Processes that read slides; no account has all of them at work."""

    reader_memory_mib: int = Field(
        default=2048, ge=256, json_schema_extra=limit("readers", "MiB", READER_ENDED)
    )
    """Memory that one reader may allocate, in MiB; a slide that needs more is not shown."""

    reader_seconds: float = Field(
        default=20, ge=1, json_schema_extra=limit("readers", "seconds", READER_ENDED)
    )
    """A reader is ended when opening a slide, or making a tile or a picture, takes longer."""

    request_limit_kib: int = Field(
        default=1024, ge=64, json_schema_extra=limit("requests", "KiB", "413 `too_large`")
    )
    """Largest body of a request, in KiB; uploads and imports of regions have limits of their
    own."""

    connection_limit: int = Field(
        default=2000,
        ge=16,
        json_schema_extra=limit(
            "connections",
            "connections",
            "the one idle longest is closed; else 503 `too_many_connections`",
        ),
    )
    """Open connections; beyond it the one that has been idle longest is closed, and a new one is
    refused where none is idle."""

    connections_per_address: int = Field(
        default=1000,
        ge=16,
        json_schema_extra=limit("connections", "connections", "503 `too_many_connections`"),
    )
    """Open connections of one address; an IPv6 /64 counts as one, and a trusted proxy as none."""

    header_seconds: int = Field(
        default=15,
        ge=1,
        json_schema_extra=limit("connections", "seconds", "the connection is closed"),
    )
    """Seconds in which a connection has to send the headers of a request."""

    body_seconds: int = Field(
        default=30,
        ge=1,
        json_schema_extra=limit("connections", "seconds", "the connection is closed"),
    )
    """Seconds in which a body has to end or to bring another 16 KiB; a client that reads nothing
    of an answer is given up after as many."""

    keep_alive_seconds: int = Field(
        default=5,
        ge=1,
        json_schema_extra=limit("connections", "seconds", "the connection is closed"),
    )
    """Seconds that a connection is kept open after an answer."""

    calls_per_account: int = Field(
        default=16, ge=1, json_schema_extra=limit("per account", "calls", "503 `too_many_calls`")
    )
    """Calls of named endpoints that one account may have in progress."""

    visits_per_address: int = Field(
        default=100,
        ge=1,
        json_schema_extra=limit("connections", "visits", "503 `too_many_visitors`"),
    )
    """Visits of a public demo at once from one address; an IPv6 /64 counts as one."""

    session_hours: int = Field(
        default=12, ge=1, json_schema_extra=limit("logins", "hours", "401 `login_required`")
    )
    """A login ends after this many hours."""

    secure_cookies: Literal["auto", "always", "never"] = "auto"
    """Whether cookies are sent over TLS only; `auto` does so when the request came over TLS."""

    cookie_samesite: Literal["lax", "strict", "none"] = "lax"
    """SameSite of the session cookie; `none` lets a framed page log in, over TLS only."""

    frame_ancestors: str = ""
    """Sites that may show the pages in a frame, separated by spaces; empty allows the own site,
    and Hugging Face too with `public_demo`."""

    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = ()
    """Addresses or networks of reverse proxies whose forwarding and user headers are believed,
    separated by commas."""

    proxy_user_header: str = ""
    """Header in which a trusted proxy names the user it has logged in; empty turns this off."""

    proxy_default_role: RoleName = "viewer"
    """Role of an account made on the first visit of a user whom the proxy names."""

    oidc_issuer: str = ""
    """OpenID Connect issuer, such as `https://login.hospital.example/realm`; empty turns it off."""

    oidc_client_id: str = ""
    """Client id that the OpenID provider gave this installation."""

    oidc_client_secret: SecretStr = SecretStr("")
    """Client secret that the OpenID provider gave this installation."""

    oidc_default_role: RoleName = "viewer"
    """Role of an account made on the first login through the OpenID provider."""

    label_licence: str = Field(default="", max_length=200)
    """Licence of the labels, such as `cc-by-4.0`: raters agree to it at their first login,
    and exports name it; empty asks nobody."""

    washout_days: int = Field(default=14, ge=0)
    """Days after which an item of a worklist may come to the same rater again."""

    login_attempts: int = Field(
        default=5, ge=1, json_schema_extra=limit("logins", "failures", "429 with Retry-After")
    )
    """Failed logins of one name or one address before it has to wait."""

    login_window_seconds: int = Field(
        default=300, ge=1, json_schema_extra=limit("logins", "seconds", "failures are forgotten")
    )
    """Seconds in which those failures are counted, and the longest wait."""

    demo_labels: str = Field(default="", pattern=r"^([\w.-]+/[\w.-]+)?$")
    """Data set on the Hugging Face hub, such as `group/labels`, to which a public demo pushes what
    its visitors judge, with the token in `HF_TOKEN`; empty keeps nothing."""

    space_id: str = Field(default="", validation_alias="SPACE_ID")
    """Name of a Hugging Face Space, which sets it itself. Where nothing else is said the program
    then listens on every address as a public demo."""

    space_host: str = Field(default="", validation_alias="SPACE_HOST")
    """Host name of a Hugging Face Space, which sets it itself; one of the allowed ones."""

    @model_validator(mode="before")
    @classmethod
    def _defaults_of_a_space(cls, values: dict[str, Any]) -> dict[str, Any]:
        if values.get("SPACE_HOST") or values.get("SPACE_ID"):
            return {"host": "0.0.0.0", "public_demo": True} | values  # noqa: S104
        return values

    @field_validator("slides", mode="before")
    @classmethod
    def _split_folders(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return tuple(Path(part).expanduser() for part in value.split(os.pathsep) if part)

    @field_validator("allowed_hosts", "trusted_proxies", mode="before")
    @classmethod
    def _split_names(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return tuple(part.strip() for part in value.split(",") if part.strip())

    @field_validator("root_path")
    @classmethod
    def _trim_root_path(cls, value: str) -> str:
        trimmed = value.strip().strip("/")
        return f"/{trimmed}" if trimmed else ""

    @property
    def assets(self) -> Path:
        """Folder of the third-party JavaScript that the pages load."""
        return self.data / "assets"

    @property
    def uploads(self) -> Path:
        """Folder of uploaded slides."""
        return self.data / "uploads"

    @property
    def demo(self) -> Path:
        """Folder of the demo slide, shown when there is no other slide."""
        return self.data / "demo"

    @property
    def blobs(self) -> Path:
        """Folder of model input pictures and attention, named by SHA-256."""
        return self.content / "blobs"

    @property
    def content(self) -> Path:
        """Folder of user content; a public demo deletes its own when the program ends."""
        return self.data / "visits" if self.public_demo else self.data

    @property
    def reader_faults(self) -> Path:
        """File that records the slides that ended a reader."""
        return self.content / "slides-that-ended-readers.json"

    @property
    def exports(self) -> Path:
        """Folder of archives made on the exports page; emptied at each start."""
        return self.data / "exports"

    @property
    def database(self) -> str:
        """SQLAlchemy URL of the database, default filled in; a public demo always uses its own
        database."""
        default_url = f"sqlite:///{self.content / 'pathviewer.sqlite3'}"
        return default_url if self.public_demo else self.database_url or default_url


def read_settings(**given: Any) -> Settings:
    """Return the settings from the environment, overridden by `given`.

    An invalid value is named on stderr and ends the program with status 1.
    """
    try:
        return Settings(**given)
    except ValidationError as error:
        problems = [
            f"PATHVIEWER_{str(problem['loc'][0]).upper()}={problem['input']!r}: {problem['msg']}."
            for problem in error.errors()
        ]
        sys.stderr.write("\n".join(problems) + "\n")
        sys.exit(1)
