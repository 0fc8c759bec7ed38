// All runs, the newest first. Rows that are there change in place; new ones wait above the list until they are asked for, so that
// nothing moves under the cursor.

import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useState } from "react";

import { call, Refusal } from "../../api/call";
import { keyOf, queries } from "../../api/query";
import type { Run, RunPage, RunStatus } from "../../api/schema";
import { useShortcuts } from "../../app/shortcuts";
import { Button } from "../../design/Button";
import { Empty, ErrorNotice, Skeleton } from "../../design/Notice";
import { Scroll } from "../../design/Scroll";
import { Panel } from "../../design/Panel";
import { Status } from "../../design/Status";
import { Time } from "../../design/Time";
import { count, elapsed, money, secondsBetween, shortId } from "../../design/words";
import { useNow } from "../../design/now";
import { useDelayed, useFeed } from "../../live/useFeed";
import "./runs.css";

const STATUSES: readonly RunStatus[] = ["running", "waiting", "pending", "failed", "completed", "cancelled"];
const PAGE = 50;

function isStatus(text: string | undefined): text is RunStatus {
  return STATUSES.some((status) => status === text);
}

export function Runs() {
  const search = useSearch({ from: "/runs" });
  const navigate = useNavigate();
  const [fresh, setFresh] = useState(0);
  const [at, setAt] = useState(-1);
  const query = {
    limit: PAGE,
    ...(isStatus(search.status) ? { status: search.status } : {}),
    ...(search.pipeline ? { pipeline: search.pipeline } : {}),
  };
  const key = keyOf("runs_list", { query });
  const pages = useInfiniteQuery<RunPage, Refusal>({
    queryKey: key,
    queryFn: ({ pageParam, signal }) =>
      call("runs_list", { query: { ...query, ...(pageParam ? { cursor: pageParam as string } : {}) } }, { signal }),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor,
    placeholderData: keepPreviousData,
  });
  const rows = pages.data?.pages.flatMap((page) => page.items) ?? [];
  const known = new Set(rows.map((run) => run.id));
  const look = useDelayed(() => void refresh(key), 400);
  useFeed("runs", {
    onEvent: (event) => {
      if (known.has(event.run_id)) look();
      else if (event.kind === "run.started") setFresh((number) => number + 1);
    },
    onResync: look,
  });
  useShortcuts([
    { keys: "j", says: "Next run", run: () => setAt((row) => Math.min(rows.length - 1, row + 1)) },
    { keys: "k", says: "Run before", run: () => setAt((row) => Math.max(0, row - 1)) },
    {
      keys: "Enter",
      says: "Open the run",
      run: () => {
        const run = rows[at];
        if (run) void navigate({ to: "/runs/$runId", params: { runId: run.id } });
      },
    },
  ]);
  const showFresh = () => {
    setFresh(0);
    void queries.resetQueries({ queryKey: key });
  };
  return (
    <main id="main" className="page">
      <div className="head">
        <h1>Runs</h1>
        <nav className="tabs" aria-label="By status">
          <Link to="/runs" search={{ status: undefined, pipeline: search.pipeline }} data-chosen={!search.status}>
            all
          </Link>
          {STATUSES.map((status) => (
            <Link key={status} to="/runs" search={{ status, pipeline: search.pipeline }} data-chosen={search.status === status}>
              {status}
            </Link>
          ))}
        </nav>
        {search.pipeline ? (
          <Link to="/runs" search={{ status: search.status, pipeline: undefined }} className="button">
            {search.pipeline} ×
          </Link>
        ) : null}
        {fresh > 0 ? (
          <Button kind="primary" size="small" onClick={showFresh}>
            {count(fresh)} new
          </Button>
        ) : null}
      </div>
      <Panel>
        {pages.error ? <ErrorNotice error={pages.error} /> : null}
        {pages.isPending ? <Skeleton rows={8} /> : rows.length === 0 ? <NoRuns isFiltered={Boolean(search.status ?? search.pipeline)} /> : <Rows rows={rows} at={at} />}
      </Panel>
      {pages.hasNextPage ? (
        <Button onClick={() => void pages.fetchNextPage()} isBusy={pages.isFetchingNextPage}>
          Older runs
        </Button>
      ) : null}
    </main>
  );
}

async function refresh(key: readonly unknown[]): Promise<void> {
  await queries.invalidateQueries({ queryKey: key });
}

function Rows({ rows, at }: { rows: Run[]; at: number }) {
  return (
    <Scroll label="Runs">
      <table className="runs">
        <thead>
          <tr>
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
            <tr key={run.id} data-at={row === at || undefined}>
              <th scope="row">
                <Link to="/runs/$runId" params={{ runId: run.id }} className="truncate">
                  {run.input_name ?? shortId(run.id)}
                </Link>
              </th>
              <td>
                <Status status={run.status} />
                {run.waiting_reason ? <div className="muted truncate why">{run.waiting_reason}</div> : null}
                {run.error ? <div className="muted truncate why">{run.error.message}</div> : null}
              </td>
              <td className="truncate">
                {run.pipeline} <span className="muted">v{run.version}</span>
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
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

export function Took({ run }: { run: Pick<Run, "started_at" | "ended_at"> }) {
  const now = useNow();
  if (run.started_at === null) return <>{elapsed(null)}</>;
  return <>{elapsed(Math.max(0, secondsBetween(run.started_at, run.ended_at ?? now)))}</>;
}

function NoRuns({ isFiltered }: { isFiltered: boolean }) {
  if (isFiltered) {
    return (
      <Empty title="No run is like that.">
        <Link to="/runs">
          Show all of them
        </Link>
      </Empty>
    );
  }
  return (
    <Empty title="Nothing was run yet.">
      <p>Drop a file or an e-mail into the inbox, choose a pipeline, and start it.</p>
      <Link to="/inbox" className="button">
        Go to the inbox
      </Link>
    </Empty>
  );
}
