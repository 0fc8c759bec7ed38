// Re-run from a stage on: what lies before it is kept and not paid for again; its instructions or model may be others.

import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";

import { call } from "../../api/call";
import { own } from "../../api/own";
import { asError, Refusal } from "../../api/refusal";
import { stale } from "../../api/query";
import type { JsonValue, Run } from "../../api/schema";
import { Button } from "../../design/Button";
import { Dialog } from "../../design/Dialog";
import { ErrorNotice } from "../../design/Notice";
import { say } from "../../design/toasts";
import type { Wired } from "../../graph/wiring";

export function Fork({ run, wiring, stage: first, onClose }: { run: Run; wiring: Wired[]; stage: string | undefined; onClose: () => void }) {
  const navigate = useNavigate();
  const [stage, setStage] = useState(first ?? wiring[0]?.name ?? "");
  const chosen = wiring.find((each) => each.name === stage);
  const [instructions, setInstructions] = useState<string | null>(null);
  const [model, setModel] = useState("");
  const [outputs, setOutputs] = useState<Record<string, string>>({});
  const [isBusy, setIsBusy] = useState(false);
  const [error, setError] = useState<Error | null>(null);
  const before = chosen?.instructions ?? "";
  const start = async () => {
    const changed = changedOutputs(run, chosen?.upstream ?? [], outputs);
    if (changed instanceof Error) {
      setError(changed);
      return;
    }
    setIsBusy(true);
    setError(null);
    const edit: Record<string, JsonValue> = { ...(instructions !== null && instructions !== before ? { instructions } : {}), ...(model ? { model } : {}) };
    try {
      const body = { from_stage: stage, stream: true, ...(Object.keys(edit).length ? { edits: { [stage]: edit } } : {}), ...(Object.keys(changed).length ? { outputs: changed } : {}) };
      const made = await call("runs_fork", { path: { run_id: run.id }, body }, { isOnce: true });
      say("Run started.", "The stages before it were reused.");
      stale("runs_list", "runs_get");
      onClose();
      void navigate({ to: "/runs/$runId", params: { runId: made.run_id } });
    } catch (caught) {
      setError(asError(caught));
    }
    setIsBusy(false);
  };
  return (
    <Dialog title="Re-run from a stage" isOpen onClose={onClose}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          void start();
        }}
      >
        <div className="field">
          <label htmlFor="fork-stage">From</label>
          <select
            id="fork-stage"
            value={stage}
            onChange={(event) => {
              setStage(event.target.value);
              setInstructions(null);
              setOutputs({});
            }}
          >
            {wiring.map((each) => (
              <option key={each.name} value={each.name}>
                {each.name} ({each.uses})
              </option>
            ))}
          </select>
          <span className="hint">This stage and those after it run again; everything else is reused at no cost.</span>
        </div>
        {chosen?.instructions !== null ? (
          <div className="field">
            <label htmlFor="fork-instructions">Instructions</label>
            <textarea id="fork-instructions" rows={5} value={instructions ?? before} onChange={(event) => setInstructions(event.target.value)} />
          </div>
        ) : null}
        <div className="field">
          <label htmlFor="fork-model">Model of the stage</label>
          <input id="fork-model" type="text" placeholder="unchanged" value={model} onChange={(event) => setModel(event.target.value)} />
        </div>
        {(chosen?.upstream ?? []).filter((name) => outputOf(run, name) !== undefined).map((name) => (
          <details key={`${stage} ${name}`}>
            <summary>Its input from {name}</summary>
            <div className="field">
              <label htmlFor={`fork-${name}`}>The output of {name}, as JSON: edit it and the stage reads that instead</label>
              <textarea id={`fork-${name}`} rows={6} value={own(outputs, name) ?? JSON.stringify(outputOf(run, name), null, 2)} onChange={(event) => setOutputs({ ...outputs, [name]: event.target.value })} />
            </div>
          </details>
        ))}
        {error ? <ErrorNotice error={error} /> : null}
        <div className="actions">
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" kind="primary" isBusy={isBusy}>
            Re-run
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

const outputOf = (run: Run, stage: string): JsonValue | undefined => run.stages.find((each) => each.stage === stage && each.status === "completed")?.output;

/** What is to be read instead of what was put out; an error where that is no JSON. */
function changedOutputs(run: Run, names: string[], written: Record<string, string>): Record<string, JsonValue> | Error {
  const found: Record<string, JsonValue> = {};
  for (const name of names) {
    const text = written[name];
    if (text === undefined || text === JSON.stringify(outputOf(run, name), null, 2)) continue;
    try {
      found[name] = JSON.parse(text) as JsonValue;
    } catch {
      return new Refusal({ detail: `The input from ${name} is not valid JSON.`, code: "invalid_input", hint: "Put text in quotes." });
    }
  }
  return found;
}
