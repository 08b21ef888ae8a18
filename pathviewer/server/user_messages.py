"""What the server package says to people."""

from __future__ import annotations

from pathlib import Path

# several modules
NO_SUCH_CALL = "There is no such call of yours."

# application.py


def gradio_not_last(route: object) -> str:
    return f"Gradio should have been mounted last; the last route is {route!r}."


# connections.py
TOO_MANY_CONNECTIONS = "Too many connections are open. Try again."
REQUEST_TOO_SLOW = "The request took too long to arrive. Send it again."
HEADERS_TOO_LARGE = "The headers of this request are too large."
REQUEST_MALFORMED = "This is not a valid HTTP request."
HOSTS_DIFFER = "The request target and the Host header differ."

# gradio_gateway.py
NO_SESSION_TO_STREAM = "Name exactly one session in session_hash."
SESSION_HASH_MALFORMED = "This is not a session hash."

# gradio_requests.py


def too_many_values(most: int) -> str:
    return f"The request has more than {most:,} values: send less at once."


def endpoint_number(number: int) -> str:
    return f"the number {number}"


NO_SESSION_FOR_RESULT = "Name the session for the result in session_hash."


def wrong_parameters(endpoint: str, fault: str, fault_names: str, known_names: str) -> str:
    return f"{endpoint} {fault} {fault_names}; its parameters are {known_names}."


PARAMETER_UNKNOWN = "has no"
PARAMETER_MISSING = "needs"


def endpoint_name(name: str) -> str:
    return f"the name {name[:40]!r}"


def no_such_endpoint(description: str) -> str:
    return f"There is no endpoint with {description}; /gradio_api/info lists them."


def body_malformed(where: str, fault: str) -> str:
    return f"{where}: {fault[:120]}."


def wrong_value_count(endpoint: str, expected: int, count: int, name_list: str) -> str:
    return f"{endpoint} takes {expected} values in data, not {count}{name_list}."


# gradio_sessions.py


def too_many_calls_of_account(most: int) -> str:
    return f"{most} calls of yours are in progress. Wait until one has ended."


RESULT_EXPIRED = "The result of this call has expired."
RESULT_TAKEN_ELSEWHERE = "Another connection already receives the results of this session."
TOO_MANY_CALLS = "Too many calls are in progress. Wait until one has ended."

# packaging.py
NO_CHECKOUT = (
    "An installed program lacks app.py and the documents of a Space. Run `python -m pathviewer "
    "space` in a checkout of the repository."
)


def files_not_listed(reason: str) -> str:
    return (
        f"git cannot list the program's files ({reason}). Nothing was written; run this as the "
        "owner of the checkout, with git installed."
    )


# request_limits.py
ADDRESS_TOO_LONG = "This address is too long: shorten it."
NUL_IN_ADDRESS = "An address cannot contain a NUL character."


def request_too_large(most_bytes: int) -> str:
    return f"The request is larger than {most_bytes:,} bytes: send less at once."


# run.py


def state_folder_not_created(folder: Path, reason: str | None) -> str:
    return (
        f"The state folder {folder} cannot be created ({reason}). Name another one in "
        "PATHVIEWER_DATA."
    )


def cannot_listen(host: str, port: int, reason: str | None) -> str:
    return (
        f"PathViewer cannot listen on {host}:{port} ({reason}). If it already runs there, open it "
        "in the browser; otherwise choose another PATHVIEWER_PORT or PATHVIEWER_HOST."
    )
