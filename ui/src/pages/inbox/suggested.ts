// Which pipeline one would take: what was run last over the same kind of thing, as far as that still fits.

import type { PipelineVersion, Run } from "../../api/schema";
import { endingOf, type Entry } from "./entries";

export interface Suggested {
  pipeline: PipelineVersion;
  /** Why this one; null where it is only the first that fits. */
  why: string | null;
}

export function suggestedFor(selected: Entry[], fitting: PipelineVersion[], runs: Run[]): Suggested | null {
  const [first] = selected;
  const likes = runs.filter((run) => (first?.kind === "thread" ? run.thread_id !== null : run.content_id !== null && (first?.ending == null || endingOf(run.input_name ?? "") === first.ending)));
  const times = new Map<string, number>();
  for (const run of likes) times.set(run.pipeline, (times.get(run.pipeline) ?? 0) + 1);
  const most = fitting.filter((each) => times.has(each.name)).sort((a, b) => (times.get(b.name) ?? 0) - (times.get(a.name) ?? 0))[0];
  if (most) return { pipeline: most, why: `last used for ${first?.kind === "thread" ? "e-mails" : first?.ending ? `.${first.ending} files` : "files"}` };
  return fitting[0] ? { pipeline: fitting[0], why: null } : null;
}
