// What is done to the chosen runs, or to all that match: asked once, then one after the other, with its progress.

import { Link } from "@tanstack/react-router";
import { useEffect, useMemo, useRef, useState } from "react";

import { stale, useRead } from "../../api/query";
import type { Run } from "../../api/schema";
import { Button } from "../../design/Button";
import { Dialog } from "../../design/Dialog";
import { count } from "../../design/words";
import { wiringOf } from "../../graph/wiring";
import { matching, MATCHING_MAX, performAll, type Bulk, type Progress } from "./bulk";
import type { RunsQuery } from "./search";

export interface Chosen {
  runs: Run[];
  /** All that match, also those that are not shown. */
  isAll: boolean;
}

const ASKS = { cancel: "Cancel these runs?", retry: "Retry these runs?", again: "Re-run these runs?" } as const;
const SAYS = {
  cancel: "Calls in progress are dropped within seconds, and may still be billed. Finished stages keep their results.",
  retry: "Each failed run gives a new run from the stage that failed. The stages before it are reused at no cost.",
  again: "Each gives a new run from that stage on. The stages before it are reused at no cost.",
} as const;

export function BulkBar({ chosen, total, query, onNone, onAll }: { chosen: Chosen; total: string; query: RunsQuery; onNone: () => void; onAll: () => void }) {
  const [asked, setAsked] = useState<Bulk["kind"] | null>(null);
  const what = chosen.isAll ? `all ${total} matching` : chosen.runs.length === 1 ? "1 run" : `${count(chosen.runs.length)} runs`;
  const two = chosen.isAll ? null : pairOf(chosen.runs);
  return (
    <div className="bulk" role="region" aria-label="Selected runs">
      <strong>{what}</strong>
      {chosen.isAll ? null : (
        <Button size="small" kind="quiet" onClick={onAll}>
          Select all {total} matching
        </Button>
      )}
      <Button size="small" kind="quiet" onClick={onNone}>
        Clear selection
      </Button>
      <span className="actions">
        {two ? (
          <Link to="/compare" search={two} className="button" data-size="small">
            Compare
          </Link>
        ) : null}
        <Button size="small" onClick={() => setAsked("retry")}>
          Retry
        </Button>
        <Button size="small" onClick={() => setAsked("again")}>
          Re-run from…
        </Button>
        <Button size="small" kind="danger" onClick={() => setAsked("cancel")}>
          Cancel
        </Button>
      </span>
      {asked !== null ? <Ask kind={asked} what={what} chosen={chosen} query={query} onClose={() => setAsked(null)} /> : null}
    </div>
  );
}

/** The older first. */
function pairOf(runs: Run[]): { a: string; b: string } | null {
  const [first, second, ...more] = [...runs].sort((one, other) => one.created_at.localeCompare(other.created_at));
  return first && second && more.length === 0 ? { a: first.id, b: second.id } : null;
}

function Ask({ kind, what, chosen, query, onClose }: { kind: Bulk["kind"]; what: string; chosen: Chosen; query: RunsQuery; onClose: () => void }) {
  const [progress, setProgress] = useState<Progress | null>(null);
  const [stage, setStage] = useState("");
  const stop = useRef<AbortController | null>(null);
  const [runs] = useState(chosen.runs); // what is shown meanwhile may change
  useEffect(() => () => stop.current?.abort(), []);
  const stages = useStages(runs, chosen.isAll ? query.pipeline : undefined, kind === "again");
  const from = stage || stages.names[0] || "";
  const refusal = kind === "again" && !from ? stages.refusal : null;
  const start = () => {
    const abort = (stop.current = new AbortController());
    const bulk: Bulk = kind === "again" ? { kind, stage: from } : { kind };
    setProgress({ done: 0, left: 0, failed: 0, reasons: new Map(), isOver: false });
    const over = () => stale("runs_list", "runs_count");
    void performAll(chosen.isAll ? matching(query, abort.signal) : runs, bulk, abort.signal, setProgress).then(over, over);
  };
  return (
    <Dialog title={ASKS[kind]} isOpen onClose={onClose}>
      <p>
        <strong>{what}.</strong> {SAYS[kind]}
        {chosen.isAll ? ` At most ${count(MATCHING_MAX)} at a time.` : ""}
      </p>
      {kind === "again" && progress === null ? (
        <div className="field">
          <label htmlFor="bulk-stage">From</label>
          <select id="bulk-stage" value={from} onChange={(event) => setStage(event.target.value)}>
            {stages.names.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
          {refusal ? <span className="hint">{refusal}</span> : null}
        </div>
      ) : null}
      {progress ? <Told progress={progress} total={chosen.isAll ? null : runs.length} /> : null}
      <div className="actions">
        {progress === null ? (
          <>
            <Button onClick={onClose}>Keep them</Button>
            <Button kind={kind === "cancel" ? "danger" : "primary"} refusal={refusal} onClick={start}>
              {kind === "cancel" ? "Cancel runs" : kind === "retry" ? "Retry" : "Re-run"}
            </Button>
          </>
        ) : progress.isOver ? (
          <Button kind="primary" onClick={onClose}>
            Close
          </Button>
        ) : (
          <Button onClick={() => stop.current?.abort()}>Stop</Button>
        )}
      </div>
    </Dialog>
  );
}

function Told({ progress, total }: { progress: Progress; total: number | null }) {
  const seen = progress.done + progress.left + progress.failed;
  return (
    <div className="stack" aria-live="polite">
      <progress value={progress.isOver ? 1 : total === null ? undefined : seen} max={progress.isOver ? 1 : (total ?? undefined)} aria-label="Progress" />
      <p>
        {progress.isOver ? "Done with " : ""}
        {count(progress.done)}
        {total === null ? "" : ` of ${count(total)}`}
        {progress.left > 0 ? `, ${count(progress.left)} skipped` : ""}
        {progress.failed > 0 ? `, ${count(progress.failed)} failed` : ""}.
      </p>
      {progress.reasons.size > 0 ? (
        <ul className="reasons">
          {[...progress.reasons].slice(0, 8).map(([reason, number]) => (
            <li key={reason}>
              <span className="number">{count(number)}</span> {reason}
            </li>
          ))}
        </ul>
      ) : null}
    </div>
  );
}

/** The stages that all of them have, where they are of one pipeline. */
function useStages(runs: Run[], pipeline: string | undefined, isAsked: boolean): { names: string[]; refusal: string } {
  const names = useMemo(() => new Set(pipeline ? [pipeline] : runs.map((run) => `${run.pipeline}@${run.version}`)), [runs, pipeline]);
  const [only] = names.size === 1 ? names : [];
  const version = useRead("pipelines_get", { path: { pipeline: only ?? "" } }, { enabled: isAsked && only !== undefined });
  if (only === undefined) return { names: [], refusal: "These runs are of several pipelines or versions. Filter by one: pipeline:…" };
  return { names: version.data ? wiringOf(version.data).map((each) => each.name) : [], refusal: version.error?.message ?? "Loading its stages." };
}
