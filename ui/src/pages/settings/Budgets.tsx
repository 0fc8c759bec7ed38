// Budgets, and what the operator allows at all.

import { useState } from "react";

import { Fact } from "../../design/Fact";
import { problemsOf, useAct } from "../../session/act";
import { useRead } from "../../api/query";
import type { Budget, BudgetPeriod } from "../../api/schema";
import { useList } from "../../api/useList";
import { useMay } from "../../session/may";
import { Button } from "../../design/Button";
import { Confirm } from "../../design/Confirm";
import { ErrorNotice, Skeleton } from "../../design/Notice";
import { Panel } from "../../design/Panel";
import { fullTime, count, money, shortId, size } from "../../design/words";
import { Field } from "../../forms/Field";
import { Listing } from "./Listing";

export function Budgets() {
  const may = useMay();
  const refusal = may("budgets:write");
  const budgets = useList("budgets_list", { limit: 50 });
  const [removed, setRemoved] = useState<Budget | null>(null);
  const remove = useAct("budgets_remove", { says: (done) => woken("Budget removed.", done.woken_runs), makesStale: ["budgets_list"], onDone: () => setRemoved(null) });
  return (
    <>
      <Listing
        title="Budgets"
        listed={budgets}
        keyOf={nameOf}
        empty={<p>Spending is not limited. Set a budget below.</p>}
        columns={[
          { title: "Of", cell: (each) => <strong>{nameOf(each)}</strong> },
          { title: "Spent", cell: (each) => <meter min={0} max={Number(each.limit_usd) || 1} high={Number(each.limit_usd) * 0.8} value={Math.min(Number(each.spent_usd), Number(each.limit_usd))} aria-label={`${nameOf(each)}: spent`} /> },
          { title: "Of the limit", cell: (each) => `${money(each.spent_usd)} of ${money(each.limit_usd)}`, isNumber: true },
          { title: "Left", cell: (each) => money(each.left_usd), isNumber: true },
          { title: "Resets", cell: (each) => (each.resets_at ? fullTime(each.resets_at) : <span className="muted">never</span>) },
        ]}
        actions={(each) => (
          <Button size="small" kind="danger" refusal={refusal} onClick={() => setRemoved(each)}>
            Remove
          </Button>
        )}
      />
      <SetBudget refusal={refusal} />
      <Quota />
      {removed ? (
        <Confirm
          title={`Remove the budget of ${nameOf(removed)}`}
          verb="Remove"
          isBusy={remove.isPending}
          error={remove.error}
          onConfirm={() => remove.mutate({ query: { period: removed.place.period, ...(removed.place.pipeline ? { pipeline: removed.place.pipeline } : {}), ...(removed.place.run_id ? { run_id: removed.place.run_id } : {}) } })}
          onClose={() => setRemoved(null)}
        >
          Runs that wait for it go on, and their spending is no longer limited by it.
        </Confirm>
      ) : null}
    </>
  );
}

const woken = (said: string, runs: number): string => (runs ? `${said} ${count(runs)} waiting runs are tried again.` : said);

function nameOf({ place }: Budget): string {
  if (place.run_id) return `the run ${shortId(place.run_id)}`;
  return `${place.pipeline ?? "the organization"}, a ${place.period}`;
}

function SetBudget({ refusal }: { refusal: string | null }) {
  const pipelines = useRead("pipelines_list", { query: { limit: 200 } });
  const [pipeline, setPipeline] = useState("");
  const [period, setPeriod] = useState<BudgetPeriod>("month");
  const [limit, setLimit] = useState("");
  const [allowsUnpriced, setAllowsUnpriced] = useState(false);
  const set = useAct("budgets_set", { says: (done) => woken("Budget set.", done.woken_runs), makesStale: ["budgets_list"], onDone: () => setLimit("") });
  return (
    <Panel title="Set a budget">
      <form
        className="body stack"
        onSubmit={(event) => {
          event.preventDefault();
          if (refusal === null) set.mutate({ body: { period, limit_usd: limit, allows_unpriced: allowsUnpriced, ...(pipeline ? { pipeline } : {}) } });
        }}
      >
        <div className="row-form">
          <Field label="Of">
            {(common) => (
              <select {...common} value={pipeline} onChange={(event) => setPipeline(event.target.value)}>
                <option value="">the whole organization</option>
                {pipelines.data?.items.map((each) => (
                  <option key={each.name}>{each.name}</option>
                ))}
              </select>
            )}
          </Field>
          <Field label="Over">
            {(common) => (
              <select {...common} value={period} onChange={(event) => setPeriod(event.target.value as BudgetPeriod)}>
                <option value="day">a day</option>
                <option value="month">a month</option>
              </select>
            )}
          </Field>
          <Field label="US dollars" hint="0 stops every call." problems={problemsOf(set.error, "limit_usd")}>
            {(common) => <input {...common} type="number" required min={0} step="any" value={limit} onChange={(event) => setLimit(event.target.value)} />}
          </Field>
          <Button type="submit" kind="primary" isBusy={set.isPending} refusal={refusal}>
            Set budget
          </Button>
        </div>
        <label className="flag">
          <input type="checkbox" checked={allowsUnpriced} onChange={(event) => setAllowsUnpriced(event.target.checked)} />
          Allow calls of unknown cost
        </label>
        {set.error ? <ErrorNotice error={set.error} /> : null}
      </form>
    </Panel>
  );
}

function Quota() {
  const quota = useRead("quotas_get", {});
  if (quota.error) return <ErrorNotice error={quota.error} />;
  if (!quota.data) return <Skeleton rows={1} />;
  const { runs_per_day: runs, stored_bytes_max: bytes, spend_usd_per_month: spend } = quota.data;
  if (runs === null && bytes === null && spend === null) return <p className="muted">The operator sets no limits for this organization.</p>;
  return (
    <Panel title="Limits set by the operator">
      <dl className="facts body">
        {runs === null ? null : <Fact name="runs today" value={`${count(quota.data.runs_today)} of ${count(runs)}`} />}
        {bytes === null ? null : <Fact name="stored" value={`${quota.data.stored_bytes === null ? "—" : size(quota.data.stored_bytes)} of ${size(bytes)}`} />}
        {spend === null ? null : <Fact name="spent this month" value={`${money(quota.data.spent_usd)} of ${money(spend)}`} />}
      </dl>
    </Panel>
  );
}
