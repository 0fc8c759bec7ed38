// What is run over what was chosen: the pipeline, the model, what it would take, and Start.

import { Link } from "@tanstack/react-router";
import { useMemo, useState } from "react";

import { useAct } from "../../session/act";
import type { PipelineVersion, Run } from "../../api/schema";
import { useMay } from "../../session/may";
import { Button } from "../../design/Button";
import { ErrorNotice, Notice, Skeleton } from "../../design/Notice";
import { Panel } from "../../design/Panel";
import { say } from "../../design/toasts";
import { count } from "../../design/words";
import { ModelSelect } from "../../forms/ModelSelect";
import { useIsAway } from "../../live/useFeed";
import type { Entry } from "./entries";
import { Estimate, useForecast } from "./Estimate";
import { suggestedFor } from "./suggested";

const INPUTS_MAX = 1000;
/** So few that somebody may open any of them at once: their first replies can be followed. */
const STREAMED_MAX = 5;

interface Props {
  selected: Entry[];
  /** Undefined: they are not read yet. */
  pipelines: PipelineVersion[] | undefined;
  latest: Run[] | undefined;
  onStarted: (runIds: string[]) => void;
}

export function StartPanel({ selected, ...read }: Props) {
  const { pipelines, latest } = read;
  return (
    <Panel title="Run a pipeline" aside={<span className="muted">{selected.length ? `${selected.length} selected` : "nothing selected"}</span>}>
      {pipelines === undefined || latest === undefined ? <Skeleton rows={4} /> : <Starting {...read} selected={selected} pipelines={pipelines} latest={latest} />}
    </Panel>
  );
}

interface Found extends Omit<Props, "pipelines" | "latest"> {
  pipelines: PipelineVersion[];
  latest: Run[];
}

function Starting({ selected, pipelines, latest, onStarted }: Found) {
  const [name, setName] = useState("");
  const [model, setModel] = useState("");
  const may = useMay();
  const isAway = useIsAway();
  const wanted = selected.some((entry) => entry.kind === "thread") ? "mail_thread" : "content";
  const fitting = useMemo(() => pipelines.filter((pipeline) => (pipeline.document.input ?? "content") === wanted), [pipelines, wanted]);
  const suggested = useMemo(() => suggestedFor(selected, fitting, latest), [selected, fitting, latest]);
  const pipeline = fitting.find((each) => each.name === name) ?? suggested?.pipeline;
  const unfit = unfitFor(selected, pipeline);
  const ids = useMemo(() => selected.map((entry) => entry.id), [selected]);
  const forecast = useForecast(unfit === null && pipeline !== undefined ? { pipeline: pipeline.name, kind: wanted, ids, model } : null);
  const withoutModel = unfit === null ? (forecast.data?.no_model ?? []) : [];
  const start = useAct("runs_start", {
    makesStale: ["runs_list"],
    onDone: ({ run_ids }) => {
      sayStarted(run_ids);
      onStarted(run_ids);
    },
  });
  const refusal = may("runs:write") ?? unfit ?? (isAway ? "The service is not responding. This page keeps trying to reach it." : withoutModel.length > 0 ? `No model is configured for ${withoutModel.join(", ")}.` : null);
  const begin = () => {
    if (pipeline === undefined) return;
    const inputs = wanted === "mail_thread" ? { thread_ids: ids } : { content_ids: ids };
    start.mutate({ body: { pipeline: pipeline.name, ...inputs, ...(model ? { model } : {}), ...(ids.length <= STREAMED_MAX ? { stream: true } : {}) } });
  };
  return (
    <div className="body stack">
      <div className="field">
        <label htmlFor="pipeline">Pipeline</label>
        <select id="pipeline" value={pipeline?.name ?? ""} onChange={(event) => setName(event.target.value)}>
          {fitting.map((each) => (
            <option key={each.id} value={each.name}>
              {each.name} v{each.number}
            </option>
          ))}
        </select>
        {suggested?.why && pipeline === suggested.pipeline && selected.length > 0 ? <span className="hint">Suggested: {suggested.why}.</span> : null}
        {typeof pipeline?.document.description === "string" ? <span className="hint">{pipeline.document.description}</span> : null}
      </div>
      <ModelSelect id="model" value={model} onChange={setModel} />
      {unfit === null && withoutModel.length === 0 ? <Estimate found={forecast} isAway={isAway} /> : null}
      {withoutModel.length > 0 ? <NoModel /> : null}
      {start.error ? <ErrorNotice error={start.error} /> : null}
      <Button kind="primary" refusal={refusal} isBusy={start.isPending} onClick={begin}>
        {selected.length > 1 ? `Start ${count(selected.length)} runs` : "Start"}
      </Button>
      {refusal ? <span className="muted hint">{refusal}</span> : null}
    </div>
  );
}

/** Why nothing can be run over what was chosen; null: this pipeline can. */
function unfitFor(selected: Entry[], pipeline: PipelineVersion | undefined): string | null {
  if (selected.length === 0) return "Select contents to run it over.";
  if (selected.length > INPUTS_MAX) return `At most ${count(INPUTS_MAX)} runs can be started at once.`;
  if (new Set(selected.map((entry) => entry.kind)).size > 1) return "Select either e-mail threads or files, not both.";
  return pipeline === undefined ? "No pipeline accepts this selection." : null;
}

function sayStarted(runIds: string[]): void {
  const [only] = runIds;
  if (runIds.length === 1 && only !== undefined) {
    say("Run started.", null, (
      <Link to="/runs/$runId" params={{ runId: only }}>
        Open the run
      </Link>
    ));
  } else say(`${count(runIds.length)} runs started.`, null, <Link to="/runs">View runs</Link>);
}

function NoModel() {
  return (
    <Notice title="No model is configured." hint="A run would fail at its first call. Choose a model for this run, or one for the organization.">
      <Link to="/settings/$section" params={{ section: "models" }}>
        Settings: models
      </Link>
    </Notice>
  );
}
