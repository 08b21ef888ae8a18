"""What the api package says to people."""

from __future__ import annotations

# gradio_caller
LOGIN_ENDED = "Your login has ended, or the token is no longer valid. Log in again."

# progress
COMPUTING_MAPS = "computing attention maps"
MODEL_READS_QUESTION = "the model reads the question"


def queue_position(questions: int) -> str:
    return f"{questions} questions before this one"


def answer_progress(answer_number: int, step_number: int | None) -> str:
    """`step_number` is the step that is being written, None once the answer itself is."""
    part = "the answer" if step_number is None else f"step {step_number}"
    return f"answer {answer_number}: {part}"


# question_access
CHANGE_FORBIDDEN = (
    "You may see this question, but only its author, an assigned rater or an administrator "
    "may stop or check it. Ask it again to get your own."
)

# request_body
REQUEST_CUT_OFF = "The connection ended before the request did: send it again."


def request_too_large(limit: int) -> str:
    return f"The request is larger than {limit} bytes: send less at once."


# responses
INTERNAL_ERROR = (
    "An internal error occurred; the server's log has the details. Try again, and report it "
    "if it persists."
)


def nothing_at(path: str) -> str:
    return f"There is nothing at {path}."


def method_not_allowed(method: str, allow: str) -> str:
    return f"{method} is not allowed here; use {allow}."


# strict_json
FLOAT_TOO_LARGE = "A number of the request is too large for a float."


def integer_too_large(digits: str, most_digits: int) -> str:
    """`digits` is how the number begins."""
    return f"The number {digits}... is too large: a whole number has at most {most_digits} digits."


def too_many_fields(count: int, most: int) -> str:
    return f"An object of the request has {count:,} fields: send at most {most:,}."


def not_json_number(name: str) -> str:
    return f"{name} is not a JSON number: leave it out or send null."


def nul_in_text(field: str) -> str:
    return f"The text {field} holds a NUL character: remove it."


def half_pair_in_text(field: str) -> str:
    return f"The text {field} holds half of a surrogate pair: remove that character."


# routes/attention_maps
PASSAGE_RANGE_INVALID = (
    "first and stop must be whole numbers: the first token and one past the last."
)

# routes/comparisons
ANSWERS_INCOMPLETE = "The two answers are not complete yet; wait for them."
OLD_VOTE_FINAL = "This vote is from an earlier session and cannot be undone."

# routes/exports
EXPORT_NOT_DONE = "The export is not done, or was removed; wait, or start it again."
NO_EXPORT = "You have no such export; start a new one."


def not_in_list(name: str, field: str) -> str:
    return f"{name} is not one of the {field}; take one from the list."


# routes/feedback
NO_ANSWER_TO_JUDGE = "There is no such answer, or you may not judge it."
OTHER_ACCOUNT = "Another account is logged in in this browser now; reload the page."
PAIR_OF_WORKLIST = (
    "These answers are a pair of a worklist: compare them there, when it comes to you."
)
OTHER_QUESTION = "Only answers to the same question about the same region can be compared."

# routes/insights
NO_RATER = "No rater of that name has given feedback; take one from the list."


# routes/question_report
REPORT_NOT_READY = "The answers are not complete yet, or your own answer comes first."

# routes/questions
FIRST_ANSWER_FORBIDDEN = "Only the account that asked can give the first answer."

# routes/regions


def too_many_regions(count: int, limit: int) -> str:
    return (
        f"You have {count:,} regions, and {limit:,} are allowed for each account: "
        "delete some, or ask an administrator to raise PATHVIEWER_REGIONS_PER_ACCOUNT."
    )


# routes/slides
ASSOCIATED_IMAGES_OFF = (
    "Label and macro images may show patient data and are turned off; an "
    "administrator can set PATHVIEWER_SHOW_ASSOCIATED_IMAGES."
)


def no_colour_profile(slide_name: str) -> str:
    return f"{slide_name} has no colour profile that can be applied."


def picture_size_invalid(limit: int, max_pixels: int) -> str:
    return (
        f"A picture may have 1 to {limit} pixels, not {max_pixels}: ask for fewer with "
        "max_pixels, or for a smaller region."
    )


# routes/uploads
PIECE_CUT_OFF = "The connection ended within a piece: resume from there."
UPLOADS_OFF = "This public demo accepts no uploads."


def piece_too_large(size: int) -> str:
    return f"The piece exceeds the announced size of {size} bytes: start again."


def upload_not_listed(name: str) -> str:
    return f"{name} was uploaded, but cannot be listed as a slide."


# routes/worklists
ANSWER_TOO_LATE = "You have seen the model's answers; an own answer cannot be given any more."
NO_ITEM = "There is no such item, or it is not assigned to you."

# schemas/slides
NOTHING_TO_CHANGE = "There is nothing to change: send alias, mpp or known_length."
