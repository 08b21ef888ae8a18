"""What the models package says to people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

# attention
ATTENTION_MISSING = "The model reported no attention; ask again with attention on."
ATTENTION_NOT_SHARES = "The model's attention holds values that are not shares; use float32."


def attention_gap(token: int) -> str:
    return f"Attention of token {token} is missing or came twice; ask again."


def attention_of_other_pictures(shape: tuple[int, ...], cells: int) -> str:
    return (
        f"The attention is {shape}, not (tokens, layers, {cells}) as its pictures "
        "require; it belongs to other pictures."
    )


def no_attention_of_tokens(first: int, last: int, covered_first: int, covered_last: int) -> str:
    return (
        f"There is no attention of tokens {first} to {last}; "
        f"it covers {covered_first} to {covered_last}."
    )


def no_layers(last: int, layers: range) -> str:
    return f"There are layers 0 to {last}, not {layers}."


def maps_incomparable(shape: tuple[int, ...], neutral_shape: tuple[int, ...]) -> str:
    return (
        f"A map of {shape} cells cannot be compared with one of "
        f"{neutral_shape}; ask both with the same pixel budget."
    )


# checkpoint_files
def unknown_architecture(model: str, names: Sequence[str]) -> str:
    return (
        f"“{model}” is of the architecture {' '.join(names) or '(none named)'}; "
        "only Qwen2.5-VL and Qwen2-VL checkpoints can be run."
    )


def weights_index_empty(model: str) -> str:
    return f"“{model}” has a weights index that lists no files; copy the checkpoint again."


def not_checkpoint(model: str, file_name: str) -> str:
    return f"“{model}” is not a checkpoint: its folder has no {file_name}."


def checkpoint_file_unreadable(model: str, file_name: str) -> str:
    return f"“{model}” has a {file_name} that cannot be read; copy the checkpoint again."


def checkpoint_file_not_object(model: str, file_name: str) -> str:
    return f"“{model}” has a {file_name} that is not a JSON object."


def weights_pickled(model: str) -> str:
    return (
        f"“{model}” has its weights as pickles, which can run code; "
        "convert the checkpoint to safetensors first."
    )


def weights_missing(model: str, files: Iterable[str]) -> str:
    return f"“{model}” lacks its weights ({', '.join(files)}); copy the checkpoint again."


# control_figures
def control_figures_damaged(file: str) -> str:
    return (
        f"“{file}” beside the weights is damaged; write it again: `python -m pathviewer bench "
        f"maps --json > {file}`."
    )


# control_tokens
def control_token_refused(subject: str, token: str, spread_token: str) -> str:
    return (
        f"{subject} holds “{token}”, which language models read as a command; leave it out, "
        f"or write it with spaces as “{spread_token}”."
    )


# deletion_check
ANSWER_SENTENCES = {
    "attended area mattered": "The answer depends on the area the model looked at.",
    "image mattered": "The answer depends on the region, but not more on the area the "
    "model looked at than on others.",
    "neither": "The answer hardly depends on the region: the question alone gives it.",
}
"""Sentence of each verdict on an answer."""
ANSWER_TO_CHECK_MISSING = "There is no answer to check; the completion has none."
ANSWER_UNLIKELY = (
    "Without its reasoning the model would hardly give this answer, so the check of it "
    "says little; check a step."
)


def check_method(fill: str, version: int, controls: str) -> str:
    return f"Masked by {fill} (check version {version}). {controls}"


def controls_measured(positive: str, negative: str, *, passed: bool) -> str:
    """`positive` and `negative` are shares with their intervals."""
    failure = "" if passed else " The check failed its controls, so its verdicts say little."
    return (
        f"Control: the true evidence matters in {positive}, a random place in {negative} of "
        f"comparisons.{failure}"
    )


def controls_not_measured(model: str) -> str:
    return (
        "Its controls are not measured for this model; run `python -m pathviewer bench maps "
        f"--model {model}`."
    )


# hub
def not_on_hub(hub_id: str) -> str:
    return f"The hub has no model “{hub_id}”, or it is private and you are not logged in."


def hub_unreachable(hub_id: str) -> str:
    return (
        f"The Hugging Face hub cannot be reached, so “{hub_id}” was not fetched; copy its "
        "folder to this machine and give that folder as the model instead."
    )


def fetch_incomplete(hub_id: str, reason: str, *, disk_full: bool) -> str:
    way_out = "make room and run" if disk_full else "run"
    return f"“{hub_id}” was not fetched completely ({reason}); {way_out} the command again."


# judges
def key_not_ascii(variable: str) -> str:
    return f"The key in {variable} is not ASCII; set it again."


def judge_refuses(host: str | None, reason: str) -> str:
    return f"The judge at {host} refuses: {reason}."


def judge_silent(host: str | None, traces: int, reason: str) -> str:
    return (
        f"The judge at {host} did not reply to {traces} traces in a "
        f"row ({reason}); restart it and resume."
    )


def judge_abstains(host: str | None, abstained: int, traces: int, most: float, reason: str) -> str:
    return (
        f"The judge at {host} did not judge {abstained} of {traces} traces, more than "
        f"{100 * most:.0f} % (most often: {reason}). Use another judge, or raise most_abstained."
    )


def reply_folder_not_created(reason: str | None) -> str:
    return f"The folder for the judge's replies cannot be created: {reason}."


def reply_not_stored(reason: str | None) -> str:
    return f"The judge's reply cannot be stored: {reason}."


# messages
SAMPLING_RANGES = {
    "max_new_tokens": "it is 1 to 32,768",
    "temperature": "it is 0, or 0.01 to 2",
    "top_p": "it is above 0 and at most 1",
    "top_k": "it is 0 (all) or more",
    "repetition_penalty": "it is above 0 and at most 2",
    "seed": "it is 0 to 2**63 - 1",
}
"""Clause on the range of each sampling parameter."""


def pixel_budget_empty(least: int, most: int) -> str:
    return (
        f"A pixel budget of {least} to {most} is empty; "
        "the minimum must be above 0 and at most the maximum."
    )


def out_of_range(name: str, value: object, range_clause: str) -> str:
    return f"{name}={value!r} is out of range; {range_clause}."


# model_entry: clauses on a model's table
WAYS_OUT = {
    "bool_type": "write true or false",
    "int_type": "write a whole number",
    "string_type": "write text in quotation marks",
    "list_type": "write a list of texts in square brackets",
    "greater_than": "write a number above 0",
    "string_too_short": "write a text that is not empty",
    "string_too_long": "write a shorter text",
}
"""Remedies by pydantic's type of error."""


def unknown_table_field(key: str, allowed: Iterable[str]) -> str:
    return f"it has no field {key}; remove it, or write one of {', '.join(sorted(allowed))}"


def table_field_missing(key: str) -> str:
    return f"{key} is missing; write it"


def table_field_wrong(key: str, excerpt: str, way_out: str) -> str:
    return f"{key} is {excerpt}; {way_out}"


# openai_messages
PICTURE_NOT_BASE64 = "A picture is not base64."
PICTURE_NOT_EMBEDDED = (
    "A picture must be in the request itself, as data:image/png;base64,... or "
    "data:image/jpeg;base64,...; none is fetched."
)
SEVERAL_QUESTIONS = "Send one question at a time: system messages, then one user message."


def request_unreadable(field: str, reason: str) -> str:
    """`field` is empty if the whole request is wrong."""
    return f"The request cannot be read: {field + ': ' if field else ''}{reason}."


def too_many_pictures(count: int, most: int) -> str:
    return f"{count} pictures are too many; send at most {most}."


# openai_server
KEY_WRONG = "The key is missing or wrong; send it as Authorization: Bearer KEY."
NOT_JSON = "Send the request as application/json."
REQUEST_CANCELLED = "The request was cancelled."
TOO_MANY_WAITING = "Too many requests are waiting; ask again in a moment."


def no_served_model(name: str, served_name: str) -> str:
    return f"There is no model {name!r} here; it is called {served_name!r}."


def request_too_large(most_mib: int) -> str:
    return f"The request is too large; at most {most_mib} MiB are read."


# pictures
def picture_far_too_large(most_pixels: int) -> str:
    return (
        f"The picture is far too large: at most {most_pixels / 1e6:.0f} million pixels are "
        "read. Send it reduced."
    )


def picture_too_large(width: int, height: int, most_pixels: int) -> str:
    return (
        f"A picture of {width:,} x {height:,} px is too large: at most "
        f"{most_pixels / 1e6:.0f} million pixels are read. Send it reduced."
    )


def no_file(name: str) -> str:
    return f"There is no file {name}."


def picture_unreadable(subject: str) -> str:
    return f"{subject} cannot be read: it is damaged or neither PNG nor JPEG. Send it again."


# placement
def picture_empty(width: int, height: int) -> str:
    return f"A picture of {width} x {height} px shows nothing; choose a larger one."


def picture_too_narrow(width: int, height: int, most_aspect: int) -> str:
    return (
        f"A picture of {width} x {height} px is too narrow for the model; "
        f"its longer side may be at most {most_aspect} times the shorter."
    )


def region_empty(width: float, height: float) -> str:
    return f"A region of {width:g} x {height:g} px shows nothing; choose a larger one."


# processing
def processor_damaged(model: str) -> str:
    return (
        f"The tokenizer, config.json or picture settings of “{model}” are missing or damaged; "
        "copy the checkpoint again."
    )


def no_chat_template(model: str) -> str:
    return f"“{model}” has no chat template; copy its chat_template.jinja too."


# prompts
OPTIONS_EQUAL = "Two options are the same; change one or take it away."
QUESTION_EMPTY = "The question is empty; write what you want to know about the region."
SINGLE_OPTION = "A single option is no choice; give at least two, or none for a free answer."


def finding_missing(label: str) -> str:
    return f"“{label}” needs a finding; enter what to look for."


def unknown_prompt_style(name: str, styles: Iterable[str]) -> str:
    return f"The prompt style “{name}” is not known; known are {', '.join(styles)}."


def text_too_long(subject: str, length: int, most: int) -> str:
    return f"The {subject} has {length:,} characters, and at most {most:,} are read; shorten it."


def too_many_options(count: int, most: int) -> str:
    return f"{count} options are too many; at most {most} can be offered."


def option_empty(letter: str) -> str:
    return f"Option {letter} is empty; fill it in or take it away."


def unknown_finding(name: str, findings: Iterable[str]) -> str:
    return f"The finding “{name}” is not described; known are {', '.join(findings)}."


# reasoning/trace
ANSWER_BEFORE_REASONING = "The answer stands before the reasoning."
ANSWER_EMPTY = "The answer is empty."
ANSWER_TAG_MISSING = "There is no <answer> tag."
ANSWER_TAG_OPEN = "The answer is cut off: </answer> is missing."
ANSWER_TAG_REPEATED = "There is more than one <answer>; the first one counts."
TAG_NESTED = "A tag opens inside another."
TAG_NOT_OPEN = "A tag is closed that was not open."
TEXT_OUTSIDE_TAGS = "There is text outside the tags."
THINK_EMPTY = "The reasoning is empty."
THINK_TAG_MISSING = "There is no <think> tag."
THINK_TAG_OPEN = "The reasoning is cut off: </think> is missing."
THINK_TAG_REPEATED = "There is more than one <think>."

# registry
HUB_ID_NOT_ALLOWED = "it has no field hub_id; remove it"


def own_file_unusable(model: str, file_name: str, reason: str | None) -> str:
    return f"“{model}” has a {file_name} that cannot be used: {reason}."


def model_not_installed(model: str) -> str:
    return f"The weights of “{model}” are not installed; choose another model."


def model_not_fetched(hub_id: str) -> str:
    return (
        f"“{hub_id}” is not on this machine; `python -m pathviewer model fetch {hub_id}` "
        "fetches it."
    )


def model_gated(hub_id: str, licence: str) -> str:
    return (
        f"“{hub_id}” is gated ({licence}): agree to its terms on "
        f"huggingface.co/{hub_id}, log in with `hf auth login`, then run "
        f"`python -m pathviewer model fetch {hub_id}`."
    )


def unknown_model(name: str, known_names: Iterable[str]) -> str:
    subject = f"“{name[:80]}” is" if name.strip() else "An empty name is"
    return (
        f"{subject} not a known model, and no folder of that name is here. "
        f"Known are {', '.join(known_names)}."
    )


# time_limit
TOKENIZER_FAILED = (
    "The tokenizer of this checkpoint cannot split this question into tokens; choose another "
    "model, or copy the checkpoint again."
)


def tokenizer_too_slow(seconds: float) -> str:
    return (
        f"The chat template or tokenizer of this checkpoint takes more than {seconds:.0f} seconds "
        "for this question; choose another model, or copy the checkpoint again."
    )
