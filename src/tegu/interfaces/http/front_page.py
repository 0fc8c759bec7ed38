"""The page at / where there is no web application: why, and what is here.

Called by `service`. Invariant: it is plain HTML under the strict policy, and says nothing of anybody.
"""

from html import escape

from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

_PAGE = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Tegu</title>
<h1>Tegu</h1>
<p>Durable LLM pipelines over files and e-mail.</p>
<p><strong>{missing}</strong></p>
<p>This process answers:</p>
<dl>
  <dt><a href="api/openapi.json">api/openapi.json</a></dt><dd>every route of the REST interface</dd>
  <dt><a href="api/docs">api/docs</a></dt><dd>the same for people</dd>
  <dt>api/events</dt><dd>the live feed of runs, as server-sent events</dd>
  <dt><a href="auth/account">auth/account</a></dt><dd>who you are, where you signed in</dd>
  <dt><a href="health">health</a></dt><dd>whether it can do its work</dd>
</dl>
</html>
"""


def front_page(missing: str) -> Route:
    """The route. `missing` says why there is nothing more to see, and what to do."""
    page = _PAGE.format(missing=escape(missing))

    async def show(request: Request) -> HTMLResponse:
        del request
        return HTMLResponse(page)

    return Route("/", show, methods=["GET"])
