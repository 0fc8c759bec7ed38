// What came in, and what is to be done with it: drop files and e-mails, choose a pipeline, start it, and see what is under way.

import { Link } from "@tanstack/react-router";
import { useMemo, useRef, useState, useSyncExternalStore, type DragEvent } from "react";

import { call } from "../../api/call";
import { stale, useRead } from "../../api/query";
import type { Content, PipelineVersion, ThreadEntry } from "../../api/schema";
import { useShortcuts } from "../../app/shortcuts";
import { Button } from "../../design/Button";
import { Empty, ErrorNotice, Skeleton } from "../../design/Notice";
import { Panel } from "../../design/Panel";
import { Status } from "../../design/Status";
import { Time } from "../../design/Time";
import { say, sayError } from "../../design/toasts";
import { count, money, size } from "../../design/words";
import { ModelSelect } from "../../forms/ModelSelect";
import { useDelayed, useFeed } from "../../live/useFeed";
import { Took } from "../runs/Rows";
import "./inbox.css";
import { Uploads, type Upload } from "./upload";

interface Entry {
  key: string;
  kind: "content" | "thread";
  id: string;
  name: string;
  about: string;
  at: string;
}

const PAGE = 100;
const uploads = new Uploads(() => stale("contents_list", "threads_list"));

export function Inbox() {
  const contents = useRead("contents_list", { query: { limit: PAGE } });
  const threads = useRead("threads_list", { query: { limit: PAGE } });
  const pipelines = useRead("pipelines_list", { query: { limit: PAGE } });
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const entries = useMemo(() => entriesOf(contents.data?.items ?? [], threads.data?.items ?? []), [contents.data, threads.data]);
  const picker = useRef<HTMLInputElement>(null);
  useShortcuts([{ keys: "a", says: "Add files", run: () => picker.current?.click() }]);
  const error = contents.error ?? threads.error ?? pipelines.error;
  const selected = entries.filter((entry) => chosen.has(entry.key));
  const toggle = (key: string) => setChosen((before) => (before.has(key) ? new Set([...before].filter((each) => each !== key)) : new Set([...before, key])));
  return (
    <main id="main" className="page inbox">
      <h1 className="visually-hidden">Inbox</h1>
      <div className="inbox-columns">
        <div className="stack">
          <DropZone picker={picker} />
          <Panel title="What came in" aside={<span className="muted">{entries.length >= PAGE ? `the newest ${PAGE}` : count(entries.length)}</span>}>
            {error ? <ErrorNotice error={error} /> : null}
            {contents.isPending ? <Skeleton /> : <Entries entries={entries} chosen={chosen} onToggle={toggle} />}
          </Panel>
        </div>
        <div className="stack">
          <StartPanel selected={selected} pipelines={pipelines.data?.items ?? []} onStarted={() => setChosen(new Set())} />
          <ActiveRuns />
        </div>
      </div>
    </main>
  );
}

function DropZone({ picker }: { picker: React.RefObject<HTMLInputElement | null> }) {
  const list = useSyncExternalStore(uploads.watch, () => uploads.list);
  const [isOver, setIsOver] = useState(false);
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setIsOver(false);
    uploads.add(event.dataTransfer.files);
  };
  return (
    <section
      className="drop"
      data-over={isOver || undefined}
      aria-label="Add files"
      onDragOver={(event) => {
        event.preventDefault();
        setIsOver(true);
      }}
      onDragLeave={() => setIsOver(false)}
      onDrop={drop}
    >
      <p>
        <strong>Drop files, e-mails or mailboxes here</strong>
      </p>
      <p className="muted">PDF, text, HTML, Markdown, .eml, .mbox</p>
      <Button kind="primary" shortcut="a" onClick={() => picker.current?.click()}>
        Choose files
      </Button>
      <input
        ref={picker}
        className="visually-hidden"
        type="file"
        multiple
        tabIndex={-1}
        aria-label="Files to add"
        onChange={(event) => {
          uploads.add(event.currentTarget.files ?? []);
          event.currentTarget.value = "";
        }}
      />
      {list.length > 0 ? (
        <ul className="uploads" aria-live="polite">
          {list.slice(0, 6).map((upload) => (
            <li key={upload.id}>
              <span className="truncate">{upload.name}</span>
              <UploadState upload={upload} />
            </li>
          ))}
        </ul>
      ) : null}
    </section>
  );
}

function UploadState({ upload }: { upload: Upload }) {
  if (upload.error) return <span className="failed-text">{upload.error.message}</span>;
  if (upload.ingested) {
    const { is_new, messages, content } = upload.ingested;
    const what = messages.length > 1 ? `${messages.length} e-mails` : size(content.size_bytes);
    return <span className="muted">{is_new ? `stored, ${what}` : "was here already"}</span>;
  }
  return <progress value={upload.sent} max={1} aria-label={`${upload.name} is sent`} />;
}

function Entries({ entries, chosen, onToggle }: { entries: Entry[]; chosen: ReadonlySet<string>; onToggle: (key: string) => void }) {
  if (entries.length === 0) {
    return (
      <Empty title="Nothing came in yet.">
        <p>Drop a file or an e-mail above, or send one with the command line:</p>
        <code>tegu ingest FILE</code>
      </Empty>
    );
  }
  return (
    <ul className="entries">
      {entries.map((entry) => (
        <li key={entry.key}>
          <label data-chosen={chosen.has(entry.key)}>
            <input type="checkbox" checked={chosen.has(entry.key)} onChange={() => onToggle(entry.key)} />
            <span className="name truncate">{entry.name}</span>
            <span className="muted">{entry.about}</span>
            <span className="muted when">
              <Time at={entry.at} />
            </span>
          </label>
        </li>
      ))}
    </ul>
  );
}

function StartPanel({ selected, pipelines, onStarted }: { selected: Entry[]; pipelines: PipelineVersion[]; onStarted: () => void }) {
  const [name, setName] = useState("");
  const [model, setModel] = useState("");
  const [isBusy, setIsBusy] = useState(false);
  const wanted = selected.some((entry) => entry.kind === "thread") ? "mail_thread" : "content";
  const fitting = pipelines.filter((pipeline) => pipeline.document.input === wanted);
  const pipeline = fitting.find((each) => each.name === name) ?? fitting[0];
  const isMixed = new Set(selected.map((entry) => entry.kind)).size > 1;
  const refusal =
    selected.length === 0 ? "Choose what to run it over first." : isMixed ? "Choose e-mail threads or files, not both." : pipeline === undefined ? "No pipeline takes that." : null;
  const start = async () => {
    if (pipeline === undefined) return;
    setIsBusy(true);
    try {
      const ids = selected.map((entry) => entry.id);
      const inputs = wanted === "mail_thread" ? { thread_ids: ids } : { content_ids: ids };
      const body = { pipeline: pipeline.name, ...inputs, ...(model ? { model } : {}) };
      const { run_ids } = await call("runs_start", { body }, { idempotencyKey: crypto.randomUUID() });
      say(run_ids.length === 1 ? "The run is started." : `${run_ids.length} runs are started.`);
      onStarted();
    } catch (error) {
      sayError(error);
    }
    setIsBusy(false);
    stale("runs_list");
  };
  return (
    <Panel title="Run a pipeline" aside={<span className="muted">{selected.length ? `${selected.length} chosen` : "nothing chosen"}</span>}>
      <div className="body stack">
        <div className="field">
          <label htmlFor="pipeline">Pipeline</label>
          <select id="pipeline" value={pipeline?.name ?? ""} onChange={(event) => setName(event.target.value)}>
            {fitting.map((each) => (
              <option key={each.id} value={each.name}>
                {each.name} v{each.number}
              </option>
            ))}
          </select>
          {typeof pipeline?.document.description === "string" ? <span className="hint">{pipeline.document.description}</span> : null}
        </div>
        <ModelSelect id="model" value={model} onChange={setModel} />
        <Button kind="primary" refusal={refusal} isBusy={isBusy} onClick={() => void start()}>
          Start
        </Button>
        {refusal ? <span className="muted hint">{refusal}</span> : null}
      </div>
    </Panel>
  );
}

function ActiveRuns() {
  const runs = useRead("runs_list", { query: { limit: 12 } });
  const look = useDelayed(() => stale("runs_list"), 300);
  useFeed("runs", { onEvent: look, onResync: look });
  return (
    <Panel title="Latest runs" aside={<Link to="/runs">all</Link>}>
      {runs.error ? <ErrorNotice error={runs.error} /> : null}
      {runs.isPending ? <Skeleton /> : null}
      {runs.data?.items.length === 0 ? <p className="body muted">None yet.</p> : null}
      <ul className="latest">
        {runs.data?.items.map((run) => (
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

// E-mails stand as their threads, and what came with them is with them: the list is of what one would run something over.
function entriesOf(contents: Content[], threads: ThreadEntry[]): Entry[] {
  const files: Entry[] = contents
    .filter((content) => content.thread_id === null && content.parent_id === null)
    .map((content) => ({ key: `content ${content.id}`, kind: "content", id: content.id, name: content.name ?? content.media_type, about: size(content.size_bytes), at: content.created_at }));
  const mails: Entry[] = threads.map((thread) => ({
    key: `thread ${thread.id}`,
    kind: "thread",
    id: thread.id,
    name: thread.subject || "(no subject)",
    about: thread.messages === 1 ? "1 e-mail" : `${thread.messages} e-mails`,
    at: thread.created_at,
  }));
  return [...files, ...mails].sort((a, b) => b.at.localeCompare(a.at));
}
