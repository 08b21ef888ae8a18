"""A tombstone of what an account asked and nobody judged, which lets nothing go that was said."""

from storage.migrations.rules import change_rule
from storage.migrations.withdrawable import withdrawable_too

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

FORMER = "kind IN ('case', 'rater')"
LATTER = "kind IN ('case', 'rater', 'unjudged')"
_RULE = (
    "w.kind = 'unjudged' AND w.subject_id = (SELECT r.account_id FROM questions AS r "
    "WHERE r.id = {question}) AND NOT EXISTS (SELECT 1 FROM completions AS c "
    "WHERE c.question_id = {question} AND ("
    "EXISTS (SELECT 1 FROM feedback AS f WHERE f.completion_id = c.id) "
    "OR EXISTS (SELECT 1 FROM feedback AS f WHERE f.other_completion_id = c.id)))"
)
_CHECKED = "(SELECT k.question_id FROM completions AS k WHERE k.id = OLD.completion_id)"


def upgrade() -> None:
    """To this revision."""
    change_rule("withdrawals", "kind", FORMER, LATTER, "kinds")
    withdrawable_too("completions", _RULE.format(question="OLD.question_id"))
    withdrawable_too("deletion_checks", _RULE.format(question=_CHECKED))
