"""Security headers of every response, including the content security policy."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from pathviewer.settings import Settings

Headers = tuple[tuple[bytes, bytes], ...]

HUGGING_FACE = "https://huggingface.co https://*.hf.space"
"""Sites that frame the pages of a Space."""

PICTURE_HEADERS: Headers = (
    (b"x-content-type-options", b"nosniff"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
"""For JPEG tiles, of which there are thousands. No browser runs them as a page, so few suffice."""

NO_STORE = (b"cache-control", b"no-store")
"""For pages and JSON without cache headers of their own: they are private to one person."""

HSTS = (b"strict-transport-security", b"max-age=31536000")
"""For responses over TLS: the browser must use TLS for a year."""


def frame_ancestors(settings: Settings) -> str:
    """Return the sites that may frame the pages, in policy syntax."""
    if settings.frame_ancestors:
        return settings.frame_ancestors
    return f"'self' {HUGGING_FACE}" if settings.public_demo else "'self'"


def content_security_policy(settings: Settings) -> str:
    """Return the policy of what pages may load, run and connect to.

    Gradio compiles templates in the page and writes inline scripts and styles, hence the two
    `unsafe` keywords. The policy restricts everything to this host, but does not stop a script
    injected into a page.
    """
    form_targets = "'self'"
    if settings.oidc_issuer:
        issuer = urlsplit(settings.oidc_issuer)
        form_targets += f" {issuer.scheme}://{issuer.netloc}"
    return "; ".join(
        (
            "default-src 'self'",
            "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "connect-src 'self'",
            "worker-src 'self' blob:",
            "object-src 'none'",
            "base-uri 'self'",
            f"form-action {form_targets}",
            f"frame-ancestors {frame_ancestors(settings)}",
        )
    )


def security_headers(settings: Settings) -> Headers:
    """Return names (lower case) and values for all responses but tiles."""
    headers = {
        "content-security-policy": content_security_policy(settings),
        "x-content-type-options": "nosniff",
        "referrer-policy": "same-origin",
        "permissions-policy": "camera=(), microphone=(), geolocation=(), usb=(), payment=()",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
    }
    if frame_ancestors(settings) == "'self'":
        headers["x-frame-options"] = "SAMEORIGIN"
    return tuple((name.encode(), value.encode()) for name, value in headers.items())


def transport_security(settings: Settings) -> Headers:
    """Return headers for responses over TLS; none if cookies must work without TLS."""
    return () if settings.secure_cookies == "never" else (HSTS,)
