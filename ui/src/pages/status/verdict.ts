// The one sentence about how an organization's runs stand.

import type { RunBacklog } from "../../api/schema";
import { count, elapsed } from "../../design/words";

export interface Verdict {
  tone: "completed" | "waiting" | "failed";
  title: string;
  hint: string | null;
}

/** Longer than a free worker leaves a run that is due. */
const LATE_S = 30;

export function verdictOf({ has_worker, due, oldest_due_s, failed_in_day }: Pick<RunBacklog, "has_worker" | "due" | "oldest_due_s" | "failed_in_day">): Verdict {
  const runs = due === 1 ? "1 run is due" : `${count(due)} runs are due`;
  if (!has_worker) {
    const hint = "Whoever operates the installation starts one: tegu serve, or tegu worker.";
    return due > 0 ? { tone: "failed", title: `No worker is running: ${runs}, and nobody takes them.`, hint } : { tone: "waiting", title: "No worker is running: what is started now will wait.", hint };
  }
  if (oldest_due_s !== null && oldest_due_s > LATE_S) return { tone: "waiting", title: `${runs}, the oldest for ${elapsed(oldest_due_s)}.`, hint: "All workers are busy, or none has the Python stages that these runs need." };
  const failed = failed_in_day === 0 ? "No run failed in 24 hours." : `${failed_in_day === 1 ? "1 run" : `${count(failed_in_day)} runs`} failed in 24 hours.`;
  return { tone: "completed", title: "All is well: workers are running, and no run is kept waiting for one.", hint: failed };
}
