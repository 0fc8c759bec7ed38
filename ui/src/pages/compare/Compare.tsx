// Two runs beside each other: what differs in what they came to, in what was asked, in cost and time; and why.

import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useState } from "react";

import { useRead } from "../../api/query";
import type { Change, RunComparison, RunSide, StageComparison } from "../../api/schema";
import { Button } from "../../design/Button";
import { LineDiff } from "../../design/LineDiff";
import { Empty, ErrorNotice, Notice, Skeleton } from "../../design/Notice";
import { Panel } from "../../design/Panel";
import { Scroll } from "../../design/Scroll";
import { Status } from "../../design/Status";
import { count, elapsed, fullTime, money, shortId } from "../../design/words";
import { Graph } from "../../run/Graph";
import { useRun } from "../../run/useRun";
import "./compare.css";
import { listed, sentenceOf, valuesOf } from "./reasons";

export function Compare() {
  const { a, b } = useSearch({ from: "/compare" });
  if (!a || !b) return <Ask a={a} b={b} />;
  return <Compared a={a} b={b} />;
}

function Ask({ a = "", b = "" }: { a?: string | undefined; b?: string | undefined }) {
  const [first, setFirst] = useState(a);
  const [second, setSecond] = useState(b);
  const navigate = useNavigate();
  const runs = useRead("runs_list", { query: { limit: 50 } });
  const choices = runs.data?.items ?? [];
  const field = (id: string, label: string, value: string, set: (value: string) => void) => (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <select id={id} value={value} onChange={(event) => set(event.target.value)}>
        <option value="">choose a run</option>
        {value && !choices.some((run) => run.id === value) ? <option value={value}>{shortId(value)}</option> : null}
        {choices.map((run) => (
          <option key={run.id} value={run.id}>
            {run.input_name ?? run.pipeline} · {run.pipeline} {run.version_label} · {run.status} · {fullTime(run.created_at)} · {shortId(run.id)}
          </option>
        ))}
      </select>
    </div>
  );
  return (
    <main id="main" className="page">
      <h1>Compare two runs</h1>
      <Panel>
        <form
          className="body stack"
          onSubmit={(event) => {
            event.preventDefault();
            if (first && second) void navigate({ to: "/compare", search: { a: first, b: second } });
          }}
        >
          {field("first", "Before", first, setFirst)}
          {field("second", "After", second, setSecond)}
          <Button type="submit" kind="primary" refusal={first && second ? null : "Choose two runs."}>
            Compare
          </Button>
        </form>
      </Panel>
    </main>
  );
}

function Compared({ a, b }: { a: string; b: string }) {
  const found = useRead("runs_compare", { path: { run_id: a }, query: { other_id: b, limit: 200 } });
  return (
    <main id="main" className="page">
      <div className="head">
        <h1>Compare runs</h1>
        <div className="actions">
          <Link to="/compare" search={{ a: b, b: a }} className="button">
            Swap
          </Link>
          <Link to="/compare" search={{}} className="button">
            Choose other runs
          </Link>
        </div>
      </div>
      {found.error ? <ErrorNotice error={found.error} /> : null}
      {found.isPending ? (
        <Panel>
          <Skeleton rows={8} />
        </Panel>
      ) : null}
      {found.data ? <Comparison comparison={found.data} /> : null}
    </main>
  );
}

function Comparison({ comparison }: { comparison: RunComparison }) {
  const { a, b, stages, changes } = comparison;
  const found = listed(changes);
  const told = found.changes.length + found.evidence.length;
  return (
    <>
      {comparison.is_same_input ? null : <Notice title="These runs read different inputs, which may explain what differs." />}
      <div className="columns overview">
        <Sides a={a} b={b} />
        <div className="stack">
          <Drawn title="Before" side={a} />
          <Drawn title="After" side={b} />
        </div>
      </div>
      <Panel title="Differences" aside={<span className="muted">{comparison.next_cursor ? "the first of them" : count(told)}</span>}>
        {changes.length === 0 ? <Empty title="No differences: both runs gave the same results" /> : <Changes {...found} />}
      </Panel>
      <Panel title="Stages">
        <Stages stages={stages} />
      </Panel>
    </>
  );
}

function Sides({ a, b }: { a: RunSide; b: RunSide }) {
  return (
    <Panel className="sides">
      <table>
        <thead>
          <tr>
            <th>
              <span className="visually-hidden">of</span>
            </th>
            <th>Before</th>
            <th>After</th>
          </tr>
        </thead>
        <tbody>
          <Side name="run" a={<RunLink side={a} />} b={<RunLink side={b} />} />
          <Side name="status" a={<Status status={a.status} />} b={<Status status={b.status} />} />
          <Side name="version" a={`${a.pipeline} ${a.version_label}`} b={`${b.pipeline} ${b.version_label}`} />
          <Side name="time" a={elapsed(a.elapsed_s)} b={elapsed(b.elapsed_s)} />
          <Side name="calls" a={count(a.totals.calls)} b={count(b.totals.calls)} />
          <Side name="tokens" a={count(a.totals.input_tokens + a.totals.output_tokens)} b={count(b.totals.input_tokens + b.totals.output_tokens)} />
          <Side name="cost" a={money(a.totals.cost_usd)} b={money(b.totals.cost_usd)} />
        </tbody>
      </table>
    </Panel>
  );
}

// One above the other, so that a stage stands below itself. It leads to its run, where prompt and reply are.
function Drawn({ title, side }: { title: string; side: RunSide }) {
  const { error, wiring, stages, progress, spent } = useRun(side.run_id);
  const navigate = useNavigate();
  const open = (stage: string) => void navigate({ to: "/runs/$runId", params: { runId: side.run_id }, search: { stage, view: "stage" } });
  return (
    <Panel title={title} aside={<span className="muted">{side.pipeline} {side.version_label}</span>}>
      {error ? <ErrorNotice error={error} /> : null}
      {wiring.length === 0 && !error ? <Skeleton rows={3} /> : <Graph label={`${title}: stages of the run`} wiring={wiring} runs={stages} progress={progress} spent={spent} chosen={undefined} onChoose={open} />}
    </Panel>
  );
}

function RunLink({ side }: { side: RunSide }) {
  return (
    <Link to="/runs/$runId" params={{ runId: side.run_id }} className="mono">
      {shortId(side.run_id)}
    </Link>
  );
}

function Side({ name, a, b }: { name: string; a: React.ReactNode; b: React.ReactNode }) {
  return (
    <tr>
      <th scope="row">{name}</th>
      <td>{a}</td>
      <td>{b}</td>
    </tr>
  );
}

function Stages({ stages }: { stages: StageComparison[] }) {
  return (
    <ul className="compared-stages">
      {stages.map((stage) => (
        <li key={stage.stage} data-differs={stage.differs > 0 || undefined}>
          <strong>{stage.stage}</strong>
          <span>{stage.a ? <Status status={stage.a.status} /> : <span className="muted">absent</span>}</span>
          <span>{stage.b ? <Status status={stage.b.status} /> : <span className="muted">absent</span>}</span>
          <span className="muted">{sentenceOf(stage)}</span>
          {stage.instructions ? (
            <div className="diff">
              <LineDiff lines={stage.instructions.split("\n")} />
            </div>
          ) : null}
        </li>
      ))}
    </ul>
  );
}

function Changes({ changes, evidence }: { changes: Change[]; evidence: Change[] }) {
  if (changes.length + evidence.length === 0) return <p className="body muted">Only instructions changed. They stand with their stages below.</p>;
  return (
    <>
      {changes.length > 0 ? <ChangesTable label="What differs" changes={changes} /> : null}
      {evidence.length > 0 ? (
        <details className="more-changes" open={changes.length === 0}>
          <summary>{evidence.length === 1 ? "Evidence of 1 value differs" : `Evidence of ${count(evidence.length)} values differs`}</summary>
          <ChangesTable label="Evidence that differs" changes={evidence} />
        </details>
      ) : null}
    </>
  );
}

function ChangesTable({ label, changes }: { label: string; changes: Change[] }) {
  return (
    <Scroll label={label}>
      <table className="rows">
        <thead>
          <tr>
            <th>Where</th>
            <th>Before</th>
            <th>After</th>
          </tr>
        </thead>
        <tbody>
          {changes.map((change) => {
            const { before, after } = valuesOf(change);
            return (
              <tr key={`${change.part} ${change.stage ?? ""} ${change.kind} ${change.pointer} ${change.result ?? ""}`} data-kind={change.kind}>
                <th scope="row">
                  {change.stage} <span className="muted">{change.part}</span> <code>{change.pointer}</code>
                </th>
                <td className="before">{before ?? <span className="muted">—</span>}</td>
                <td className="after">{after ?? <span className="muted">—</span>}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </Scroll>
  );
}
