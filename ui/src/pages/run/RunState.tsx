// Where the run stands, in words: what is at work, why it waits, what failed. It has a room of its own that is always there, so that a run
// which fails or waits before one's eyes pushes nothing down.

import type { Run } from "../../api/schema";
import { Button } from "../../design/Button";
import { count } from "../../design/words";

interface Said {
  title: string;
  hint: string;
}

export function RunState({ run, stages, onShow }: { run: Run; stages: number; onShow: (stage: string) => void }) {
  const { title, hint } = stateOf(run, stages);
  const failed = run.error?.stage ?? null;
  return (
    <div className="notice run-state" data-status={run.error ? "failed" : run.status} data-whole={(run.error !== null && failed === null) || undefined} role={run.error ? "alert" : "status"}>
      <div>
        <p title={title}>{title}</p>
        <p className="hint" title={hint}>
          {hint}
        </p>
      </div>
      {failed === null ? null : (
        <Button size="small" onClick={() => onShow(failed)}>
          Show {failed}
        </Button>
      )}
    </div>
  );
}

/** `stages`: how many the pipeline has; 0: it is not known yet. */
export function stateOf(run: Pick<Run, "status" | "error" | "waiting_reason" | "current_stages" | "stages" | "results">, stages: number): Said {
  const waits = run.waiting_reason ? `The run is waiting: ${run.waiting_reason}.` : null;
  if (run.error) return { title: waits ?? run.error.message, hint: waits ? run.error.message : (run.error.hint ?? "") };
  const ended = run.stages.filter((stage) => ["completed", "skipped", "failed", "cancelled"].includes(stage.status)).length;
  const far = stages > 0 ? `${count(ended)} of ${count(stages)} stages have ended.` : "";
  switch (run.status) {
    case "pending":
      return { title: waits ?? "It is about to begin.", hint: "A worker takes it as soon as one has room." };
    case "running":
      return { title: waits ?? (run.current_stages.length > 0 ? `At work: ${run.current_stages.join(", ")}.` : "At work."), hint: far };
    case "waiting":
      return { title: waits ?? "The run is waiting.", hint: far };
    case "completed":
      return { title: "The run has completed.", hint: outcomeOf(run) };
    case "failed":
      return { title: "The run failed.", hint: far };
    case "cancelled":
      return { title: "The run was cancelled.", hint: `${far} What is finished is kept.`.trim() };
  }
}

function outcomeOf(run: Pick<Run, "stages" | "results">): string {
  const skipped = run.stages.filter((stage) => stage.status === "skipped").length;
  const kept = run.stages.filter((stage) => stage.reused_from !== null).length;
  const results = run.results.length === 1 ? "1 result" : `${count(run.results.length)} results`;
  return [results, kept > 0 ? `${count(kept)} reused from earlier runs` : "", skipped > 0 ? `${count(skipped)} not needed` : ""].filter(Boolean).join(", ") + ".";
}
