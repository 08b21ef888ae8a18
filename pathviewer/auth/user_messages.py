"""What the auth package says to people."""

from __future__ import annotations

# access.py


def open_to_everyone(host: str) -> str:
    return (
        f"Listening on {host} would open everything to anyone who can reach it. Create an account "
        "first (python -m pathviewer user add NAME --role admin), or show the demo slide only "
        "(--public-demo)."
    )


COOKIES_NEED_TLS = (
    "PATHVIEWER_COOKIE_SAMESITE=none needs TLS: browsers drop such cookies unless they are Secure. "
    "Set PATHVIEWER_SECURE_COOKIES to auto or always."
)
NO_TRUSTED_PROXY = (
    "PATHVIEWER_PROXY_USER_HEADER is set, but no proxy is trusted to send it: name the proxy's "
    "address in PATHVIEWER_TRUSTED_PROXIES."
)
OIDC_SETTINGS_INCOMPLETE = (
    "OpenID Connect needs PATHVIEWER_OIDC_ISSUER with https, such as "
    "https://login.hospital.example/realm, and PATHVIEWER_OIDC_CLIENT_ID."
)

# account_admin.py


def password_at_provider(name: str, issuer: str) -> str:
    return f"{name} logs in through {issuer}; the password is changed there."


def account_disabled_for_token(name: str) -> str:
    return f"The account {name} is disabled; enable it first."


def no_such_account(name: str) -> str:
    return f"There is no account named {name}; `user list` shows all."


# account_marker.py


def accounts_missing(marker: str) -> str:
    return (
        "This installation had accounts, but its database has none: the database was removed or "
        "replaced. Restore a backup, or create an account (python -m pathviewer user add NAME "
        f"--role admin). To continue without accounts, remove the file {marker} from the state "
        "folder."
    )


# consent.py
CONSENT_NEEDED = "Agree to the use of your labels first: open /consent. Nothing was saved."

# credentials.py


def account_name_malformed(text: str) -> str:
    return (
        f"{text[:80]!r} cannot be an account's name: use 1 to 64 letters a-z, digits and the signs "
        ". _ @ + -, beginning with a letter or digit."
    )


def account_name_reserved(name: str) -> str:
    return f"The name {name} is reserved; choose another one."


def wrong_password_length(shortest: int, longest: int, length: int) -> str:
    return (
        f"A password needs {shortest} to {longest} characters, this one has {length}; a few words "
        "in a row are easy to remember."
    )


# guard.py
LOGIN_NEEDED = "Log in first, or send a bearer token."
HOST_NOT_ALLOWED = (
    "This server does not answer to that name; its administrator can add it to "
    "PATHVIEWER_ALLOWED_HOSTS."
)
FOREIGN_ORIGIN = (
    "This request does not come from a page of this server. Scripts send a bearer token, or an "
    "Origin header with this server's address. If it is the right page, a reverse proxy hides its "
    "address: forward the browser's Host with its port, or add it with its port to "
    "PATHVIEWER_ALLOWED_HOSTS."
)


def repeated_header(header: str) -> str:
    return f"The header {header} may be sent only once."


# hosts.py


def host_name_malformed(name: str) -> str:
    return (
        f"{name!r} is not a host name; write names like viewer.hospital.example in "
        "PATHVIEWER_ALLOWED_HOSTS and PATHVIEWER_HOST."
    )


# identity.py
NO_RATER = (
    "This account cannot judge, since it sees others' feedback. Judge with a rater's account."
)
NOT_LOGGED_IN = "You are not logged in; log in first."


def role_too_low(role: str, action: str) -> str:
    return f"The role {role} may not {action}. Ask an administrator for another role."


# login_routes.py
WRONG_LOGIN = "The name or the password is wrong."
TOO_MANY_LOGINS = "Too many people are logging in. Try again in a few seconds."
LOGIN_FORM_TOO_LONG = "The form is too long for a name and a password."


def too_many_failed_logins(seconds: int) -> str:
    return f"Too many failed logins. Wait {seconds} seconds and try again."


# login_session.py
REQUEST_WITHOUT_TLS = (
    "PATHVIEWER_COOKIE_SAMESITE=none works over TLS only, and this request did not come over TLS. "
    "Use https, or name the reverse proxy in PATHVIEWER_TRUSTED_PROXIES."
)

# oidc.py
NO_PROVIDER = "No OpenID provider is set up here."
LOGIN_TOO_SLOW = "This login took too long or started elsewhere. Try again."
LOGIN_REFUSED_BY_PROVIDER = "The OpenID provider did not log you in. Try again."


def other_issuer(issuer: object) -> str:
    return (
        f"The OpenID provider calls itself {issuer!r}; the administrator must set "
        "PATHVIEWER_OIDC_ISSUER to exactly that."
    )


def endpoint_missing(endpoint: str) -> str:
    return f"The OpenID provider does not name its {endpoint}."


LOGIN_RESPONSE_INVALID = (
    "The OpenID provider's response is invalid. Try again, and ask the administrator if it happens "
    "again."
)
USER_INFORMATION_INVALID = "The OpenID provider's user information is invalid."
PROVIDER_UNREACHABLE = (
    "The OpenID provider cannot be reached. Try again, or log in with a password."
)
PROVIDER_RESPONSE_INVALID = "The OpenID provider's response is invalid."

# oidc_accounts.py


def account_disabled(name: str) -> str:
    return f"The account {name} is disabled. Ask an administrator."


# proxy.py


def proxy_malformed(text: str) -> str:
    return (
        f"{text!r} in PATHVIEWER_TRUSTED_PROXIES is neither an address such as 10.0.0.7 nor a "
        "network such as 10.0.0.0/24."
    )


# visitors.py
VISIT_ENDED = "Your visit has ended, and what you asked is being removed. Try again in a minute."
TOO_MANY_VISITORS = "Too many visitors are asking questions. Try again later."
TOO_MANY_VISITORS_OF_NETWORK = (
    "Too many visitors are asking questions from your network. Try again later."
)
