// Trying what is being written: on what, with which model, how far; and where that run stands.

import { Link } from "@tanstack/react-router";

import { Button } from "../../../design/Button";
import { ErrorNotice, Notice } from "../../../design/Notice";
import { Panel } from "../../../design/Panel";
import { Status } from "../../../design/Status";
import { money, shortId } from "../../../design/words";
import { ModelSelect } from "../../../forms/ModelSelect";
import type { useSamples } from "./samples";
import type { Try } from "./useTry";

interface Props {
  trial: Try;
  offered: ReturnType<typeof useSamples>;
  sample: string;
  model: string;
  stage: string | null;
  /** Why nothing can be run now. */
  refusal: string | null;
  onSample: (id: string) => void;
  onModel: (model: string) => void;
  onRun: (upTo: string | null) => void;
}

export function TryPanel({ trial, offered, sample, model, stage, refusal, onSample, onModel, onRun }: Props) {
  const { samples, isPending, error } = offered;
  return (
    <Panel title="Try" aside={<span className="muted">on a sample, before you publish</span>}>
      {error ? <ErrorNotice error={error} /> : null}
      {!isPending && !error && samples.length === 0 ? (
        <p className="body">
          There is no content to try it on. <Link to="/inbox">Add a file or an e-mail in the inbox</Link>.
        </p>
      ) : (
        <div className="body try">
          <div className="field">
            <label htmlFor="sample">Sample</label>
            <select id="sample" value={sample} onChange={(event) => onSample(event.target.value)}>
              {samples.map((each) => (
                <option key={each.id} value={each.id}>
                  {each.name}
                </option>
              ))}
            </select>
          </div>
          <ModelSelect id="try-model" value={model} onChange={onModel} />
          <div className="actions">
            <Button kind="primary" refusal={refusal ?? (stage === null ? "Select a stage on the canvas first." : null)} isBusy={trial.isBusy} shortcut="x" onClick={() => onRun(stage)}>
              {stage === null ? "Run to a stage" : `Run to ${stage}`}
            </Button>
            <Button refusal={refusal} isBusy={trial.isBusy} onClick={() => onRun(null)}>
              Run all
            </Button>
          </div>
          <p className="hint muted">{refusal ?? "Stages that have not changed since the last try are reused at no cost. Stages that act on external systems do act."}</p>
          <Outcome trial={trial} />
        </div>
      )}
    </Panel>
  );
}

function Outcome({ trial: { run, tried, error } }: { trial: Try }) {
  if (error && tried) return <ErrorNotice error={error} />;
  if (!run || !tried) return null;
  return (
    <div className="outcome" role="status">
      <Status status={run.status} isPill />
      <span>
        {tried.upTo ? `to ${tried.upTo}` : "to its end"}, on {tried.sample.name}
      </span>
      <span className="muted">{money(run.totals.cost_usd)}</span>
      <Link to="/runs/$runId" params={{ runId: run.id }}>
        run <span className="mono">{shortId(run.id)}</span>
      </Link>
      {run.waiting_reason ? <Notice title={`Waiting: ${run.waiting_reason}.`} /> : null}
      {run.error ? <Notice tone="failed" title={run.error.message} hint={run.error.hint} /> : null}
    </div>
  );
}
