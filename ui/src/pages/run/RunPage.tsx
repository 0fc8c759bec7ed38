// One run: live graph and timeline, one stage from near, and the source beside what was read from it.

import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useMemo, useState } from "react";

import { call } from "../../api/call";
import { stale } from "../../api/query";
import type { Run } from "../../api/schema";
import { useShortcuts } from "../../app/shortcuts";
import { Button } from "../../design/Button";
import { Dialog } from "../../design/Dialog";
import { ErrorNotice, Notice, Skeleton } from "../../design/Notice";
import { Panel } from "../../design/Panel";
import { Status } from "../../design/Status";
import { Tabs } from "../../design/Tabs";
import { Time } from "../../design/Time";
import { say, sayError } from "../../design/toasts";
import { count, money, shortId } from "../../design/words";
import { Took } from "../runs/Rows";
import { Fields } from "../../source/Fields";
import { fieldsOf, marksOf } from "../../source/fields";
import { Fork } from "./Fork";
import { Graph } from "./Graph";
import "./run.css";
import { Source } from "../../source/Source";
import { Json, StageDrawer } from "./StageDrawer";
import { Timeline } from "./Timeline";
import { isOver, useRun } from "./useRun";
import type { Wired } from "../../graph/wiring";

const VIEWS = ["evidence", "stage", "json"] as const;
type View = (typeof VIEWS)[number];

export function RunPage() {
  const { runId } = useParams({ from: "/runs/$runId" });
  const search = useSearch({ from: "/runs/$runId" });
  const navigate = useNavigate();
  const { run, error, wiring, stages, progress, spent, said } = useRun(runId);
  const [chosen, setChosen] = useState<string | null>(null);
  const groups = useMemo(() => (run?.results ?? []).map((result) => ({ result, fields: fieldsOf(result) })), [run]);
  const marks = useMemo(() => marksOf(groups.flatMap((group) => group.fields)), [groups]);
  const view: View = VIEWS.find((each) => each === search.view) ?? (search.stage ? "stage" : "evidence");
  const show = (to: { stage?: string | undefined; view?: View }) =>
    void navigate({ to: "/runs/$runId", params: { runId }, search: { stage: to.stage ?? search.stage, view: to.view ?? view }, replace: true });
  const order = groups.filter((group) => group.fields.some((field) => field.evidence.length > 0)).flatMap((group) => group.fields.map((field) => field.id));
  const step = (by: number) => setChosen(order[Math.min(order.length - 1, Math.max(0, order.indexOf(chosen ?? "") + by))] ?? null);
  useShortcuts([
    { keys: "j", says: "Next field", run: () => step(1) },
    { keys: "k", says: "Field before", run: () => step(-1) },
    { keys: "1", says: "Evidence", run: () => show({ view: "evidence" }) },
    { keys: "2", says: "The chosen stage", run: () => show({ view: "stage" }) },
  ]);
  if (error && !run) {
    return (
      <main id="main" className="page">
        <ErrorNotice error={error} />
        <Link to="/runs">
          All runs
        </Link>
      </main>
    );
  }
  if (!run) {
    return (
      <main id="main" className="page">
        <Panel>
          <Skeleton rows={8} />
        </Panel>
      </main>
    );
  }
  const chosenStage = search.stage;
  const graph = { wiring, runs: stages, progress, spent, chosen: chosenStage, onChoose: (stage: string) => show({ stage, view: "stage" }) };
  return (
    <main id="main" className="page">
      <Head run={run} wiring={wiring} stage={chosenStage} />
      {run.waiting_reason ? <Notice tone="waiting" title={`The run waits: ${run.waiting_reason}.`} /> : null}
      {run.error ? <Notice tone="failed" title={run.error.message} hint={run.error.hint} /> : null}
      <div className="run-columns" data-view={view}>
        <Panel title="Stages" className="stages-panel">
          <Graph {...graph} />
          <Timeline run={run} {...graph} />
        </Panel>
        <div className="panel side">
          <Tabs
            label="What to look at"
            tabs={[
              { name: "evidence", label: "Evidence" },
              { name: "stage", label: chosenStage ?? "Stage" },
              { name: "json", label: "JSON" },
            ]}
            chosen={view}
            onChoose={(name) => show({ view: name })}
          >
            {view === "evidence" ? (
              <div className="evidence">
                <div className="evidence-source" role="region" aria-label="Source" tabIndex={0}>
                  <Source run={run} marks={marks} chosen={chosen} onChoose={setChosen} />
                </div>
                <Fields groups={groups} chosen={chosen} onChoose={setChosen} />
              </div>
            ) : view === "stage" ? (
              <StageDrawer
                run={run}
                stage={chosenStage ? stages.get(chosenStage) : undefined}
                wired={wiring.find((each) => each.name === chosenStage)}
                streamed={chosenStage ? (said[chosenStage] ?? null) : null}
              />
            ) : (
              <div className="body">
                <Json value={JSON.parse(JSON.stringify(run)) as Record<string, never>} />
              </div>
            )}
          </Tabs>
        </div>
      </div>
    </main>
  );
}

function Head({ run, wiring, stage }: { run: Run; wiring: Wired[]; stage: string | undefined }) {
  return (
    <div className="head">
      <div>
        <h1>
          {run.input_name ?? shortId(run.id)} <Status status={run.status} isPill />
        </h1>
        <div className="muted">
          {run.forked_from ? (
            <>
              again from {run.fork_stage} of{" "}
              <Link to="/runs/$runId" params={{ runId: run.forked_from }} className="mono">
                {shortId(run.forked_from)}
              </Link>{" "}
              ·{" "}
            </>
          ) : null}
          {run.pipeline} v{run.version} · run <span className="mono">{shortId(run.id)}</span> · started <Time at={run.created_at} /> · by {run.triggered_by}
        </div>
      </div>
      <dl className="facts">
        <div>
          <dt>elapsed</dt>
          <dd>
            <Took run={run} />
          </dd>
        </div>
        <div>
          <dt>tokens in / out</dt>
          <dd>
            {count(run.totals.input_tokens)} / {count(run.totals.output_tokens)}
          </dd>
        </div>
        <div>
          <dt>cost</dt>
          <dd>
            {money(run.totals.cost_usd)}
            {run.totals.unknown_costs ? <span title={`The cost of ${run.totals.unknown_costs} calls is not known.`}> +?</span> : null}
          </dd>
        </div>
      </dl>
      <Actions run={run} wiring={wiring} stage={stage} />
    </div>
  );
}

function Actions({ run, wiring, stage }: { run: Run; wiring: Wired[]; stage: string | undefined }) {
  const [forks, setForks] = useState(false);
  const [asks, setAsks] = useState(false);
  const refusal = isOver(run) ? `The run has ${run.status === "completed" ? "completed" : `ended: ${run.status}`}.` : run.cancel_requested_at ? "Its end was asked for already." : null;
  const cancel = async () => {
    setAsks(false);
    try {
      await call("runs_cancel", { path: { run_id: run.id } });
      say("The run is being ended.", "Stages that are finished keep their results.");
    } catch (error) {
      sayError(error);
    }
    stale("runs_get", "runs_list");
  };
  useShortcuts([{ keys: "r", says: "Run again from a stage", run: () => setForks(true) }]);
  const copy = async () => {
    await navigator.clipboard.writeText(`tegu runs show ${run.id}`);
    say("Copied.");
  };
  return (
    <div className="actions">
      <Button kind="quiet" onClick={() => void copy()} title={`tegu runs show ${run.id}`}>
        Copy as command
      </Button>
      <Link to="/compare" search={run.forked_from ? { a: run.forked_from, b: run.id } : { a: run.id }} className="button">
        Compare
      </Link>
      <Button refusal={refusal} onClick={() => setAsks(true)}>
        Cancel
      </Button>
      <Button refusal={run.erased_at ? "What the run read was deleted." : null} shortcut="r" onClick={() => setForks(true)}>
        Run again from…
      </Button>
      {forks ? <Fork run={run} wiring={wiring} stage={stage} onClose={() => setForks(false)} /> : null}
      <Dialog title="End this run?" isOpen={asks} onClose={() => setAsks(false)}>
        <p>Calls under way are dropped within seconds; they may still be billed. What is finished stays.</p>
        <div className="actions">
          <Button onClick={() => setAsks(false)}>Let it run</Button>
          <Button kind="danger" onClick={() => void cancel()}>
            End the run
          </Button>
        </div>
      </Dialog>
    </div>
  );
}
