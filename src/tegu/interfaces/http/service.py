"""The service: one ASGI application of everything that Tegu answers over HTTP. `tegu serve` serves it, hosts mount it.

    /             the web application; where it was not built, what is here
    /api          REST, a route for each action; /api/events, the live feed
    /mcp          the same for agents, by the Model Context Protocol
    /auth         pages to sign in; none where the host signs people in
    /health       whether this process can do its work; /metrics, figures for Prometheus

Called by `Tegu.asgi()` and by `tegu serve`. Invariants: whatever is asked passes the same middleware, in this order: a number
and a log line, the host name, the address's rate, a turn, the limits of bodies; then it is found out who asks. Nothing is opened
when it is mounted, because servers do not run the lifespan of a mounted application: the host's own opens Tegu.
"""

from starlette.requests import Request
from starlette.routing import BaseRoute, Mount, Router

from tegu.actions.declared.contents import INLINE_BYTES_MAX
from tegu.actions.scope import Scope
from tegu.app import Tegu
from tegu.intake.sniff import SIZE_LIMIT_BYTES
from tegu.interfaces.http.admission import Admission, let_in
from tegu.interfaces.http.api import api
from tegu.interfaces.http.asgi import Application
from tegu.interfaces.http.authentication import Authentication, ResolveUser
from tegu.interfaces.http.bodies import Bodies, BodyLimits
from tegu.interfaces.http.buckets import Buckets
from tegu.interfaces.http.front import Front
from tegu.interfaces.http.front_page import front_page
from tegu.interfaces.http.hosts import ANY, Hosts, hosts_of
from tegu.interfaces.http.mount import MountedTegu
from tegu.interfaces.http.opening import Opening
from tegu.interfaces.http.problems import error_response
from tegu.interfaces.http.rates import ActorRates, AddressRates
from tegu.interfaces.http.security_headers import embedding_headers
from tegu.interfaces.mcp.over_http import mcp_routes
from tegu.interfaces.web.pages import Framing, how_to_build, is_built, pages
from tegu.telemetry.logs import begin_fields

_BURST = 5
"""Times the rate of a second."""
_ADDRESS = 4
"""Times the rate of one actor: many may sit behind one address."""
_FRAMING_BYTES = 2**20
"""Room for what stands around a file in a form."""
BODY_LIMITS = BodyLimits(
    size_bytes_max=SIZE_LIMIT_BYTES + _FRAMING_BYTES,
    json_bytes_max=INLINE_BYTES_MAX * 4 // 3 + _FRAMING_BYTES,
)


def service(
    tegu: Tegu,
    *,
    resolve_user: ResolveUser | None = None,
    installation: bool = True,
    is_mounted: bool = True,
    opening: Opening | None = None,
) -> Application:
    """The application. Mounted, host names and the first line of defence are the host's. `opening` signs in a browser that the
    process opens.
    """
    settings = tegu.settings
    authentication = Authentication(tegu.runtime, resolve_user=resolve_user)
    rates = ActorRates(Buckets(settings.requests_per_s, round(_BURST * settings.requests_per_s) or 1))

    async def scope_of(request: Request) -> Scope:
        scope = await authentication.scope_of(request)
        begin_fields({"organization_id": scope.organization_id})
        rates.check(scope.actor, request.scope)
        await let_in(scope.actor, request.scope)
        return scope

    base_url = settings.sign_in.base_url
    body_bytes_max = BODY_LIMITS.json_bytes_max
    agents = mcp_routes(scope_of, error_response, base_url=base_url, body_bytes_max=body_bytes_max)
    framing = Framing(settings.embed_origins, embedding_headers(settings.embed_origins))
    routes: list[BaseRoute] = [
        Mount("/api", api(scope_of)),
        *agents,
        *([opening.route()] if opening is not None else []),
        *authentication.router().routes,
        *(pages(framing) if is_built() else [front_page(how_to_build())]),
    ]
    router = Router(routes, default=MountedTegu(tegu, installation=installation), redirect_slashes=False)
    allowed = frozenset({ANY}) if is_mounted else hosts_of(settings.sign_in.base_url, settings.hosts)
    per_s = _ADDRESS * settings.requests_per_s
    app: Application = Bodies(router, BODY_LIMITS)
    app = Admission(app)
    app = AddressRates(app, Buckets(per_s, round(_BURST * per_s) or 1))
    app = Hosts(app, allowed)
    return Front(app, is_https=settings.sign_in.url.startswith("https:"))
