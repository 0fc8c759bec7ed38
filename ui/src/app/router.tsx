// Every page and its address. What a page shows stands in its address, so that it can be sent to somebody.

import { createRootRoute, createRoute, createRouter, lazyRouteComponent, redirect } from "@tanstack/react-router";

import { BASE } from "../api/call";
import type { JsonValue } from "../api/schema";
import { Broken } from "./Broken";
import { Missing } from "./Missing";
import { Toasts } from "../design/toasts";
import { Shell } from "./Shell";

interface RunsSearch {
  /** In the language of pages/runs/search. */
  q?: string | undefined;
}

interface RunSearch {
  stage?: string | undefined;
  view?: string | undefined;
}

interface ReviewSearch {
  id?: string | undefined;
  order?: string | undefined;
}

interface CompareSearch {
  a?: string | undefined;
  b?: string | undefined;
}

interface PipelineSearch {
  /** A version to look at. */
  version?: number | undefined;
  /** A draft whose edit is to be published. */
  edit?: number | undefined;
}

interface CostsSearch {
  by?: string | undefined;
  days?: number | undefined;
}

interface AdminSearch {
  filters?: Record<string, JsonValue> | undefined;
}

const text = (value: unknown): string | undefined => (typeof value === "string" && value ? value : undefined);

const whole = (value: unknown): number | undefined => (Number.isInteger(value) ? Number(value) : undefined);

// Within the router, so that what is told can lead somewhere.
function Root() {
  return (
    <>
      <Shell />
      <Toasts />
    </>
  );
}

const root = createRootRoute({ component: Root, notFoundComponent: Missing });

const home = createRoute({
  getParentRoute: () => root,
  path: "/",
  beforeLoad: () => {
    // eslint-disable-next-line @typescript-eslint/only-throw-error -- that is how the router is told
    throw redirect({ to: "/inbox" });
  },
});

const inbox = createRoute({
  getParentRoute: () => root,
  path: "/inbox",
  component: lazyRouteComponent(() => import("../pages/inbox/Inbox"), "Inbox"),
});

const runs = createRoute({
  getParentRoute: () => root,
  path: "/runs",
  validateSearch: (search: Record<string, unknown>): RunsSearch => ({ q: text(search.q) }),
  component: lazyRouteComponent(() => import("../pages/runs/Runs"), "Runs"),
});

const run = createRoute({
  getParentRoute: () => root,
  path: "/runs/$runId",
  validateSearch: (search: Record<string, unknown>): RunSearch => ({ stage: text(search.stage), view: text(search.view) }),
  component: lazyRouteComponent(() => import("../pages/run/RunPage"), "RunPage"),
});

const review = createRoute({
  getParentRoute: () => root,
  path: "/review",
  validateSearch: (search: Record<string, unknown>): ReviewSearch => ({ id: text(search.id), order: text(search.order) }),
  component: lazyRouteComponent(() => import("../pages/review/Reviews"), "Reviews"),
});

const compare = createRoute({
  getParentRoute: () => root,
  path: "/compare",
  validateSearch: (search: Record<string, unknown>): CompareSearch => ({ a: text(search.a), b: text(search.b) }),
  component: lazyRouteComponent(() => import("../pages/compare/Compare"), "Compare"),
});

const pipelines = createRoute({
  getParentRoute: () => root,
  path: "/pipelines",
  component: lazyRouteComponent(() => import("../pages/pipelines/Pipelines"), "Pipelines"),
});

const pipeline = createRoute({
  getParentRoute: () => root,
  path: "/pipelines/$name",
  validateSearch: (search: Record<string, unknown>): PipelineSearch => ({ version: whole(search.version), edit: whole(search.edit) }),
  component: lazyRouteComponent(() => import("../pages/pipelines/PipelinePage"), "PipelinePage"),
});

const costs = createRoute({
  getParentRoute: () => root,
  path: "/costs",
  validateSearch: (search: Record<string, unknown>): CostsSearch => ({ by: text(search.by), days: typeof search.days === "number" ? search.days : undefined }),
  component: lazyRouteComponent(() => import("../pages/costs/Costs"), "Costs"),
});

const status = createRoute({
  getParentRoute: () => root,
  path: "/status",
  component: lazyRouteComponent(() => import("../pages/status/StatusPage"), "StatusPage"),
});

const admin = createRoute({
  getParentRoute: () => root,
  path: "/admin",
  beforeLoad: () => {
    // eslint-disable-next-line @typescript-eslint/only-throw-error -- that is how the router is told
    throw redirect({ to: "/admin/$noun", params: { noun: "runs" } });
  },
});

const adminNoun = createRoute({
  getParentRoute: () => root,
  path: "/admin/$noun",
  validateSearch: (search: Record<string, unknown>): AdminSearch => ({
    filters: typeof search.filters === "object" && search.filters !== null ? (search.filters as AdminSearch["filters"]) : undefined,
  }),
  component: lazyRouteComponent(() => import("../pages/admin/Admin"), "Admin"),
});

const adminRow = createRoute({
  getParentRoute: () => root,
  path: "/admin/$noun/$id",
  component: lazyRouteComponent(() => import("../pages/admin/Admin"), "Admin"),
});

const settings = createRoute({
  getParentRoute: () => root,
  path: "/settings",
  beforeLoad: () => {
    // eslint-disable-next-line @typescript-eslint/only-throw-error -- that is how the router is told
    throw redirect({ to: "/settings/$section", params: { section: "profile" } });
  },
});

const settingsSection = createRoute({
  getParentRoute: () => root,
  path: "/settings/$section",
  component: lazyRouteComponent(() => import("../pages/settings/Settings"), "Settings"),
});

export const router = createRouter({
  routeTree: root.addChildren([home, inbox, runs, run, review, compare, pipelines, pipeline, costs, status, admin, adminNoun, adminRow, settings, settingsSection]),
  basepath: BASE,
  defaultPreload: "intent",
  defaultErrorComponent: Broken,
  scrollRestoration: true,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
