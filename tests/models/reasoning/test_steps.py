"""Where a step begins: numbered items, bullets, paragraphs, sentences."""

from __future__ import annotations

import pytest

from models.reasoning.trace import parse


def thought(text: str) -> list[str]:
    """The steps of a reasoning that stands between its tags, as texts."""
    return [step.text for step in parse(f"<think>{text}</think><answer>A</answer>").steps]


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("1. a is low. 2. b is high. 3. c", ["1. a is low.", "2. b is high.", "3. c"]),
        ("1. Tissue: yes. Focus: no.\n2. High.", ["1. Tissue: yes. Focus: no.", "2. High."]),
        ("1) low; 2) high", ["1) low;", "2) high"]),
        ("(1) a. (2) b.", ["(1) a.", "(2) b."]),
        ("**1.** a\n**2.** b", ["**1.** a", "**2.** b"]),
        ("1. **Nuclei**\n\nDark.\n\n2. B.", ["1. **Nuclei**\n\nDark.", "2. B."]),
        ("1. a:\n   - b\n   - c\n2. d", ["1. a:\n   - b\n   - c", "2. d"]),
        ("1. a\n  1. b\n  2. c\n2. d", ["1. a\n  1. b\n  2. c", "2. d"]),
        ("1. a.\n2. b.\n\nSo B.", ["1. a.", "2. b.", "So B."]),
        ("Look at it:\n1. a\n2. b", ["Look at it:\n1. a", "2. b"]),
        # a number that does not carry the list on is text
        ("1. See Fig. 2. Cells are seen.", ["1. See Fig. 2. Cells are seen."]),
        ("1. Grade is 3. 5. is odd.", ["1. Grade is 3. 5. is odd."]),
        ("1. It is 2.5 um. 2. So B.", ["1. It is 2.5 um.", "2. So B."]),
        ("- a.\n- b\n* c", ["- a.", "- b", "* c"]),
        ("• a\n• b", ["• a", "• b"]),
        ("A. No glands.\nB. Glands", ["A. No glands.", "B. Glands"]),
        ("Step 1: Look.\n\nDark.\n\nStep 2: B.", ["Step 1: Look.\n\nDark.", "Step 2: B."]),
        ("Step 1: a. Step 2: b.", ["Step 1: a.", "Step 2: b."]),
        ("**Step 1: Look**\na\n**Step 2: Say**\nb", ["**Step 1: Look**\na", "**Step 2: Say**\nb"]),
        ("### Seen\n\na. b.\n\n### So\n- c\n- d", ["### Seen\n\na. b.", "### So\n- c", "- d"]),
        ("One. Two.\n\nThree.", ["One. Two.", "Three."]),
        ("Space: low.\nCells: high.", ["Space: low.", "Cells: high."]),
        ("a line that is\nwrapped. Next.", ["a line that is\nwrapped.", "Next."]),
        ("One.\n---\nTwo. Three.", ["One.", "Two. Three."]),
        ("One. Two.\n\n***", ["One.", "Two."]),
        ("One.\r\n\r\nTwo. Three.\r\n", ["One.", "Two. Three."]),
        ("1、空间：低。2、细胞：高。3、腺癌。", ["1、空间：低。", "2、细胞：高。", "3、腺癌。"]),
        ("第一步：看。第二步：想。", ["第一步：看。", "第二步：想。"]),
        ("①低。②高。", ["①低。", "②高。"]),
        ("核深染。腺体！有坏死？是；好", ["核深染。", "腺体！", "有坏死？", "是；", "好"]),
    ],
)  # fmt: skip
def test_items_bullets_and_paragraphs_are_steps(text: str, steps: list[str]) -> None:
    assert thought(text) == steps


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("Nuclei of 2.5 um. Walls of 0.3 mm are seen.", 2),
        ("Seen, e.g., in Fig. 3 and Figs. 4 to 6. So B.", 2),
        ("It is ca. 5 um, i.e. small, vs. approx. 9 um.", 1),
        ("H. pylori is seen. E. coli is not.", 2),
        ("The answer is B. The glands tell.", 2),
        ("Dr. Lee and Prof. Wu agree. So do I.", 2),
        ("See Smith et al. in lung. See Smith et al. The rest.", 3),
        ("The answer is no. So A. See no. 3 of it.", 3),
        ("Necrosis, mitoses, etc. are seen. B.", 2),
        ("Well... it is dark... Then B.", 2),
        ('He said "dark." Then (so.) Next **bold.** End.', 4),
        ("the nuclei are dark. the walls are thin. p53 is lost.", 3),
        ("Is it? Yes! So B.", 3),
        ("Grade 2. Then B.", 2),
        ("no stop at all", 1),
    ],
)
def test_sentences(text: str, count: int) -> None:
    assert len(thought(text)) == count, thought(text)
