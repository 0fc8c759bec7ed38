// What a client written with the generated types may say, and, where a line above expects an error, what it may not.
import { ROUTES, type OperationName, type Operations, type Run, type RunStatus } from "../../../ui/src/api/schema";

type Given<Name extends OperationName> = {
  [Place in "path" | "query" | "body" as Operations[Name][Place] extends never ? never : Place]: Operations[Name][Place];
};

async function ask<Name extends OperationName>(name: Name, given: Given<Name>): Promise<Operations[Name]["answer"]> {
  const route = ROUTES[name];
  const sent: { path?: Record<string, string>; query?: Record<string, string>; body?: unknown } = { ...given };
  const path = route.path.replace(/\{(\w+)\}/g, (_, key: string) => encodeURIComponent(sent.path?.[key] ?? ""));
  const query = new URLSearchParams(sent.query).toString();
  const body = sent.body === undefined ? {} : { body: JSON.stringify(sent.body) };
  const answer = await fetch(`/api${path}?${query}`, { method: route.method, ...body });
  return (await answer.json()) as Operations[Name]["answer"];
}

export async function costOfFailedRuns(): Promise<number> {
  const page = await ask("runs_list", { query: { status: "failed", limit: 10 } });
  const runs: Run[] = page.items;
  const cursor: string | null = page.next_cursor;
  // @ts-expect-error there is no such status
  await ask("runs_list", { query: { status: "exploded" } });
  // @ts-expect-error a limit is a number
  await ask("runs_list", { query: { limit: "ten" } });
  return runs.reduce((sum, run) => sum + Number(run.totals.cost_usd), cursor === null ? 0 : NaN);
}

export async function startedOver(contentId: string): Promise<string[]> {
  const started = await ask("runs_start", { body: { pipeline: "email_analysis", content_ids: [contentId] } });
  // @ts-expect-error a run has a pipeline
  await ask("runs_start", { body: { content_ids: [contentId] } });
  // @ts-expect-error nothing of that name is taken
  await ask("runs_start", { body: { pipeline: "email_analysis", organisation: "another" } });
  // @ts-expect-error a run is read by its id
  await ask("runs_get", {});
  return started.run_ids;
}

export function isOver(run: Run): boolean {
  const over: RunStatus[] = ["completed", "failed", "cancelled"];
  // @ts-expect-error a run may have no error
  run.error.message.trim();
  return over.includes(run.status);
}
