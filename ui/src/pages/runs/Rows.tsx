// Runs as rows: one is at hand for keys, any may be chosen.

import { Link } from "@tanstack/react-router";
import { useEffect, useRef } from "react";

import type { Run } from "../../api/schema";
import { Scroll } from "../../design/Scroll";
import { Status } from "../../design/Status";
import { Theirs } from "../../design/Theirs";
import { Time } from "../../design/Time";
import { told } from "../../design/unseen";
import { count, money, shortId } from "../../design/words";
import { Took } from "../../run/Took";

interface Props {
  rows: Run[];
  at: number;
  chosen: ReadonlySet<string> | "all";
  onChoose: (ids: string[], isChosen: boolean) => void;
}

export function Rows({ rows, at, chosen, onChoose }: Props) {
  const isChosen = (id: string) => chosen === "all" || chosen.has(id);
  const ids = rows.map((run) => run.id);
  return (
    <Scroll label="Runs">
      <table className="runs">
        <thead>
          <tr>
            <th>
              <input type="checkbox" aria-label="Select all shown" checked={ids.length > 0 && ids.every(isChosen)} onChange={(event) => onChoose(ids, event.target.checked)} />
            </th>
            <th>Run</th>
            <th>Status</th>
            <th>Pipeline</th>
            <th className="number">Time</th>
            <th className="number">Tokens</th>
            <th className="number">Cost</th>
            <th className="number">Started</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((run, row) => (
            <Row key={run.id} run={run} isAt={row === at} isChosen={isChosen(run.id)} onChoose={(chooses) => onChoose([run.id], chooses)} />
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

function Row({ run, isAt, isChosen, onChoose }: { run: Run; isAt: boolean; isChosen: boolean; onChoose: (isChosen: boolean) => void }) {
  const name = run.input_name ?? shortId(run.id);
  const row = useRef<HTMLTableRowElement>(null);
  useEffect(() => {
    if (isAt) row.current?.scrollIntoView({ block: "nearest" });
  }, [isAt]);
  const why = run.waiting_reason ?? run.error?.message ?? (run.current_stages.join(", ") || null);
  return (
    <tr
      data-at={isAt || undefined}
      data-chosen={isChosen || undefined}
      ref={row}
    >
      <td>
        <input type="checkbox" aria-label={`Select ${told(name)}`} checked={isChosen} onChange={(event) => onChoose(event.target.checked)} />
      </td>
      <th scope="row">
        <Link to="/runs/$runId" params={{ runId: run.id }} className="truncate">
          <Theirs text={name} />
        </Link>
        {why ? (
          <div className="muted truncate why" title={why}>
            <Theirs text={why} />
          </div>
        ) : null}
      </th>
      <td>
        <Status status={run.status} />
      </td>
      <td className="truncate">
        {run.pipeline} <span className="muted">{run.version_label}</span>
      </td>
      <td className="number">
        <Took run={run} />
      </td>
      <td className="number">{count(run.totals.input_tokens + run.totals.output_tokens)}</td>
      <td className="number">
        {money(run.totals.cost_usd)}
        {run.totals.unknown_costs > 0 ? <span title={`The cost of ${run.totals.unknown_costs} calls is not known.`}> +?</span> : null}
      </td>
      <td className="number muted">
        <Time at={run.created_at} />
      </td>
    </tr>
  );
}
