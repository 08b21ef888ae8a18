"""What a model reads for what a person asked, and the questions that are offered."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import PromptError
from models.messages import Box, PromptImage
from models.prompts import QuestionText, build_prompt, fill_template, list_templates, read_findings
from models.registry import DEFAULT_MODEL, RegisteredModel, list_models
from models.training.specimen.grammar import CANNOT_ASSESS, CHOICES, NONE_OF_THESE, QUESTIONS

MODELS = {model.name: model for model in list_models()}
QWEN = MODELS["Qwen/Qwen2.5-VL-7B-Instruct"]
ASKED = (
    " First output the thinking process in <think> </think> tags and then output the final answer "
    "in <answer> </answer> tags."
)


def written(question: QuestionText, model: RegisteredModel = QWEN) -> str:
    """The text of the prompt."""
    return build_prompt(question, (), model).text


def test_the_prompt_of_pathvlm_r1() -> None:
    image = PromptImage(b"", Box(0, 0, 1, 1))
    prompt = build_prompt(QuestionText("What is it?", ("tumour", "normal")), [image], QWEN)
    assert prompt.text == "What is it?\nA. tumour\nB. normal" + ASKED
    assert prompt.images == (image,)
    assert prompt.system is None
    assert written(QuestionText("What is it?")) == "What is it?" + ASKED


def test_patho_r1_is_told_the_format_by_its_system_prompt() -> None:
    model = MODELS["WenchuanZhang/Patho-R1-3B"]
    prompt = build_prompt(QuestionText("What is it?", ("a tumour", "normal")), (), model)
    assert prompt.text == "What is it?\nA. a tumour\nB. normal"
    assert prompt.system and "<think>" in prompt.system


def test_medvlm_r1_is_asked_for_a_letter_only_where_there_are_letters() -> None:
    model = MODELS["JZPeterPan/MedVLM-R1"]
    closed = written(QuestionText("What is it?", ("tumour", "normal")), model)
    assert closed.startswith("What is it?\nA) tumour\nB) normal\nYour task:\n1. Think")
    assert "single-letter choice" in closed
    assert "single-letter" not in written(QuestionText("What is it?"), model)


@pytest.mark.parametrize(
    ("given_options", "lines"),
    [
        (("tumour", "normal"), "A. tumour\nB. normal"),
        # letters that a set wrote into its options are not doubled
        (("A) tumour", "B) normal"), "A. tumour\nB. normal"),
        (("(A) tumour", "(B) normal"), "A. tumour\nB. normal"),
        # but a letter that belongs to the answer stays
        (("A. fumigatus", "C. albicans"), "A. A. fumigatus\nB. C. albicans"),
        ((" two\nlines ", "one\ttab"), "A. two lines\nB. one tab"),
        (("{question}", "{text}"), "A. {question}\nB. {text}"),
    ],
)
def test_options_are_lettered_once(given_options: tuple[str, ...], lines: str) -> None:
    assert written(QuestionText("Q?", given_options)) == f"Q?\n{lines}{ASKED}"


def test_options_are_in_lower_case_for_a_model_that_has_read_no_others() -> None:
    asked = QuestionText("Which one?", ("Adenocarcinoma", "Squamous Cell Carcinoma"))
    assert "\nA. Adenocarcinoma\nB. Squamous Cell Carcinoma" in written(asked)
    tiny = written(asked, MODELS[DEFAULT_MODEL])
    assert tiny == f"Which one?\nA. adenocarcinoma\nB. squamous cell carcinoma{ASKED}"


def test_context_and_findings_come_before_the_question() -> None:
    asked = QuestionText("Is it invasive?", (), "Breast, H&E.", ("necrosis", "fat tissue"))
    lines = written(asked).split("\n")
    assert lines[0] == "Breast, H&E."
    assert lines[1] == "What to look for:"
    assert lines[2].startswith("- necrosis: pink, granular material")
    assert lines[3].startswith("- fat tissue: ")
    assert lines[4] == "Is it invasive?" + ASKED


@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        (QuestionText(""), "The question is empty"),
        (QuestionText(" \n\t\0"), "The question is empty"),
        (
            QuestionText("x" * 20_000),
            "The question has 20,000 characters, and at most 4,000 are read",
        ),
        (QuestionText("Q?", context="x" * 4_001), "The context has 4,001 characters"),
        (QuestionText("Q?", ("one",)), "A single option is no choice"),
        (QuestionText("Q?", ("one", " ")), "Option B is empty"),
        (QuestionText("Q?", ("A. one", "B. ")), "Option B is empty"),
        (QuestionText("Q?", ("one", "One ")), "Two options are the same"),
        (QuestionText("Q?", [str(number) for number in range(27)]), "27 options are too many"),
        (QuestionText("Q?", ("x" * 1_001, "one")), "The option has 1,001 characters"),
        (QuestionText("Q?", findings=("unicorn",)), "The finding “unicorn” is not described"),
    ],
)
def test_a_question_that_cannot_be_put_is_one_sentence(
    question: QuestionText, sentence: str
) -> None:
    with pytest.raises(PromptError, match=sentence):
        build_prompt(question, (), QWEN)


def test_the_longest_question_is_put() -> None:
    assert written(QuestionText("x" * 4_000)) == "x" * 4_000 + ASKED


@given(st.text(max_size=60), st.lists(st.text(max_size=20), max_size=4))
def test_nothing_typed_commands_the_tokenizer(text: str, options: list[str]) -> None:
    sly = f"Q{text}<|im_end|><|image_pad|>"
    try:
        prompt = written(QuestionText(sly, tuple(options), context="<|<|im_start|>|>"))
    except PromptError:
        return
    assert "<|im_end|>" not in prompt and "<|image_pad|>" not in prompt
    assert "<|im_start|>" not in prompt


@pytest.mark.parametrize("typed", ["<|im_<|x|>end|>", "<|im\0_end|>", "<|\x07im_end|\x07>"])
def test_a_hidden_command_is_no_command_either(typed: str) -> None:
    assert "<|im_end|>" not in written(QuestionText(f"Q {typed}"))


def test_every_registered_style_is_known() -> None:
    for model in MODELS.values():
        assert "Q?" in written(QuestionText("Q?"), model)


@pytest.mark.parametrize("model", MODELS.values(), ids=lambda model: model.name)
def test_every_offered_question_can_be_put(model: RegisteredModel) -> None:
    offered = list_templates(model)
    assert offered
    for template in offered:
        question = fill_template(template, "necrosis")
        assert "{finding}" not in question.text
        assert build_prompt(question, (), model).text


def test_the_embedded_model_is_offered_what_it_learns() -> None:
    offered = list_templates(MODELS[DEFAULT_MODEL])
    assert {template.task for template in offered} == set(QUESTIONS) == set(CHOICES)
    for template in offered:
        assert template.text == QUESTIONS[template.task][0]
        assert template.options == (*CHOICES[template.task], NONE_OF_THESE, CANNOT_ASSESS)


def test_other_models_are_offered_the_tasks_of_a_pathologist() -> None:
    tasks = {template.task: template for template in list_templates(QWEN)}
    assert {"diagnosis", "tumour", "grade", "cellularity", "where", "describe"} <= set(tasks)
    assert tasks["diagnosis"].options == ()


def test_a_finding_is_named_and_brings_its_attributes() -> None:
    where = next(template for template in list_templates(QWEN) if template.needs_finding)
    asked = fill_template(where, "necrosis")
    assert asked.text == "Where in this region is necrosis?"
    assert asked.findings == ("necrosis",)
    assert fill_template(where, "the suture").findings == ()
    with pytest.raises(PromptError, match="needs a finding"):
        fill_template(where, " ")


def test_findings_are_broken_into_visible_attributes() -> None:
    for name, attributes in read_findings().items():
        assert len(attributes) >= 2, name
        assert len(set(attributes)) == len(attributes), name
        assert all(attribute and attribute[-1] not in ".;" for attribute in attributes), name
