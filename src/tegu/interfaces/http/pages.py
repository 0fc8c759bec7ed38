"""Pages that need no script: of signing in, until and beside the web interface.

Called by `sign_in`. Invariant: whatever is put into a page is escaped, and the policy that goes with it lets nothing load or
run but the style that stands in it.
"""

import re
from base64 import b64encode
from dataclasses import dataclass
from hashlib import sha256
from html import escape

from starlette.responses import HTMLResponse

_STYLE = """
:root{color-scheme:light dark;--bg:light-dark(#fbfbf9,#0f1014);--panel:light-dark(#ffffff,#16181f);--hover:light-dark(#f1f1ee,#20232d);
--line:light-dark(#e4e4df,#272a35);--line-strong:light-dark(#8c8c86,#767b8c);--text:light-dark(#1b1b1f,#ececf1);--muted:light-dark(#5c5c64,#9a9eac);
--accent:light-dark(#4338ca,#a5b4fc);--on-accent:light-dark(#ffffff,#14152b);--failed:light-dark(#b91c1c,#f87171);--sunken:light-dark(#f4f4f1,#0b0c10);
--font:ui-sans-serif,system-ui,"Segoe UI",Roboto,"Helvetica Neue","DejaVu Sans",sans-serif;--mono:ui-monospace,"SF Mono","Cascadia Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace}
*{box-sizing:border-box}body{margin:0;background:var(--bg);color:var(--text);font:400 14px/1.45 var(--font);-webkit-font-smoothing:antialiased}
header{display:flex;align-items:center;gap:7px;min-height:48px;padding:0 16px;border-bottom:1px solid var(--line);font-weight:700}
header svg path{fill:var(--accent)}
main{max-width:27rem;margin:12vh auto 3rem;padding:0 12px}main.wide{max-width:46rem;margin-top:2rem}
.panel{display:grid;grid-template-columns:minmax(0,1fr);gap:12px;padding:20px;background:var(--panel);border:1px solid var(--line);border-radius:8px}
.panel+.panel{margin-top:14px}
h1{font-size:18px;font-weight:650;letter-spacing:-.01em;margin:0}h2{font-size:14px;font-weight:650;margin:0}p{margin:0;overflow-wrap:anywhere}
main.wide>h1{margin-bottom:12px}.soft{color:var(--muted)}.bad{color:var(--failed)}
form{display:grid;gap:4px;margin:0}label{font-size:12px;font-weight:500;color:var(--muted)}
input,button{font:inherit;width:100%;min-height:36px;padding:6px 10px;border:1px solid var(--line-strong);border-radius:5px;background:var(--panel);color:inherit}
button{margin-top:10px;background:var(--accent);border-color:var(--accent);color:var(--on-accent);font-weight:500;cursor:pointer}
a{color:inherit;text-underline-offset:3px;text-decoration-color:var(--line-strong)}a:hover{text-decoration-color:currentcolor}p.to a{display:inline-block;padding:4px 0}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px;border-radius:5px}
pre{margin:0;white-space:pre-wrap;overflow-wrap:anywhere;background:var(--sunken);border:1px solid var(--line);border-radius:5px;padding:12px;font:12px/1.5 var(--mono)}
"""
_MARK = (
    '<svg width="16" height="16" viewBox="0 0 16 16" aria-hidden="true"><path d="M8 0l8 8-8 8-8-8Z"/></svg>'
)
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
    return _html(
        title,
        f'<main>\n<div class="panel">\n<h1>{escape(title)}</h1>\n{body}\n</div>\n</main>',
        status=status,
    )


def listing(title: str, *cards: str) -> HTMLResponse:
    """A page of cards, one below the other; each is HTML."""
    body = "\n".join(f'<div class="panel">\n{card}\n</div>' for card in cards)
    return _html(title, f'<main class="wide">\n<h1>{escape(title)}</h1>\n{body}\n</main>')


def _html(title: str, body: str, *, status: int = 200) -> HTMLResponse:
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
<header>{_MARK}Tegu</header>
{body}
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
    return f'<p class="to"><a href="{escape(to)}">{escape(text)}</a></p>'


def form(to: str, button: str, *fields: Field) -> str:
    """A form that posts; `to` is relative, so that it stays right wherever the service is mounted."""
    inputs = "\n".join(_input(each) for each in fields)
    return f'<form method="post" action="{escape(to)}">\n{inputs}\n<button>{escape(button)}</button>\n</form>'


def heading(text: str) -> str:
    """Of a card."""
    return f"<h2>{escape(text)}</h2>"


def shown(text: str, *, ours: str) -> str:
    """Text as it stands; addresses that begin with `ours` lead there, and no other does."""
    linked = re.sub(rf"{re.escape(escape(ours))}/[\w/?=&;.%-]*", r'<a href="\g<0>">\g<0></a>', escape(text))
    return f"<pre>{linked}</pre>"


def _input(each: Field) -> str:
    name, value = escape(each.name), escape(each.value)
    if each.label is None:
        return f'<input type="hidden" name="{name}" value="{value}">'
    attributes = f'type="{each.kind}" name="{name}" id="{name}" value="{value}" required {each.more}'.rstrip()
    return f'<label for="{name}">{escape(each.label)}</label>\n<input {attributes}>'
