// A run, its pipeline's wiring, what its calls cost, and what models say at this moment: read once, then kept by the feed.

import { useMemo, useState } from "react";

import { stale, useRead } from "../api/query";
import type { JsonValue, LlmCall, Run, StageRun } from "../api/schema";
import { useDelayed, useFeed } from "../live/useFeed";
import type { Spent } from "./Graph";
import { wiringOf, type Wired } from "../graph/wiring";
import { isOver } from "./over";

const LOOK_MS = 150;
const CALLS_MAX = 200;
const MAP_MS = 3000;

// What a stage started tells its own run only when it ends: until then its progress is asked for.
const startsRuns = (run: Run | undefined): boolean => run !== undefined && !isOver(run) && run.children.length > 0;

/** Null: there is no run yet. `hasCalls`: also what its calls cost, which not everybody may know. */
export function useRun(runId: string | null, { hasCalls = true } = {}) {
  const isThere = runId !== null;
  const read = useRead("runs_get", { path: { run_id: runId ?? "" } }, { enabled: isThere, refetchInterval: (query) => (startsRuns(query.state.data) ? MAP_MS : false) });
  const run = read.data;
  const version = useRead("pipelines_get", { path: { pipeline: run ? `${run.pipeline}@${run.version}` : "" } }, { enabled: run !== undefined, staleTime: Infinity });
  const calls = useRead("calls_list", { query: { run_id: runId ?? "", limit: CALLS_MAX } }, { enabled: isThere && hasCalls });
  const [said, setSaid] = useState<Record<string, string>>({});
  const look = useDelayed(() => stale("runs_get", "calls_list"), LOOK_MS);
  useFeed(runId === null || (run && isOver(run)) ? null : `run:${runId}`, {
    onEvent: look,
    onResync: look,
    onPartial: ({ stage, data }) => {
      const text = textOf(data);
      if (stage !== null && text !== null) setSaid((before) => ({ ...before, [stage]: text }));
    },
  });
  const wiring = useMemo<Wired[]>(() => (version.data ? wiringOf(version.data) : []), [version.data]);
  // What somebody gave is no reuse of what a stage came to.
  const stages = useMemo(() => new Map<string, StageRun>((run?.stages ?? []).map((stage) => [stage.stage, isGiven(run, stage.stage) ? { ...stage, reused_from: null } : stage])), [run]);
  const progress = useMemo(() => {
    const given = (run?.stages ?? []).flatMap(({ stage }): [string, string][] => (isGiven(run, stage) ? [[stage, "edited by hand"]] : []));
    return new Map([...(run?.children ?? []).map((group): [string, string] => [group.stage, group.progress]), ...given]);
  }, [run]);
  const spent = useMemo(() => spentOf(calls.data?.items ?? []), [calls.data]);
  return { run, error: read.error ?? version.error, wiring, stages, progress, spent, said };
}

function isGiven(run: Run | undefined, stage: string): boolean {
  const outputs = run?.edits?.outputs;
  return Array.isArray(outputs) && outputs.includes(stage);
}

function spentOf(calls: LlmCall[]): Map<string, Spent> {
  const found = new Map<string, Spent>();
  for (const call of calls) {
    if (call.stage === null || call.answered_by === "journal") continue;
    const before = found.get(call.stage) ?? { model: `${call.provider}:${call.model}`, cost_usd: 0, tokens: 0 };
    const cost = before.cost_usd === null || call.cost_usd === null ? null : before.cost_usd + Number(call.cost_usd);
    found.set(call.stage, { ...before, cost_usd: cost, tokens: before.tokens + (call.usage.input_tokens ?? 0) + (call.usage.output_tokens ?? 0) });
  }
  return found;
}

function textOf(data: JsonValue): string | null {
  if (typeof data !== "object" || data === null || Array.isArray(data)) return null;
  const { partial } = data;
  if (partial === undefined || partial === null) return null;
  return typeof partial === "string" ? partial : JSON.stringify(partial, null, 2);
}
