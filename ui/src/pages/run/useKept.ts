// What was kept from earlier runs, and what it had cost there: that is what reuse saved.

import { useQueries } from "@tanstack/react-query";

import { call } from "../../api/call";
import { keyOf } from "../../api/query";
import type { Run } from "../../api/schema";

const ORIGINS_MAX = 8;
const CALLS_MAX = 500;

export interface Kept {
  stages: number;
  /** Null: it is not known, or not yet. */
  cost_usd: number | null;
}

/** Null: nothing was kept. */
export function useKept(run: Run): Kept | null {
  const kept = run.stages.filter((stage) => stage.reused_from !== null);
  const origins = [...new Set(kept.flatMap((stage) => (stage.reused_from === null ? [] : [stage.reused_from])))];
  const found = useQueries({
    queries: origins.slice(0, ORIGINS_MAX).map((run_id) => {
      const query = { run_id, limit: CALLS_MAX };
      return { queryKey: keyOf("calls_list", { query }), queryFn: ({ signal }: { signal: AbortSignal }) => call("calls_list", { query }, { signal }), staleTime: Infinity };
    }),
  });
  if (kept.length === 0) return null;
  const isWhole = origins.length <= ORIGINS_MAX && found.every((each) => each.data !== undefined && each.data.next_cursor === null);
  if (!isWhole) return { stages: kept.length, cost_usd: null };
  let cost_usd: number | null = 0;
  for (const [index, origin] of origins.entries()) {
    const names = new Set(kept.filter((stage) => stage.reused_from === origin).map((stage) => stage.stage));
    for (const each of found[index]?.data?.items ?? []) {
      if (each.stage === null || !names.has(each.stage) || each.answered_by === "journal") continue;
      cost_usd = cost_usd === null || each.cost_usd === null ? null : cost_usd + Number(each.cost_usd);
    }
  }
  return { stages: kept.length, cost_usd };
}
