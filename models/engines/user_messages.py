"""What the engines package says to people."""

from __future__ import annotations

from collections.abc import Iterable


# engines
def request_running(request_id: str) -> str:
    return f"The request “{request_id}” is already running."


# local/checkpoint
def checkpoint_quantised(model: str) -> str:
    return f"“{model}” is quantised, which is not supported; use its bfloat16 weights."


def sliding_window(model: str) -> str:
    return f"“{model}” has sliding-window attention, whose maps would be wrong; use another."


def weights_damaged(file_name: str, model: str) -> str:
    return f"{file_name} of “{model}” is cut off or damaged; copy the checkpoint again."


def other_image_token(token: str, token_id: int | None, expected_id: int) -> str:
    """A clause for `other_tokenizer`."""
    return f"its {token} is {token_id} where the network has {expected_id}"


def other_vocabulary(tokens: int, network_tokens: int) -> str:
    """A clause for `other_tokenizer`."""
    return f"it has {tokens:,} tokens where the network has {network_tokens:,}"


def other_tokenizer(model: str, difference: str) -> str:
    return (
        f"The tokenizer beside “{model}” belongs to another model: {difference}. "
        "Copy the tokenizer that came with the weights."
    )


def tokenizer_not_byte_level(model: str) -> str:
    return f"The tokenizer beside “{model}” is not byte-level BPE, as Qwen's is; copy its own."


def other_cell_size(model: str, factor: int, cell: int) -> str:
    """`factor` is the cell's side of the picture settings, `cell` that of the network, pixels."""
    return (
        f"The picture settings beside “{model}” make cells of {factor} px where the "
        f"network has {cell} px; copy the preprocessor_config.json that came with it."
    )


# local/checkpoint_loading
def weights_unfit(model: str) -> str:
    return f"The weights of “{model}” do not fit its config.json; copy the checkpoint again."


def weights_incomplete(model: str, count: int, example: str) -> str:
    return f"“{model}” lacks {count} of its weights, such as {example}; copy the checkpoint again."


def no_device(name: str) -> str:
    return f"The device {name!r} is not available; use cpu, or leave the device unset."


def unknown_dtype(name: str, dtypes: Iterable[str]) -> str:
    return f"The number format {name!r} is unknown; use {', '.join(dtypes)}."


# local/engine
def model_closed(model: str) -> str:
    return f"{model} was closed."


def closed_model_called(model: str) -> str:
    return f"{model} was closed; open it again."


def model_loaded(model: str, device: str, dtype: str, attention: str) -> str:
    return f"{model} is loaded on {device} ({dtype}, {attention})."


# local/generation
COUNT_RANGE = "1 to 64 answers are written at once"


def question_too_long(tokens: int, model: str, context: int) -> str:
    return (
        f"The question takes {tokens:,} tokens with its pictures, and {model} reads "
        f"at most {context:,}; shorten the text or lower the pixel budget."
    )


# local/memory
def memory_short(activity: str) -> str:
    return (
        f"{activity} needed more memory than available; ask about a smaller region, with a "
        "smaller pixel budget, or for fewer answers."
    )


# local/replay
def unknown_token(token: int, size: int, model: str) -> str:
    return (
        f"Token {token} is not among the {size:,} of {model}; to score "
        "another model's completion, pass only its text."
    )


# scripted
ANSWER_WITHOUT_TEXT = "An answer of the script has no text."
OTHERWISE_NOT_ALLOWED = "`otherwise` cannot be given; end with an [[answer]] without `asked`"
PASSAGE_TYPE_WRONG = "words is not text, or picture is not an integer"
SCRIPT_CLOSED = "The script was closed."
SCRIPT_READY = "Answers come from a script; no model looks at the picture."
TEXTS_NOT_STRINGS = "texts is not a list of strings"


def question_too_long_for_script(tokens: int, context: int) -> str:
    return (
        f"The question takes {tokens} tokens with its pictures, more than the "
        f"{context} that can be read; shorten it."
    )


def look_out_of_range(words: str) -> str:
    return f"A look at {words!r} has an area, share or picture out of range."


def asked_not_expression(text: str, reason: str) -> str:
    return f"asked = {text!r} is not a regular expression: {reason}."


def pace_out_of_range(pace: object, slowest: float) -> str:
    return f"seconds_per_token = {pace!r} is not a number from 0 to {slowest:g}."


def script_unreadable(file_name: str, reason: str | None) -> str:
    return f"The script “{file_name}” cannot be read ({reason})."


def script_home_unknown(path: str, reason: str) -> str:
    return f"The script “{path}” cannot be read: {reason}"


def script_invalid(file_name: str, reason: str) -> str:
    return f"The script “{file_name}” is not a valid script: {reason}."


# worker/engine
CANCELLED_BEFORE_START = "The request was cancelled before it started."
CALL_TOO_LARGE = "The request is too large for the program's memory; ask for less at once."


def model_loading(model: str) -> str:
    return f"{model} is loading."


def model_shut_down(model: str) -> str:
    return f"{model} was shut down."


def model_failed(model: str) -> str:
    return f"{model} failed; the program's log gives the reason."


def loading_given_up(sentence: str, attempts: int) -> str:
    """`sentence` says how the last process ended."""
    return f"{sentence} It ended {attempts} times while loading; giving up."


def model_ready(model: str, where: str) -> str:
    return f"{model} is ready{where}."


def ready_where(device: str, dtype: str) -> str:
    """A clause for `model_ready`."""
    return f" on {device} ({dtype})"


def process_not_started(reason: str | None) -> str:
    """A clause for `process_restarts`."""
    return f"could not be started ({reason})"


def process_ended(how: str) -> str:
    """A clause for `process_restarts`."""
    return f"ended {how}"


def process_restarts(model: str, how: str) -> str:
    return f"The process of {model} {how}; it is being restarted."


def ask_again(sentence: str) -> str:
    """`sentence` says how the process ended."""
    return f"{sentence} Ask again; other questions keep their place."


# worker/pipes: clauses for `process_ended`
def exit_stuck(seconds: float) -> str:
    return (
        f"because the checkpoint's chat template or tokenizer took more than {seconds:.0f} "
        "seconds for this question"
    )


def exit_code(code: int) -> str:
    return f"with code {code}"


def exit_signal_name(name: str) -> str:
    return f"by {name}"


def exit_signal_number(number: int) -> str:
    return f"by signal {number}"


# worker/process
MODEL_OUT_OF_MEMORY = (
    "The model ran out of memory on this request. "
    "Ask for fewer answers at once, a shorter one, or a smaller picture."
)


def request_failed(kind: str) -> str:
    """`kind` is the class of the error."""
    return (
        f"The model failed on this request ({kind}); the program's log says where. "
        "It can be asked again."
    )


def library_missing(model: str, library: str) -> str:
    return (
        f"{model} needs {library}, which cannot be imported; "
        "pip install -r requirements.txt brings it."
    )


def model_too_large(model: str) -> str:
    return f"{model} does not fit into the device's memory."


def loading_failed(model: str, kind: str) -> str:
    """`kind` is the class of the error."""
    return f"{model} could not be loaded ({kind}); the program's log says where."


# occlusion
COMPLETION_EMPTY = "The answer has no words whose evidence could be looked for."
PLACE_EMPTY = "A place to occlude has no cell: name at least one."
WEIGHTS_ELSEWHERE = (
    "This model runs elsewhere, so its evidence cannot be mapped; choose a model whose weights are "
    "here."
)


def no_such_picture(index: int) -> str:
    return f"The question has no picture {index}: pictures are counted from 0."


def no_such_tokens(start: int, stop: int, count: int) -> str:
    return f"The completion has {count} tokens; there are none from {start} up to {stop}."


def places_of_other_grid(shape: tuple[int, ...], rows: int, columns: int) -> str:
    return f"Places of shape {shape} do not fit a picture of {rows} by {columns} cells."
