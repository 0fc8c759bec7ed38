// What can be done with a run. What cannot now says why, to the pointer and to the keyboard.

import { Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";

import { call } from "../../api/call";
import { stale } from "../../api/query";
import type { Run } from "../../api/schema";
import { useShortcuts } from "../../design/shortcuts";
import { Button } from "../../design/Button";
import { Dialog } from "../../design/Dialog";
import { say, sayError } from "../../design/toasts";
import type { Wired } from "../../graph/wiring";
import { useMay } from "../../session/may";
import { isOver } from "../../run/over";
import { Fork } from "./Fork";

export function RunActions({ run, wiring, stage }: { run: Run; wiring: Wired[]; stage: string | undefined }) {
  const [forks, setForks] = useState(false);
  const [asks, setAsks] = useState(false);
  const [isBusy, setIsBusy] = useState(false);
  const navigate = useNavigate();
  const mayNot = useMay()("runs:write");
  const refusal = mayNot ?? (isOver(run) ? `The run has ${run.status === "completed" ? "completed" : `ended: ${run.status}`}.` : run.cancel_requested_at ? "It is already being cancelled." : null);
  const noRerun = mayNot ?? (run.erased_at ? "The source of this run was deleted." : null);
  const cancel = async () => {
    setAsks(false);
    try {
      await call("runs_cancel", { path: { run_id: run.id } });
      say("Cancelling the run.", "Finished stages keep their results.");
    } catch (error) {
      sayError(error);
    }
    stale("runs_get", "runs_list");
  };
  useShortcuts([{ keys: "r", says: "Re-run from a stage", run: () => (noRerun === null ? setForks(true) : sayError(new Error(noRerun))) }]);
  const failed = run.status === "failed" ? (run.error?.stage ?? null) : null;
  const noRetry = noRerun !== null ? noRerun : run.status !== "failed" ? "Only failed runs can be retried." : failed === null ? "It did not fail in a stage: start a new run." : null;
  const retry = async () => {
    if (failed === null) return;
    setIsBusy(true);
    try {
      const made = await call("runs_fork", { path: { run_id: run.id }, body: { from_stage: failed, stream: true } }, { isOnce: true });
      say("Run started.", `It continues from ${failed}; the stages before it are reused.`);
      stale("runs_list", "runs_count", "runs_get");
      void navigate({ to: "/runs/$runId", params: { runId: made.run_id } });
    } catch (error) {
      sayError(error);
    }
    setIsBusy(false);
  };
  return (
    <div className="actions">
      <Link to="/compare" search={run.forked_from ? { a: run.forked_from, b: run.id } : { a: run.id }} className="button">
        Compare
      </Link>
      {run.version_is_draft && run.edits?.stages ? (
        <Link to="/pipelines/$name" params={{ name: run.pipeline }} search={{ edit: run.version }} className="button">
          Publish this edit
        </Link>
      ) : null}
      <Button kind={run.status === "failed" ? "primary" : "plain"} refusal={noRetry} isBusy={isBusy} onClick={() => void retry()}>
        Retry
      </Button>
      <Button refusal={refusal} onClick={() => setAsks(true)}>
        Cancel
      </Button>
      <Button refusal={noRerun} shortcut="r" onClick={() => setForks(true)}>
        Re-run from…
      </Button>
      {forks ? <Fork run={run} wiring={wiring} stage={stage} onClose={() => setForks(false)} /> : null}
      <Dialog title="Cancel this run?" isOpen={asks} onClose={() => setAsks(false)}>
        <p>Calls in progress are dropped within seconds, and may still be billed. Finished stages keep their results.</p>
        <div className="actions">
          <Button onClick={() => setAsks(false)}>Keep running</Button>
          <Button kind="danger" onClick={() => void cancel()}>
            Cancel the run
          </Button>
        </div>
      </Dialog>
    </div>
  );
}
