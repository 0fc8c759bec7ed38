// What came in, and what is to be done with it: drop files and e-mails, choose a pipeline, see what it would take, start it, and see
// what is under way and what waits for a person.

import { Link } from "@tanstack/react-router";
import { useMemo, useRef, useState } from "react";

import { useRead } from "../../api/query";
import type { Run } from "../../api/schema";
import { useList } from "../../api/useList";
import { useReread } from "../../live/useFeed";
import { Took } from "../../run/Took";
import { useMay } from "../../session/may";
import { useShortcuts } from "../../design/shortcuts";
import { Button } from "../../design/Button";
import { ErrorNotice, Skeleton } from "../../design/Notice";
import { Panel } from "../../design/Panel";
import { Status } from "../../design/Status";
import { sayError } from "../../design/toasts";
import { count, money } from "../../design/words";
import { useFresh } from "../../live/useFresh";
import { DropZone } from "./DropZone";
import { Entries } from "./Entries";
import { entriesOf, type Entry } from "./entries";
import "./inbox.css";
import { Needs } from "./Needs";
import { StartPanel } from "./StartPanel";

const PAGE = 100;
const LATEST = 50;
const LATEST_SHOWN = 10;
const WEEK_MS = 7 * 86_400_000;

export function Inbox() {
  const { entries, hasMore, isPending, isMore, error, more } = useEntries();
  const pipelines = useRead("pipelines_list", { query: { limit: 200 } });
  const latest = useRead("runs_list", { query: { limit: LATEST } });
  const [since] = useState(() => new Date(Date.now() - WEEK_MS).toISOString());
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [started, setStarted] = useState("");
  const [isPointed, setIsPointed] = useState(false);
  const begun = (ids: string[]) => {
    setChosen(new Set());
    setStarted(ids.reduce((last, id) => (id > last ? id : last), ""));
  };
  const picker = useRef<HTMLInputElement>(null);
  useShortcuts([{ keys: "a", says: "Add files", run: () => (refusal === null ? picker.current?.click() : sayError(new Error(refusal))) }]);
  const selected = entries.filter((entry) => chosen.has(entry.key));
  const toggle = (key: string) => setChosen((before) => (before.has(key) ? new Set([...before].filter((each) => each !== key)) : new Set([...before, key])));
  const refusal = useMay()("contents:write");
  const refused = error ?? pipelines.error;
  return (
    <main id="main" className="page inbox">
      <h1 className="visually-hidden">Inbox</h1>
      <div className="columns inbox-columns">
        <div className="stack">
          <DropZone picker={picker} refusal={refusal} />
          <Panel
            className="came-in"
            title="Contents"
            aside={<SelectAll entries={entries} selected={selected} hasMore={hasMore} onSelect={(found) => setChosen(new Set(found.map((entry) => entry.key)))} />}
          >
            {refused ? <ErrorNotice error={refused} /> : null}
            {isPending ? <Skeleton /> : <Entries entries={entries} chosen={chosen} onToggle={toggle} />}
          </Panel>
          {hasMore ? (
            <Button isBusy={isMore} onClick={more}>
              Load more
            </Button>
          ) : null}
        </div>
        <div className="stack">
          <StartPanel selected={selected} pipelines={pipelines.data?.items ?? (pipelines.error ? [] : undefined)} latest={latest.data?.items ?? (latest.error ? [] : undefined)} onStarted={begun} />
          <div className="stack" onPointerEnter={() => setIsPointed(true)} onPointerLeave={() => setIsPointed(false)}>
            <Needs since={since} isHeld={isPointed} />
            <Latest runs={latest.data?.items} started={started} error={latest.error} />
          </div>
        </div>
      </div>
    </main>
  );
}

const KINDS = [
  { kind: "thread", name: "e-mails" },
  { kind: "content", name: "files" },
] as const;

/** All of one kind: a pipeline takes e-mails or files. */
function SelectAll({ entries, selected, hasMore, onSelect }: { entries: Entry[]; selected: Entry[]; hasMore: boolean; onSelect: (found: Entry[]) => void }) {
  if (entries.length < 2) return null;
  const kinds = KINDS.map(({ kind, name }) => ({ name, found: entries.filter((entry) => entry.kind === kind) })).filter(({ found }) => found.length > 1);
  return (
    <span className="buttons">
      {kinds.map(({ name, found }) => (
        <Button key={name} size="small" kind="quiet" onClick={() => onSelect(found)}>
          {`Select all ${count(found.length)} ${name}${hasMore ? " shown" : ""}`}
        </Button>
      ))}
      {selected.length > 0 ? (
        <Button size="small" kind="quiet" onClick={() => onSelect([])}>
          Select none
        </Button>
      ) : null}
    </span>
  );
}

function useEntries() {
  const { found: contents } = useList("contents_list", { limit: PAGE });
  const { found: threads } = useList("threads_list", { limit: PAGE });
  const found = useMemo(() => entriesOf(contents.data?.pages ?? [], threads.data?.pages ?? []), [contents.data, threads.data]);
  return {
    ...found,
    isPending: contents.isPending || threads.isPending,
    isMore: contents.isFetchingNextPage || threads.isFetchingNextPage,
    error: contents.error ?? threads.error,
    more: () => {
      if (contents.hasNextPage) void contents.fetchNextPage();
      if (threads.hasNextPage) void threads.fetchNextPage();
    },
  };
}

/** `started`: the newest of those that were just started here, which are shown at once; others when they are asked for. */
function Latest({ runs, started, error }: { runs: Run[] | undefined; started: string; error: Error | null }) {
  useReread("runs", ["runs_list"], 400);
  const { rows, fresh, showFresh } = useFresh(runs, "latest", started);
  const aside = (
    <span className="list-aside">
      {fresh > 0 ? (
        <Button size="small" kind="primary" onClick={showFresh}>
          {fresh === 1 ? "1 new run" : `${count(fresh)} new runs`}
        </Button>
      ) : null}
      <Link to="/runs">all</Link>
    </span>
  );
  return (
    <Panel title="Latest runs" aside={aside}>
      {error ? <ErrorNotice error={error} /> : null}
      {runs === undefined && error === null ? <Skeleton /> : null}
      {runs?.length === 0 ? <p className="body muted">No runs yet.</p> : null}
      <ul className="latest">
        {rows.slice(0, LATEST_SHOWN).map((run) => (
          <li key={run.id}>
            <Link to="/runs/$runId" params={{ runId: run.id }}>
              <span className="truncate">{run.input_name ?? run.pipeline}</span>
              <Status status={run.status} />
              <span className="muted truncate">{run.current_stages.join(", ") || run.pipeline}</span>
              <span className="muted number">
                <Took run={run} /> · {money(run.totals.cost_usd)}
              </span>
            </Link>
          </li>
        ))}
      </ul>
    </Panel>
  );
}
