"""Pages that need no script: of signing in, until and beside the web interface.

Called by `sign_in`. Invariant: whatever is put into a page is escaped, and the policy that goes with it lets nothing load or
run but the style that stands in it.
"""

from base64 import b64encode
from dataclasses import dataclass
from hashlib import sha256
from html import escape

from starlette.responses import HTMLResponse

_STYLE = """
:root{color-scheme:light dark;--ink:#1b1d21;--soft:#5b616b;--paper:#fbfbfa;--line:#d9dade;--go:#1f5fbf;--on-go:#fff;--bad:#a32020}
@media(prefers-color-scheme:dark){:root{--ink:#e8e9ec;--soft:#a0a6b1;--paper:#15171a;--line:#363a41;--go:#7fb0ff;--on-go:#10131a;--bad:#ff9d94}}
*{box-sizing:border-box}body{margin:0;padding:12vh 1.25rem 3rem;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
main{max-width:26rem;margin:auto}h1{font-size:1.35rem;margin:0 0 .75rem}p{margin:.5rem 0}.soft{color:var(--soft)}.bad{color:var(--bad)}
form{margin:1rem 0}label{display:block;margin:.5rem 0 .25rem}
input,button{font:inherit;width:100%;padding:.6rem .75rem;border:1px solid var(--line);border-radius:.4rem;background:transparent;color:inherit}
button{margin-top:.75rem;background:var(--go);border-color:var(--go);color:var(--on-go);cursor:pointer}a{color:var(--go)}
:focus-visible{outline:2px solid var(--go);outline-offset:2px}pre{white-space:pre-wrap;overflow-wrap:anywhere;border:1px solid var(--line);border-radius:.4rem;padding:.75rem;font-size:.85rem}
"""
_HASH = b64encode(sha256(_STYLE.encode()).digest()).decode()
HEADERS = {
    "content-security-policy": f"default-src 'none'; style-src 'sha256-{_HASH}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "cache-control": "no-store",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
}


@dataclass(frozen=True, slots=True)
class Field:
    """An input of a form; without a label it is hidden."""

    name: str
    value: str = ""
    label: str | None = None
    kind: str = "text"
    more: str = ""
    """Attributes, ours."""


def page(title: str, *parts: str, status: int = 200) -> HTMLResponse:
    """A page of these parts, which are HTML."""
    body = "\n".join(parts)
    return HTMLResponse(
        f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)} - Tegu</title>
<style>{_STYLE}</style>
</head>
<body>
<main>
<h1>{escape(title)}</h1>
{body}
</main>
</body>
</html>
""",
        status,
        HEADERS,
    )


def said(text: str, style: str = "") -> str:
    """A paragraph."""
    return f'<p class="{style}">{escape(text)}</p>' if style else f"<p>{escape(text)}</p>"


def link(to: str, text: str) -> str:
    """A paragraph with a link; `to` is ours."""
    return f'<p><a href="{escape(to)}">{escape(text)}</a></p>'


def form(to: str, button: str, *fields: Field) -> str:
    """A form that posts; `to` is relative, so that it stays right wherever the service is mounted."""
    inputs = "\n".join(_input(each) for each in fields)
    return f'<form method="post" action="{escape(to)}">\n{inputs}\n<button>{escape(button)}</button>\n</form>'


def shown(text: str) -> str:
    """Text as it stands."""
    return f"<pre>{escape(text)}</pre>"


def _input(each: Field) -> str:
    name, value = escape(each.name), escape(each.value)
    if each.label is None:
        return f'<input type="hidden" name="{name}" value="{value}">'
    attributes = f'type="{each.kind}" name="{name}" id="{name}" value="{value}" required {each.more}'.rstrip()
    return f'<label for="{name}">{escape(each.label)}</label>\n<input {attributes}>'
