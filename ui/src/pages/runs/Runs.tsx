// All runs, the newest first: searched for, counted by status, and done something with, one by one or many at once.

import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useEffect, useMemo, useRef, useState } from "react";

import { useRead } from "../../api/query";
import type { RunStatus } from "../../api/schema";
import { useShortcuts } from "../../design/shortcuts";
import { Button } from "../../design/Button";
import { Empty, ErrorNotice, Skeleton } from "../../design/Notice";
import { Panel } from "../../design/Panel";
import { StatusIcon } from "../../design/Status";
import { say, sayError } from "../../design/toasts";
import { count } from "../../design/words";
import { useReread } from "../../live/useFeed";
import { BulkBar } from "./BulkBar";
import { csvAddress, EXPORTED_MAX, saveJson } from "./export";
import { Rows } from "./Rows";
import "./runs.css";
import { SearchBox } from "./SearchBox";
import { parseSearch, STATUSES, withTerm, type Known, type RunsQuery } from "./search";
import { useRuns } from "./useRuns";

const COUNT_MS = 5_000;

export function Runs() {
  const { q = "" } = useSearch({ from: "/runs" });
  const navigate = useNavigate();
  const [now] = useState(() => Date.now());
  const { query, problems } = useMemo(() => parseSearch(q, now), [q, now]);
  const { rows, fresh, pages, hold, showFresh } = useRuns(query);
  const [at, setAt] = useState(-1);
  const [chosen, setChosen] = useState<ReadonlySet<string> | "all">(new Set());
  const [chosenOf, setChosenOf] = useState(q);
  if (chosenOf !== q) {
    setChosenOf(q);
    setChosen(new Set());
    setAt(-1);
  }
  const counts = useCounts(query);
  const known = useKnown();
  const input = useRef<HTMLInputElement>(null);
  const search = (text: string) => void navigate({ to: "/runs", search: text ? { q: text } : {}, replace: true });
  const choose = (ids: string[], isChosen: boolean) =>
    setChosen((before) => {
      const next = new Set(before === "all" ? rows.map((run) => run.id) : before);
      for (const id of ids) {
        if (isChosen) next.add(id);
        else next.delete(id);
      }
      return next;
    });
  const row = rows[at];
  useShortcuts([
    { keys: "/", says: "Search", run: () => input.current?.focus() },
    { keys: "j", says: "Next run", run: () => setAt((now) => Math.min(rows.length - 1, now + 1)) },
    { keys: "k", says: "Previous run", run: () => setAt((now) => Math.max(0, now - 1)) },
    { keys: "x", says: "Select or deselect the run", run: () => row && choose([row.id], chosen === "all" || !chosen.has(row.id)) },
    { keys: "Enter", says: "Open the run", run: () => row && void navigate({ to: "/runs/$runId", params: { runId: row.id } }) },
  ]);
  const isAll = chosen === "all";
  const some = isAll ? rows : rows.filter((run) => chosen.has(run.id));
  return (
    <main id="main" className="page">
      <div className="head">
        <h1>Runs</h1>
        <Statuses q={q} status={query.status} counts={counts.byStatus} />
        <div className="actions">
          <Export query={query} />
        </div>
      </div>
      <SearchBox text={q} known={known} problems={problems} input={input} onSearch={search} />
      {some.length > 0 ? (
        <BulkBar chosen={{ runs: some, isAll }} total={counts.total(query.status)} query={query} onNone={() => setChosen(new Set())} onAll={() => setChosen("all")} />
      ) : null}
      <Panel className="listed">
        {fresh > 0 ? (
          <span className="fresh">
            <Button kind="primary" size="small" onClick={showFresh}>
              {fresh === 1 ? "1 new run" : `${count(fresh)} new runs`}
            </Button>
          </span>
        ) : null}
        {pages.error ? <ErrorNotice error={pages.error} /> : null}
        {pages.isPending ? (
          <Skeleton rows={8} />
        ) : rows.length === 0 ? (
          <NoRuns isFiltered={q !== ""} />
        ) : (
          <div onMouseEnter={() => hold(true)} onMouseLeave={() => hold(false)} data-stale={pages.isPlaceholderData || undefined} className="held">
            <Rows rows={rows} at={at} chosen={chosen} onChoose={choose} />
          </div>
        )}
      </Panel>
      {pages.hasNextPage ? (
        <Button onClick={() => void pages.fetchNextPage()} isBusy={pages.isFetchingNextPage}>
          Older runs
        </Button>
      ) : null}
    </main>
  );
}

function Statuses({ q, status, counts }: { q: string; status: RunStatus | undefined; counts: Map<RunStatus, string> }) {
  const link = (to: RunStatus | null) => {
    const text = withTerm(q, "status", to);
    return text ? { q: text } : {};
  };
  return (
    <nav className="tabs" aria-label="By status">
      <Link to="/runs" search={link(null)} data-chosen={status === undefined}>
        all
      </Link>
      {STATUSES.map((each) => (
        <Link key={each} to="/runs" search={link(each)} data-chosen={status === each} data-status={each}>
          <StatusIcon status={each} />
          {each} <span className="count">{counts.get(each) ?? ""}</span>
        </Link>
      ))}
    </nav>
  );
}

function useCounts({ status: _, ...query }: RunsQuery) {
  const found = useRead("runs_count", { query }, { placeholderData: (before) => before });
  useReread("runs", ["runs_count"], COUNT_MS);
  const counts = found.data?.counts ?? [];
  const said = (runs: number, isCutOff: boolean) => `${count(runs)}${isCutOff ? "+" : ""}`;
  return {
    byStatus: new Map(counts.map((each) => [each.status, said(each.runs, each.is_cut_off)])),
    total: (status: RunStatus | undefined) => {
      const meant = counts.filter((each) => status === undefined || each.status === status);
      return said(meant.reduce((sum, each) => sum + each.runs, 0), meant.some((each) => each.is_cut_off));
    },
  };
}

/** What is there to be searched for by name. */
function useKnown(): Known {
  const pipelines = useRead("pipelines_list", { query: { limit: 200 } }, { staleTime: 60_000 });
  const costs = useRead("costs_summary", { query: { by: "model" } }, { staleTime: 60_000 });
  return useMemo(() => {
    const documents = pipelines.data?.items ?? [];
    const stages = documents.flatMap(({ document }) => (typeof document.stages === "object" && document.stages !== null ? Object.keys(document.stages) : []));
    return {
      pipeline: documents.map((each) => each.name),
      stage: [...new Set(stages)].sort(),
      model: (costs.data?.groups ?? []).flatMap((group) => (group.key === null ? [] : [group.key])),
    };
  }, [pipelines.data, costs.data]);
}

function Export({ query }: { query: RunsQuery }) {
  const [saved, setSaved] = useState<number | null>(null);
  const stop = useRef<AbortController | null>(null);
  useEffect(() => () => stop.current?.abort(), []);
  const json = async () => {
    const { signal } = (stop.current = new AbortController());
    setSaved(0);
    try {
      const runs = await saveJson(query, signal, setSaved);
      if (signal.aborted) return;
      say(`${count(runs)} runs exported.`, runs >= EXPORTED_MAX ? "There are more: narrow the search, or export CSV, which has all of them." : null);
    } catch (error) {
      if (!signal.aborted) sayError(error);
    }
    setSaved(null);
  };
  return (
    <span className="export">
      <a className="button" data-size="small" href={csvAddress(query)} download="runs.csv" title="Export all matching runs as CSV">
        CSV
      </a>
      <Button size="small" isBusy={saved !== null} title="Export all matching runs as JSON" onClick={() => void json()}>
        {saved === null ? "JSON" : count(saved)}
      </Button>
    </span>
  );
}

function NoRuns({ isFiltered }: { isFiltered: boolean }) {
  if (isFiltered) {
    return (
      <Empty title="No matching runs">
        <Link to="/runs" search={{}}>
          Clear the search
        </Link>
      </Empty>
    );
  }
  return (
    <Empty title="No runs yet">
      <p>Drop a file or an e-mail into the inbox, choose a pipeline, and press Start.</p>
      <Link to="/inbox" className="button">
        Go to the inbox
      </Link>
    </Empty>
  );
}
