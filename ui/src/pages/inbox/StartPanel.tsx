// What is run over what was chosen: the pipeline, the model, what it would take, and Start.

import { useMemo, useState } from "react";

import { call } from "../../api/call";
import { stale } from "../../api/query";
import type { PipelineVersion, Run } from "../../api/schema";
import { Button } from "../../design/Button";
import { Skeleton } from "../../design/Notice";
import { Panel } from "../../design/Panel";
import { say, sayError } from "../../design/toasts";
import { count } from "../../design/words";
import { ModelSelect } from "../../forms/ModelSelect";
import type { Entry } from "./entries";
import { Estimate } from "./Estimate";
import { suggestedFor } from "./suggested";

const INPUTS_MAX = 1000;

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

function Starting({ selected, pipelines, latest, onStarted }: { selected: Entry[]; pipelines: PipelineVersion[]; latest: Run[]; onStarted: (runIds: string[]) => void }) {
  const [name, setName] = useState("");
  const [model, setModel] = useState("");
  const [isBusy, setIsBusy] = useState(false);
  const wanted = selected.some((entry) => entry.kind === "thread") ? "mail_thread" : "content";
  const fitting = useMemo(() => pipelines.filter((pipeline) => (pipeline.document.input ?? "content") === wanted), [pipelines, wanted]);
  const suggested = useMemo(() => suggestedFor(selected, fitting, latest), [selected, fitting, latest]);
  const pipeline = fitting.find((each) => each.name === name) ?? suggested?.pipeline;
  const isMixed = new Set(selected.map((entry) => entry.kind)).size > 1;
  const refusal =
    selected.length === 0 ? "Select contents to run it over." : selected.length > INPUTS_MAX ? `At most ${count(INPUTS_MAX)} runs can be started at once.` : isMixed ? "Select either e-mail threads or files, not both." : pipeline === undefined ? "No pipeline accepts this selection." : null;
  const start = async () => {
    if (pipeline === undefined) return;
    setIsBusy(true);
    try {
      const ids = selected.map((entry) => entry.id);
      const inputs = wanted === "mail_thread" ? { thread_ids: ids } : { content_ids: ids };
      const body = { pipeline: pipeline.name, ...inputs, ...(model ? { model } : {}) };
      const { run_ids } = await call("runs_start", { body }, { isOnce: true });
      say(run_ids.length === 1 ? "Run started." : `${run_ids.length} runs started.`);
      onStarted(run_ids);
    } catch (error) {
      sayError(error);
    }
    setIsBusy(false);
    stale("runs_list");
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
      {refusal === null && pipeline !== undefined ? <Estimate pipeline={pipeline.name} kind={wanted} ids={selected.map((entry) => entry.id)} model={model} /> : null}
      <Button kind="primary" refusal={refusal} isBusy={isBusy} onClick={() => void start()}>
        {selected.length > 1 ? `Start ${count(selected.length)} runs` : "Start"}
      </Button>
      {refusal ? <span className="muted hint">{refusal}</span> : null}
    </div>
  );
}
