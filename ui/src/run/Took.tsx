// How long a run took; of one that works, how long so far.

import type { Run } from "../api/schema";
import { useNow } from "../design/now";
import { elapsed, secondsBetween } from "../design/words";

export function Took({ run }: { run: Pick<Run, "started_at" | "ended_at"> }) {
  const now = useNow();
  if (run.started_at === null) return <>{elapsed(null)}</>;
  return <>{elapsed(Math.max(0, secondsBetween(run.started_at, run.ended_at ?? now)))}</>;
}
