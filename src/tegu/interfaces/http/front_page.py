"""The page at /: what is here, for whoever opens the address in a browser.

Called by `service`. Invariant: it is plain HTML under the strict policy, and says nothing of anybody.
"""

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
<p>Durable LLM pipelines over files and e-mail. This process answers:</p>
<dl>
  <dt><a href="api/openapi.json">api/openapi.json</a></dt><dd>every route of the REST interface</dd>
  <dt><a href="api/docs">api/docs</a></dt><dd>the same for people</dd>
  <dt>api/events</dt><dd>the live feed of runs, as server-sent events</dd>
  <dt><a href="auth/account">auth/account</a></dt><dd>who you are, where you signed in</dd>
  <dt><a href="health">health</a></dt><dd>whether it can do its work</dd>
</dl>
</html>
"""


def front_page() -> Route:
    """The route."""

    async def show(request: Request) -> HTMLResponse:
        del request
        return HTMLResponse(_PAGE)

    return Route("/", show, methods=["GET"])
