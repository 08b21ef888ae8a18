"""The security headers of every answer, the content-security policy among them."""

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
"""For JPEG tiles, which no browser runs as a page: they come by the thousand, so the fewest."""

NO_STORE = (b"cache-control", b"no-store")
"""For pages and JSON that say nothing about caching themselves: they are for one person's eyes."""

HSTS = (b"strict-transport-security", b"max-age=31536000")
"""For answers under TLS: the browser asks under TLS only, for a year."""


def frame_ancestors(settings: Settings) -> str:
    """Sites that may frame the pages, as the policy writes them."""
    if settings.frame_ancestors:
        return settings.frame_ancestors
    return f"'self' {HUGGING_FACE}" if settings.public_demo else "'self'"


def content_security_policy(settings: Settings) -> str:
    """What the pages may load, run and connect to.

    Gradio compiles templates in the page and writes inline scripts and styles, hence the two
    `unsafe` words: the policy keeps everything on this host, but does not stop a script that
    somebody managed to write into a page.
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
    """Names (lower case) and values for everything but pictures."""
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
    """Headers for answers under TLS; none where cookies are to work without it."""
    return () if settings.secure_cookies == "never" else (HSTS,)
