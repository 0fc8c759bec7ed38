// The same for many runs: a few at a time, with what became of each. Those that it cannot be done to are left, and it is said why.

import { call } from "../../api/call";
import { asError, Refusal } from "../../api/refusal";
import type { Run } from "../../api/schema";
import { isOver } from "../../run/over";
import type { RunsQuery } from "./search";

export const MATCHING_MAX = 10_000;
const AT_ONCE = 4;
const PAGE = 200;
const BUSY_TRIES = 6;
const BUSY_MS = 2_000;

export type Bulk = { kind: "cancel" } | { kind: "retry" } | { kind: "again"; stage: string };

export interface Progress {
  done: number;
  left: number;
  failed: number;
  /** Why runs were left or failed, and how many for each reason. */
  reasons: ReadonlyMap<string, number>;
  isOver: boolean;
}

/** Why it makes no sense for the run; null where it does. */
export function refusalOf(run: Run, bulk: Bulk): string | null {
  switch (bulk.kind) {
    case "cancel":
      return isOver(run) ? "has already ended" : run.cancel_requested_at ? "is already being cancelled" : null;
    case "retry":
      if (run.status !== "failed") return "has not failed";
      if (run.erased_at) return "its source was deleted";
      return run.error?.stage ? null : "did not fail in a stage; start a new run";
    case "again":
      return run.erased_at ? "its source was deleted" : isOver(run) ? null : "has not ended yet";
  }
}

async function act(run: Run, bulk: Bulk): Promise<void> {
  const path = { run_id: run.id };
  if (bulk.kind === "cancel") await call("runs_cancel", { path });
  else await call("runs_fork", { path, body: { from_stage: bulk.kind === "again" ? bulk.stage : (run.error?.stage ?? "") } }, { isOnce: true });
}

export async function performAll(runs: AsyncIterable<Run> | Iterable<Run>, bulk: Bulk, signal: AbortSignal, onProgress: (progress: Progress) => void): Promise<void> {
  const reasons = new Map<string, number>();
  const now = { done: 0, left: 0, failed: 0 };
  const tell = (isOver: boolean) => onProgress({ ...now, reasons: new Map(reasons), isOver });
  const because = (reason: string) => reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  const perform = async (run: Run) => {
    const refusal = refusalOf(run, bulk);
    if (refusal !== null) {
      now.left += 1;
      because(refusal);
    } else {
      try {
        await patiently(() => act(run, bulk), signal);
        now.done += 1;
      } catch (error) {
        now.failed += 1;
        because(asError(error).message);
      }
    }
    tell(false);
  };
  const under_way = new Set<Promise<void>>();
  for await (const run of runs) {
    if (signal.aborted) break;
    const one = perform(run).finally(() => under_way.delete(one));
    under_way.add(one);
    if (under_way.size >= AT_ONCE) await Promise.race(under_way);
  }
  await Promise.all(under_way);
  tell(true);
}

/** A service that says that it is asked too often is asked again a little later. */
async function patiently(ask: () => Promise<void>, signal: AbortSignal): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      await ask();
      return;
    } catch (error) {
      if (!(error instanceof Refusal && error.status === 429) || tries >= BUSY_TRIES || signal.aborted) throw error;
      await new Promise((resolve) => setTimeout(resolve, BUSY_MS * tries));
    }
  }
}

/** All that match, page by page, at most so many. */
export async function* matching(query: RunsQuery, signal: AbortSignal, most = MATCHING_MAX): AsyncGenerator<Run> {
  let cursor: string | null = "";
  for (let read = 0; cursor !== null && read < most && !signal.aborted; ) {
    const page: { items: Run[]; next_cursor: string | null } = await call("runs_list", { query: { ...query, limit: PAGE, ...(cursor ? { cursor } : {}) } }, { signal });
    for (const run of page.items.slice(0, most - read)) yield run;
    read += page.items.length;
    cursor = page.next_cursor;
  }
}
