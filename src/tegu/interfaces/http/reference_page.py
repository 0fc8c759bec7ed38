"""The page at /api/docs: the OpenAPI document for people, without a script and with nothing from elsewhere.

Made by `api` from the same document that clients are generated from. Invariant: whatever is put into it is escaped.
"""

import re
from base64 import b64encode
from collections.abc import Iterable, Iterator
from hashlib import sha256
from html import escape
from typing import Any, cast

from starlette.responses import HTMLResponse

Json = dict[str, Any]

_STYLE = """
:root{color-scheme:light dark;--ink:#1b1d21;--soft:#5b616b;--paper:#fbfbfa;--line:#d9dade;--go:#1f5fbf}
@media(prefers-color-scheme:dark){:root{--ink:#e8e9ec;--soft:#a0a6b1;--paper:#15171a;--line:#363a41;--go:#7fb0ff}}
*{box-sizing:border-box}body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
main{max-width:60rem;margin:auto;padding:2rem 1.25rem}a{color:var(--go)}h2{margin-top:2.5rem;border-bottom:1px solid var(--line)}
h3{margin:1.75rem 0 .25rem;font-size:1rem}code,.kind{font:13px/1.5 ui-monospace,monospace;overflow-wrap:anywhere}.kind,.soft{color:var(--soft)}
table{width:100%;border-collapse:collapse;margin:.5rem 0}td{padding:.25rem .75rem .25rem 0;vertical-align:top;border-top:1px solid var(--line)}
td:first-child{width:30%}nav{display:flex;flex-wrap:wrap;gap:.25rem .75rem}table{overflow-wrap:anywhere}:target{outline:2px solid var(--go);outline-offset:4px}pre{overflow:auto;border:1px solid var(--line);padding:.75rem}
"""
_ABOUT = (
    "<p>Below <code>/api</code>, in JSON; also as <a href=openapi.json>openapi.json</a>. A request says who asks by"
    " <code>Authorization: Bearer tegu_...</code>, or by the cookie of a browser that signed in.</p>"
)
_HASH = b64encode(sha256(_STYLE.encode()).digest()).decode()
_HEADERS = {
    "content-security-policy": f"default-src 'none'; style-src 'sha256-{_HASH}'; frame-ancestors 'none'; base-uri 'none'",
    "cache-control": "no-cache",
    "x-content-type-options": "nosniff",
}


def reference_page(document: Json) -> HTMLResponse:
    """The whole of it, on one page: what can be searched in one go need not be clicked through."""
    tags = document["tags"]
    body = "\n".join(
        [
            f"<h1>{_text(document['info']['title'])} <span class=soft>{_text(document['info']['version'])}</span></h1>",
            f"<p>{_text(document['info']['description'])}</p>",
            _ABOUT,
            f"<nav>{''.join(_link('tag-' + each['name'], each['name']) for each in tags)}{_link('schemas', 'schemas')}</nav>",
            *(part for tag in tags for part in _of_tag(document, tag)),
            "<h2 id=schemas>schemas</h2>",
            *(_schema(name, each) for name, each in document["components"]["schemas"].items()),
        ]
    )
    page = (
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{_text(document['info']['title'])} REST</title>\n<style>{_STYLE}</style>\n<main>\n{body}\n</main>\n</html>\n"
    )
    return HTMLResponse(page, headers=_HEADERS)


def _of_tag(document: Json, tag: Json) -> Iterator[str]:
    yield f'<h2 id="tag-{_text(tag["name"])}">{_text(tag["name"])}</h2><p>{_text(tag["description"])}</p>'
    for path, item in document["paths"].items():
        for method, each in item.items():
            if tag["name"] in each.get("tags", ()):
                yield _operation(document, f"{method.upper()} {path}", each)


def _operation(document: Json, title: str, operation: Json) -> str:
    name = _text(operation["operationId"])
    parts = [f'<h3 id="{name}"><code>{_text(title)}</code></h3><p>{_text(operation["description"])}']
    parts.append(f" <span class=soft>Needs <code>{_text(operation['x-permission'])}</code>.</span></p>")
    rows: list[tuple[str, str, str]] = []
    for given in operation.get("parameters", ()):
        each = _resolved(document, given)
        kind = f"{each['in']}, {_kind(each['schema'])}" + (", required" if each.get("required") else "")
        rows.append((_text(each["name"]), kind, _text(each.get("description", ""))))
    for media, each in operation.get("requestBody", {}).get("content", {}).items():
        rows.append(("body", f"{_text(media)}: {_kind(each['schema'])}", ""))
    parts.append(_table(rows))
    parts.append(_table(_answers(document, operation)))
    return "".join(parts)


def _answers(document: Json, operation: Json) -> Iterator[tuple[str, str, str]]:
    """Each success; the problems in one line."""
    problems: list[str] = []
    for status, given in operation["responses"].items():
        each = _resolved(document, given)
        if "$ref" in given:
            problems.append(status)
            continue
        kinds = [
            f"{_text(media)}: {_kind(body['schema'])}" for media, body in each.get("content", {}).items()
        ]
        yield status, "<br>".join(kinds), _text(each["description"])
    yield ", ".join(problems), _link("ProblemDetails", "ProblemDetails"), ""


def _schema(name: str, schema: Json) -> str:
    properties: Json = schema.get("properties", {})
    needed = schema.get("required", ())
    rows = [
        (
            _text(key),
            _kind(each) + (", required" if key in needed else ""),
            _text(each.get("description", "")),
        )
        for key, each in properties.items()
    ]
    kind = "" if properties else f"<p>{_kind(schema)}</p>"
    return f'<h3 id="{_text(name)}">{_text(name)}</h3><p>{_text(schema.get("description", ""))}</p>{kind}{_table(rows)}'


def _kind(schema: Json) -> str:
    """A schema in a few words, as HTML."""
    if "$ref" in schema:
        name = str(schema["$ref"]).rpartition("/")[2]
        return _link(name, name)
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return " or ".join(_kind(each) for each in schema[key])
    if "enum" in schema:
        return ", ".join(f"<code>{_text(each)}</code>" for each in schema["enum"])
    if "const" in schema:
        return f"<code>{_text(schema['const'])}</code>"
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    said = [str(schema.get("format") or schema.get("type") or "any JSON")]
    for key, word in (("minimum", "at least"), ("maximum", "at most"), ("maxLength", "length at most")):
        if key in schema:
            said.append(f"{word} {schema[key]}")
    if "default" in schema:
        said.append(f"default {schema['default']}")
    values = schema.get("additionalProperties")
    of = f" of {_kind(cast('Json', values))}" if isinstance(values, dict) else ""
    return f"<span class=kind>{_text(', '.join(said))}</span>{of}"


def _table(rows: Iterable[tuple[str, str, str]]) -> str:
    lines = [f"<tr><td><code>{name}</code><td>{kind}<td>{told}" for name, kind, told in rows]
    return f"<table>{''.join(lines)}</table>" if lines else ""


def _link(to: str, text: str) -> str:
    return f'<a href="#{_text(to)}">{_text(text)}</a>'


def _text(value: object) -> str:
    """Escaped, with what stands between backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(str(value)))


def _resolved(document: Json, given: Json) -> Json:
    if "$ref" not in given:
        return given
    found: Any = document
    for part in str(given["$ref"]).removeprefix("#/").split("/"):
        found = found[part]
    return found
