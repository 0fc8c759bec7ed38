// What calls to models cost: by day, model, pipeline or stage, over a time, with what retries took and what reuse saved.

import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useState } from "react";

import { useRead } from "../../api/query";
import type { CostGroup, CostGrouping, CostSum } from "../../api/schema";
import { Fact } from "../../design/Fact";
import { Empty, ErrorNotice, Notice, Skeleton } from "../../design/Notice";
import { Scroll } from "../../design/Scroll";
import { Panel } from "../../design/Panel";
import { count, money } from "../../design/words";
import "./costs.css";

const GROUPINGS: readonly CostGrouping[] = ["day", "model", "pipeline", "stage"];
const SPANS = [
  { days: 1, says: "24 hours" },
  { days: 7, says: "7 days" },
  { days: 30, says: "30 days" },
  { days: 90, says: "90 days" },
] as const;
const DAY_MS = 86_400_000;

export function Costs() {
  const search = useSearch({ from: "/costs" });
  const navigate = useNavigate();
  const [now] = useState(() => Date.now());
  const by = GROUPINGS.find((each) => each === search.by) ?? "day";
  const days = SPANS.find((each) => each.days === search.days)?.days ?? 30;
  const since = new Date(now - days * DAY_MS).toISOString();
  const found = useRead("costs_summary", { query: { by, since } }, { placeholderData: (before) => before });
  const budgets = useRead("budgets_list", { query: { limit: 50 } });
  return (
    <main id="main" className="page">
      <div className="head">
        <h1>Costs</h1>
        <nav className="tabs" aria-label="Group by">
          {GROUPINGS.map((each) => (
            <Link key={each} to="/costs" search={{ by: each, days }} data-chosen={each === by}>
              by {each}
            </Link>
          ))}
        </nav>
        <div className="actions">
          <label className="visually-hidden" htmlFor="span">
            Period
          </label>
          <select id="span" value={days} onChange={(event) => void navigate({ to: "/costs", search: { by, days: Number(event.target.value) } })}>
            {SPANS.map((span) => (
              <option key={span.days} value={span.days}>
                {span.says}
              </option>
            ))}
          </select>
        </div>
      </div>
      {found.error ? <ErrorNotice error={found.error} /> : null}
      {found.data ? <Totals sum={found.data.total} /> : found.isPending ? <Skeleton rows={2} /> : null}
      {found.data && found.data.total.unknown_costs > 0 ? (
        <Notice title={`The cost of ${count(found.data.total.unknown_costs)} calls is unknown, and not in these totals.`} hint="Their models have no known price." />
      ) : null}
      <Panel title={`By ${found.data?.by ?? by}`}>
        {found.isPending ? <Skeleton rows={6} /> : found.data && found.data.groups.length > 0 ? <Groups by={found.data.by} groups={found.data.groups} /> : <Empty title="No calls in this period" />}
        {found.data?.is_cut_off ? <p className="body muted">Only the first rows are shown; the totals above include all of them.</p> : null}
      </Panel>
      <Panel title="Budgets" aside={<Link to="/admin/$noun" params={{ noun: "budgets" }}>change</Link>}>
        {budgets.error ? <ErrorNotice error={budgets.error} /> : null}
        {budgets.isPending ? <Skeleton rows={1} /> : null}
        {budgets.data?.items.length ? (
          <ul className="budgets">
            {budgets.data.items.map((budget) => {
              const spent = Number(budget.spent_usd);
              const limit = Number(budget.limit_usd);
              const name = `${budget.place.pipeline ?? "the organization"}, a ${budget.place.period}`;
              return (
                <li key={name}>
                  <span>{name}</span>
                  <meter min={0} max={limit || 1} high={limit * 0.8} value={Math.min(spent, limit)} aria-label={`${name}: spent`} />
                  <span className="number">
                    {money(budget.spent_usd)} of {money(budget.limit_usd)}
                  </span>
                </li>
              );
            })}
          </ul>
        ) : budgets.data ? (
          <p className="body muted">No budget is set: spending is not limited.</p>
        ) : null}
      </Panel>
    </main>
  );
}

function Totals({ sum }: { sum: CostSum }) {
  return (
    <dl className="facts">
      <Fact name="cost" value={money(sum.cost_usd)} />
      <Fact name="calls" value={count(sum.calls)} />
      <Fact name="runs" value={count(sum.runs)} />
      <Fact name="per run" value={money(sum.cost_usd_per_run)} />
      <Fact name="tokens in / out" value={`${count(sum.input_tokens)} / ${count(sum.output_tokens)}`} />
      <Fact name="spent on retries" value={sum.retry_share === null ? "—" : `${(sum.retry_share * 100).toFixed(1)} %`} />
      <Fact name="saved by replays" value={money(sum.saved_usd)} />
    </dl>
  );
}

function Groups({ by, groups }: { by: CostGrouping; groups: CostGroup[] }) {
  const most = Math.max(...groups.map((group) => Number(group.sum.cost_usd)), 1e-9);
  return (
    <Scroll label="Costs">
      <table className="groups">
        <thead>
          <tr>
            <th>{by}</th>
            <th>
              <span className="visually-hidden">share</span>
            </th>
            <th className="number">Cost</th>
            <th className="number">Calls</th>
            <th className="number">Tokens</th>
            <th className="number">Retries</th>
            <th className="number">Per run</th>
          </tr>
        </thead>
        <tbody>
          {groups.map(({ key, sum }) => (
            <tr key={key ?? ""}>
              <th scope="row">{key === null ? <span className="muted">without a run</span> : <Key by={by} name={key} />}</th>
              <td>
                <svg className="share" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
                  <rect width={(Number(sum.cost_usd) / most) * 100} height="8" rx="1" />
                </svg>
              </td>
              <td className="number">
                {money(sum.cost_usd)}
                {sum.unknown_costs > 0 ? <span title={`${sum.unknown_costs} calls of unknown cost`}> +?</span> : null}
              </td>
              <td className="number">{count(sum.calls)}</td>
              <td className="number">{count(sum.input_tokens + sum.output_tokens)}</td>
              <td className="number">{count(sum.retries)}</td>
              <td className="number">{money(sum.cost_usd_per_run)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

const NEXT_DAY_MS = 86_400_000;

/** Leads to the runs that made it, in the language of their search. */
function Key({ by, name }: { by: CostGrouping; name: string }) {
  const q = {
    day: () => `since:${name} until:${new Date(Date.parse(name) + NEXT_DAY_MS).toISOString().slice(0, 10)} cost:>0`,
    model: () => `model:${name}`,
    pipeline: () => `pipeline:${name}`,
    stage: () => `pipeline:${name.slice(0, name.indexOf("."))}`,
  }[by]();
  return (
    <Link to="/runs" search={{ q }}>
      {name}
    </Link>
  );
}
