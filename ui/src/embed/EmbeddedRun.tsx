// A run as a host application shows it: where it is, what it came to, and where the source says so.

import { useEffect, useMemo, useState } from "react";

import { own } from "../api/own";
import { ErrorNotice, Notice, Skeleton } from "../design/Notice";
import { Panel } from "../design/Panel";
import { Status } from "../design/Status";
import { isOver } from "../run/over";
import { Fields } from "../source/Fields";
import { marksOf } from "../source/fields";
import { groupsOf } from "../source/groups";
import { Graph } from "../run/Graph";
import "../run/run.css";
import { Source } from "../source/Source";
import { Streamed } from "../source/Streamed";
import { useRun } from "../run/useRun";
import { tellHost } from "./host";

export function EmbeddedRun({ runId }: { runId: string }) {
  const { run, error, wiring, stages, progress, spent, said } = useRun(runId, { hasCalls: false });
  const [chosen, setChosen] = useState<string | null>(null);
  const [stage, setStage] = useState<string | undefined>();
  const groups = useMemo(() => groupsOf(run?.results ?? [], wiring), [run, wiring]);
  const marks = useMemo(() => marksOf(groups.flatMap((group) => group.fields)), [groups]);
  const ended = run && isOver(run) ? run.status : null;
  useEffect(() => {
    if (ended !== null) tellHost({ tegu: "ended", detail: { run_id: runId, status: ended } });
  }, [ended, runId]);
  if (error && !run) return <ErrorNotice error={error} />;
  if (!run) return <Skeleton rows={6} />;
  const streamed = stage === undefined ? undefined : own(said, stage);
  return (
    <>
      <h1>
        <span className="truncate">{run.input_name ?? run.pipeline}</span> <Status status={run.status} isPill />
      </h1>
      {run.waiting_reason ? <Notice tone="waiting" title={`The run is waiting: ${run.waiting_reason}.`} /> : null}
      {run.error ? <Notice tone="failed" title={run.error.message} hint={run.error.hint} /> : null}
      <Panel title="Stages">
        <Graph wiring={wiring} runs={stages} progress={progress} spent={spent} chosen={stage} onChoose={(name) => setStage(name === stage ? undefined : name)} />
        {streamed !== undefined && !isOver(run) ? <Streamed text={streamed} /> : null}
      </Panel>
      <div className="embed-columns">
        <Panel title="Source">
          <div className="evidence-source" role="region" aria-label="Source of the run" tabIndex={0}>
            <Source run={run} marks={marks} chosen={chosen} onChoose={setChosen} />
          </div>
        </Panel>
        <Panel title="Results">
          <Fields groups={groups} chosen={chosen} onChoose={setChosen} />
        </Panel>
      </div>
    </>
  );
}
