// One run: live graph and timeline, one stage from near, and the source beside what was read from it.

import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useMemo, useState } from "react";

import type { Run } from "../../api/schema";
import { own } from "../../api/own";
import { useShortcuts } from "../../design/shortcuts";
import { ErrorNotice, Skeleton } from "../../design/Notice";
import { Panel } from "../../design/Panel";
import { Status } from "../../design/Status";
import { Theirs } from "../../design/Theirs";
import { Tabs } from "../../design/Tabs";
import { Time } from "../../design/Time";
import { count, money, shortId } from "../../design/words";
import { Took } from "../../run/Took";
import { Fields } from "../../source/Fields";
import { marksOf } from "../../source/fields";
import { groupsOf } from "../../source/groups";
import { Graph } from "../../run/Graph";
import { Json } from "../../run/Json";
import { isOver } from "../../run/over";
import { StageDrawer } from "../../run/StageDrawer";
import { Copies } from "./Copies";
import { RunActions } from "./RunActions";
import { RunState } from "./RunState";
import { Speaking } from "./Speaking";
import "../../run/run.css";
import { Source } from "../../source/Source";
import { Timeline } from "./Timeline";
import { useKept } from "./useKept";
import { useRun } from "../../run/useRun";
import type { Wired } from "../../graph/wiring";

const VIEWS = ["evidence", "stage", "json"] as const;
type View = (typeof VIEWS)[number];

export function RunPage() {
  const { runId } = useParams({ from: "/runs/$runId" });
  const search = useSearch({ from: "/runs/$runId" });
  const navigate = useNavigate();
  const { run, error, wiring, stages, progress, spent, said } = useRun(runId);
  const [chosen, setChosen] = useState<string | null>(null);
  const groups = useMemo(() => groupsOf(run?.results ?? [], wiring), [run, wiring]);
  const marks = useMemo(() => marksOf(groups.flatMap((group) => group.fields)), [groups]);
  const view: View = VIEWS.find((each) => each === search.view) ?? (search.stage ? "stage" : "evidence");
  const show = (to: { stage?: string | undefined; view?: View }) =>
    void navigate({ to: "/runs/$runId", params: { runId }, search: { stage: to.stage ?? search.stage, view: to.view ?? view }, replace: true });
  const replies = useMemo(() => Object.entries(said).map(([stage, text]) => ({ stage, text, isUnderWay: stages.get(stage)?.status === "running" })), [said, stages]);
  const order = groups.filter((group) => !group.isReplaced && group.fields.some((field) => field.evidence.length > 0)).flatMap((group) => group.fields.map((field) => field.id));
  const step = (by: number) => setChosen(order[Math.min(order.length - 1, Math.max(0, order.indexOf(chosen ?? "") + by))] ?? null);
  useShortcuts([
    { keys: "j", says: "Next field", run: () => step(1) },
    { keys: "k", says: "Previous field", run: () => step(-1) },
    { keys: "1", says: "Evidence", run: () => show({ view: "evidence" }) },
    { keys: "2", says: "Selected stage", run: () => show({ view: "stage" }) },
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
      <RunState run={run} stages={wiring.length} onShow={graph.onChoose} />
      <div className="stack">
        <section className="panel" aria-label="Stages">
          <h2 className="visually-hidden">Stages</h2>
          {wiring.length === 0 && !error ? (
            <Skeleton rows={4} />
          ) : (
            <div className="course">
              <Graph {...graph} />
              <Timeline run={run} {...graph} />
            </div>
          )}
        </section>
        <div className="panel details" data-view={view}>
          <Tabs
            label="Details"
            tabs={[
              { name: "evidence", label: "Evidence" },
              { name: "stage", label: chosenStage ?? "Stage" },
              { name: "json", label: "JSON" },
            ]}
            chosen={view}
            onChoose={(name) => show({ view: name })}
            aside={<Copies run={run} />}
          >
            {view === "evidence" ? (
              <div className="evidence">
                <div className="evidence-source" role="region" aria-label="Source" tabIndex={0}>
                  <Source run={run} marks={marks} chosen={chosen} onChoose={setChosen} />
                </div>
                <div className="came">
                  <Fields groups={groups} chosen={chosen} onChoose={setChosen} />
                  {isOver(run) ? null : <Speaking replies={replies} />}
                </div>
              </div>
            ) : view === "stage" ? (
              <StageDrawer
                run={run}
                stage={chosenStage ? stages.get(chosenStage) : undefined}
                wired={wiring.find((each) => each.name === chosenStage)}
                streamed={chosenStage ? (own(said, chosenStage) ?? null) : null}
              />
            ) : (
              <div className="body">
                <Json value={run} />
              </div>
            )}
          </Tabs>
        </div>
      </div>
    </main>
  );
}

function Head({ run, wiring, stage }: { run: Run; wiring: Wired[]; stage: string | undefined }) {
  const kept = useKept(run);
  return (
    <div className="head">
      <div>
        <h1>
          <Theirs text={run.input_name ?? shortId(run.id)} /> <Status status={run.status} isPill />
        </h1>
        <div className="muted">
          {run.forked_from ? (
            <>
              re-run from {run.fork_stage} of{" "}
              <Link to="/runs/$runId" params={{ runId: run.forked_from }} className="mono">
                {shortId(run.forked_from)}
              </Link>{" "}
              ·{" "}
            </>
          ) : null}
          <Link to="/pipelines/$name" params={{ name: run.pipeline }}>
            {run.pipeline}
          </Link>{" "}
          {run.version_label} · run <span className="mono">{shortId(run.id)}</span> · started <Time at={run.created_at} /> · by {run.triggered_by}
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
        {kept !== null ? (
          <div title={`${kept.stages} ${kept.stages === 1 ? "stage was" : "stages were"} reused from earlier runs, and not paid for again.`}>
            <dt>saved by reuse</dt>
            <dd className="saved">{money(kept.cost_usd)}</dd>
          </div>
        ) : null}
      </dl>
      <RunActions run={run} wiring={wiring} stage={stage} />
    </div>
  );
}
