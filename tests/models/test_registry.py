"""Which name means which model, and what is said when its weights cannot be had."""

from __future__ import annotations

import json
import resource
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from models.errors import CheckpointError, ModelError, UnknownModelError
from models.hub import download
from models.messages import PixelBudget
from models.registry import DEFAULT_MODEL, _described, fetch_model, list_models, resolve_model
from tests.small_disk import small_disk

QWEN = "Qwen2_5_VLForConditionalGeneration"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
CONFIG = b'{"architectures": []}' + b" " * 50_000


class Hub(BaseHTTPRequestHandler):
    """A hub with one model, whose one file is a config."""

    def do_GET(self) -> None:
        """The model's listing, or its file."""
        tree = [{"type": "file", "path": "config.json", "size": len(CONFIG), "oid": "config"}]
        told = tree if "/tree/" in self.path else {"id": "a/b", "sha": COMMIT, "siblings": []}
        self._answer(json.dumps(told).encode() if "/api/" in self.path else CONFIG)

    def do_HEAD(self) -> None:
        """What the file is."""
        self._answer(CONFIG)

    def log_message(self, *_: object) -> None:
        """Nothing."""

    def _answer(self, content: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("ETag", '"config"')
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)


def write_checkpoint(folder: Path, architecture: str = QWEN) -> Path:
    """The small files of a checkpoint with empty weights: enough to be found, not to be run."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"architectures": [architecture]}))
    (folder / "model.safetensors").write_bytes(b"")
    return folder


def write_to_cache(cache: Path, hub_id: str) -> Path:
    """A checkpoint as the hub's cache lays it out."""
    home = cache / f"models--{hub_id.replace('/', '--')}"
    (home / "refs").mkdir(parents=True)
    (home / "refs" / "main").write_text(COMMIT)
    return write_checkpoint(home / "snapshots" / COMMIT)


def test_the_models_of_the_design_are_known() -> None:
    known = {model.name: model for model in list_models()}
    assert {
        "pathviewer-r1-tiny",
        "Qwen/Qwen2.5-VL-3B-Instruct",
        "Qwen/Qwen2.5-VL-7B-Instruct",
        "WenchuanZhang/Patho-R1-3B",
        "WenchuanZhang/Patho-R1-7B",
        "JZPeterPan/MedVLM-R1",
    } <= set(known)
    assert known[DEFAULT_MODEL].question_types
    assert known[DEFAULT_MODEL].hub_id is None


def test_patho_r1_is_gated_and_never_trained_on() -> None:
    for model in list_models():
        if "Patho-R1" in model.name:
            assert model.gated and not model.train_allowed
            assert model.licence == "CC-BY-NC-ND-4.0"
            assert model.system and "pathology expert" in model.system


def test_a_system_prompt_of_its_own_is_the_exception() -> None:
    assert {model.prompt_style for model in list_models() if model.system} == {"patho-r1"}


def test_the_scripted_model_needs_no_weights() -> None:
    assert resolve_model("scripted").location is None


def test_a_folder_is_taken_for_a_pathvlm_r1(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "our-sft-3")
    model = resolve_model(str(folder))
    assert (model.name, model.location) == ("our-sft-3", folder)
    assert model.prompt_style == "pathvlm-r1"
    assert model.budget == PixelBudget(3136, 65_536)
    assert resolve_model(f"{folder}/") == model


def test_the_result_of_a_run_goes_by_the_name_of_the_run(tmp_path: Path) -> None:
    assert (
        resolve_model(str(write_checkpoint(tmp_path / "our-sft-4/checkpoint"))).name == "our-sft-4"
    )


def test_a_folder_that_bears_a_known_name_has_its_style_and_licence(tmp_path: Path) -> None:
    model = resolve_model(str(write_checkpoint(tmp_path / "Patho-R1-7B")))
    assert model.name == "Patho-R1-7B"
    assert model.prompt_style == "patho-r1"
    assert not model.train_allowed


def test_a_folder_may_say_of_itself_what_it_is(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "ours")
    told = 'max_pixels = 401408\nsystem = "Be brief."\nquestion_types = ["diagnosis"]\n'
    (folder / "pathviewer.toml").write_text(told)
    model = resolve_model(str(folder))
    assert model.budget == PixelBudget(3136, 401_408)
    assert model.system == "Be brief."
    assert model.question_types == ("diagnosis",)
    assert model.location == folder


@pytest.mark.parametrize(
    "told",
    ["max_pixels = 1", "max_pixels = 'many'", "colour = 'red'", "location = '/'", "[", "\udcff"],
)
def test_a_folder_that_says_nonsense_of_itself_is_one_sentence(tmp_path: Path, told: str) -> None:
    folder = write_checkpoint(tmp_path / "ours")
    (folder / "pathviewer.toml").write_bytes(told.encode(errors="surrogateescape"))
    with pytest.raises(CheckpointError, match=r"“ours” has a pathviewer\.toml"):
        resolve_model(str(folder))


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ('train_allowed = "no"', "train_allowed is 'no'; write true or false"),
        ("train_allowed = 0", "train_allowed is 0; write true or false"),
        ('gated = "yes"', "gated is 'yes'; write true or false"),
        ('lower_case_options = "false"', "lower_case_options is 'false'; write true or false"),
        ("max_pixels = 401408.0", "max_pixels is 401408.0; write a whole number"),
        ("max_pixels = true", "max_pixels is True; write a whole number"),
        ("min_pixels = -1", "min_pixels is -1; write a number above 0"),
        ("licence = 3", "licence is 3; write text in quotation marks"),
        ('licence = ""', "licence is ''; write a text that is not empty"),
        ("system = ['x']", "system is ['x']; write text in quotation marks"),
        ('question_types = "diagnosis"', "question_types is 'diagnosis'; write a list of texts"),
        ("question_types = [1]", "question_types.0 is 1; write text in quotation marks"),
        ("colour = 'red'", "it has no field colour; remove it, or write one of gated, licence"),
        ('hub_id = "a/b"', "it has no field hub_id; remove it"),
        ("max_pixels = 1", "A pixel budget of 3136 to 1 is empty"),
        (f"prompt_style = {['x' * 99]}", f"prompt_style is ['{'x' * 58}...; write text in"),
    ],
)
def test_a_value_of_another_type_is_named_with_the_way_out(
    tmp_path: Path, told: str, says: str
) -> None:
    folder = write_checkpoint(tmp_path / "ours")
    (folder / "pathviewer.toml").write_text(told)
    with pytest.raises(CheckpointError) as raised:
        resolve_model(str(folder))
    assert "“ours” has a pathviewer.toml that cannot be used: " in str(raised.value)
    assert says in str(raised.value)
    assert "\n" not in str(raised.value)
    assert str(raised.value).endswith(".")
    assert not str(raised.value).endswith("..")


def test_a_checkpoint_may_forbid_that_others_are_trained_on_it(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "ours")
    (folder / "pathviewer.toml").write_text("train_allowed = false")
    assert not resolve_model(str(folder)).train_allowed


def test_a_file_that_cannot_be_opened_is_told_without_its_path(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "ours")
    (folder / "pathviewer.toml").write_text("max_pixels = 401408")
    model = resolve_model(str(folder))
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, limits[1]))
    try:
        with pytest.raises(CheckpointError, match=r"pathviewer\.toml .*: \w.*\.$") as raised:
            _described(folder, model)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert str(tmp_path) not in str(raised.value)


def test_a_hub_model_is_found_in_the_cache(tmp_path: Path) -> None:
    hub_id = "WenchuanZhang/Patho-R1-3B"
    folder = write_to_cache(tmp_path, hub_id)
    model = resolve_model(hub_id, cache_folder=tmp_path)
    assert (model.name, model.location, model.prompt_style) == (hub_id, folder, "patho-r1")
    assert resolve_model(str(folder)).name == hub_id


def test_an_unregistered_hub_model_is_found_in_the_cache(tmp_path: Path) -> None:
    folder = write_to_cache(tmp_path, "somebody/some-vlm")
    model = resolve_model("somebody/some-vlm", cache_folder=tmp_path)
    assert (model.location, model.hub_id) == (folder, "somebody/some-vlm")
    assert model.prompt_style == "pathvlm-r1"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("gpt", "“gpt” is not a known model"),
        ("", "An empty name is not a known model"),
        ("\0", "An empty name is not a known model"),
        ("/no/such/folder", "“folder” is not a known model"),
        ("../../etc/passwd", "“passwd” is not a known model"),
        ("https://huggingface.co/Qwen/Qwen2.5-VL-7B-Instruct", "is not a known model"),
        ("x" * 5000, "“" + "x" * 80 + "” is not a known model"),
        ("~nobody-of-that-name/x/y", "“y” is not a known model"),
    ],
)
def test_an_unknown_name_is_one_sentence_without_a_path(name: str, sentence: str) -> None:
    with pytest.raises(UnknownModelError) as raised:
        resolve_model(name)
    assert sentence in str(raised.value)
    assert "/no/such" not in str(raised.value)
    assert DEFAULT_MODEL in str(raised.value)


def test_weights_that_are_not_here_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="is not on this machine; `python -m pathviewer mo"):
        resolve_model("Qwen/Qwen2.5-VL-7B-Instruct", cache_folder=tmp_path)
    with pytest.raises(CheckpointError, match=r"is gated .* agree to its terms"):
        resolve_model("WenchuanZhang/Patho-R1-7B", cache_folder=tmp_path)


@pytest.mark.parametrize(
    ("file", "content", "sentence"),
    [
        ("config.json", None, "not a checkpoint: its folder has no config.json"),
        ("config.json", "{", "has a config.json that cannot be read"),
        ("config.json", "[]", "has a config.json that is not a JSON object"),
        ("config.json", "{}", r"is of the architecture \(none named\)"),
        ("config.json", '{"architectures": ["LlamaForCausalLM"]}', "LlamaForCausalLM; only Qwen"),
        ("config.json", '{"architectures": [["a"]]}', "only Qwen2.5-VL"),
        ("model.safetensors", None, r"lacks its weights \(model.safetensors\)"),
        ("model.safetensors.index.json", '{"weight_map": {"a": "1.safetensors"}}', "1.safetensors"),
        (
            "model.safetensors.index.json",
            '{"weight_map": {}}',
            "a weights index that lists no files",
        ),
        ("model.safetensors.index.json", '{"weight_map": {"a": "../x"}}', "that lists no files"),
    ],
)
def test_a_folder_that_cannot_be_run_is_one_sentence(
    tmp_path: Path, file: str, content: str | None, sentence: str
) -> None:
    folder = write_checkpoint(tmp_path / "ours")
    (folder / file).unlink(missing_ok=True)
    if content is not None:
        (folder / file).write_text(content)
    with pytest.raises(CheckpointError, match=sentence):
        resolve_model(str(folder))


def test_pickled_weights_are_refused(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "ours")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(CheckpointError, match="as pickles, which can run code"):
        resolve_model(str(folder))


def test_fetching_without_a_network_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # the discard port of the own machine: nobody listens, so nothing leaves it
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(CheckpointError, match="hub cannot be reached, so “a/b” was not fetched"):
        fetch_model("a/b", cache_folder=tmp_path)
    with pytest.raises(CheckpointError, match="cannot be reached"):
        download("Qwen/Qwen2.5-VL-7B-Instruct", tmp_path, gated_sentence="")


@pytest.mark.filterwarnings("ignore:Not enough free disk space")  # the library's own guess
def test_a_disk_that_fills_while_fetching_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "disk"
    with ThreadingHTTPServer(("127.0.0.1", 0), Hub) as hub, small_disk(cache, 20) as make_room:
        threading.Thread(target=hub.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{hub.server_port}"
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", address)
        template = address + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", template)
        with pytest.raises(
            CheckpointError, match=r"not fetched completely .*; make room"
        ) as raised:
            download("a/b", cache, gated_sentence="")
        make_room()
        folder = download("a/b", cache, gated_sentence="")
        hub.shutdown()
        assert str(tmp_path) not in str(raised.value)
        assert (folder / "config.json").read_bytes() == CONFIG


def test_what_is_no_hub_id_is_not_fetched(tmp_path: Path) -> None:
    assert fetch_model("scripted").location is None
    for name in ("gpt", "", "a/b/c", str(tmp_path)):
        with pytest.raises(ModelError, match="not a known model"):
            fetch_model(name)
