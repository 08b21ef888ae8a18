"""The wheel holds the program whole and nothing else, and runs where there is no checkout."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement

from pathviewer import __version__
from pathviewer.server.packaging import list_program_files

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = {"models", "pathviewer", "storage"}
BUILD_FILES = (
    *("pyproject.toml", "README.md", "LICENSE"),
    *(path.name for path in ROOT.glob("requirements*.txt")),
)
EXTRAS = {
    "formats": "requirements-formats.txt",
    "train": "requirements-train.txt",
    "gpu": "requirements-gpu.txt",
}


def pip(*words: str | Path) -> None:
    subprocess.run([sys.executable, "-m", "pip", *words], check=True, capture_output=True)


def package_files() -> set[str]:
    """Files of the three packages that the program reads, below the root; no declared types."""
    files = {path.as_posix() for path in list_program_files(ROOT) if path.parts[0] in PACKAGES}
    return {name for name in files if not name.endswith(".d.ts")}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built in a copy of the source beside which no other file lies."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in [*package_files(), *BUILD_FILES]:
        target = source / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, target)
    (source / "models" / "checkpoints" / "other").mkdir()
    (source / "models" / "checkpoints" / "other" / "model.safetensors").write_bytes(b"not shipped")
    pip("wheel", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", out, source)
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command of an environment that has the wheel, and sees this one's other packages."""
    home = tmp_path_factory.mktemp("environment")
    venv.create(home)
    (packages,) = home.glob("lib/python*/site-packages")
    (packages / "others.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    pip("--python", home, "install", "--no-deps", "--no-index", wheel)
    return home / "bin" / "pathviewer"


def run(command: Path, *words: str, folder: Path, state: Path) -> subprocess.CompletedProcess[str]:
    """The command, run in a folder and on a state folder, with no other setting."""
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    environment |= {"PATHVIEWER_DATA": str(state), "PATHVIEWER_PORT": "0", "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [command, *words], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def test_the_wheel_has_every_file_of_the_packages_and_no_other(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {name for name in names if ".dist-info/" not in name} == package_files()


def test_the_wheel_names_its_version_and_every_requirement(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
    metadata = Parser().parsestr(archive.read(name).decode())
    assert metadata["Version"] == __version__
    expected = set()
    for extra, path in {"": "requirements.txt", **EXTRAS}.items():
        lines = (ROOT / path).read_text(encoding="utf-8").splitlines()
        for requirement in [Requirement(line) for line in lines if line and line[0] != "#"]:
            if extra:
                requirement.marker = Marker(f'extra == "{extra}"')
            expected.add(requirement)
    assert {Requirement(text) for text in metadata.get_all("Requires-Dist", [])} == expected


@pytest.mark.long
def test_the_installed_command_runs_from_another_folder(
    installed: Path, tmp_path: Path, state: Path
) -> None:
    usage = run(installed, "--help", folder=tmp_path, state=state)
    assert "Usage: pathviewer [OPTIONS] COMMAND" in usage.stdout, usage.stderr
    for page in ("limits", "blinding"):
        printed = run(installed, page, folder=tmp_path, state=state)
        assert printed.stdout == (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")


@pytest.mark.long
def test_the_installed_program_finds_its_model_schema_and_readers(
    installed: Path, tmp_path: Path, state: Path
) -> None:
    doctor = run(installed, "doctor", "--json", folder=tmp_path, state=state)
    assert doctor.returncode == 0, doctor.stdout + doctor.stderr
    checks = {check["subject"]: check for check in json.loads(doctor.stdout)["checks"]}
    for subject in ("slide readers", "front-end assets", "database", "model"):
        assert checks[subject]["verdict"] == "ok", checks[subject]
