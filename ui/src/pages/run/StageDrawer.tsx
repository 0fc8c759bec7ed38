// One stage from near: what it put out, what it asked a model and what that said, and how its attempts ended.

import { useLayoutEffect, useRef, useState, type UIEvent } from "react";

import { useRead } from "../../api/query";
import type { LlmCall, Run, StageRun } from "../../api/schema";
import { Empty, ErrorNotice, Notice, Skeleton } from "../../design/Notice";
import { Status } from "../../design/Status";
import { count, elapsed, money, UNKNOWN } from "../../design/words";
import type { Wired } from "../../graph/wiring";
import { isOver } from "./useRun";

const LINE_PX = 20;

export function StageDrawer({ run, stage, wired, streamed }: { run: Run; stage: StageRun | undefined; wired: Wired | undefined; streamed: string | null }) {
  const group = run.children.find((each) => each.stage === wired?.name);
  // Whoever sees a stage before its end sees its output where its words were.
  const [live, setLive] = useState<string | null>(null);
  const isUnderWay = !isOver(run) && (stage === undefined || ["pending", "running", "waiting"].includes(stage.status));
  if (wired !== undefined && isUnderWay && live !== wired.name) setLive(wired.name);
  if (wired === undefined) return <Empty title="Select a stage in the graph." />;
  return (
    <div className="drawer">
      <dl className="facts">
        <div>
          <dt>stage</dt>
          <dd>{wired.name}</dd>
        </div>
        <div>
          <dt>kind</dt>
          <dd>{wired.uses}</dd>
        </div>
        <div>
          <dt>status</dt>
          <dd>
            <Status status={stage?.status ?? "pending"} />
          </dd>
        </div>
        <div>
          <dt>attempts</dt>
          <dd>{stage?.attempt ?? 0}</dd>
        </div>
        <div>
          <dt>time</dt>
          <dd>{elapsed(stage?.elapsed_s)}</dd>
        </div>
        {group ? (
          <div>
            <dt>{group.items === null ? "started" : "mapped"}</dt>
            <dd>{group.progress}</dd>
          </div>
        ) : null}
      </dl>
      {group?.items ? <progress className="items" max={group.items} value={group.items_ended ?? 0} aria-label={group.progress} /> : null}
      {wired.when ? <Condition when={wired.when} stage={stage} /> : null}
      <Told run={run} stage={stage} streamed={streamed} isLive={live === wired.name} />
      {stage?.fallbacks.map((fallback) => (
        <Notice key={fallback.from_model + fallback.code} title={`${fallback.from_model} was not used: ${fallback.message}`} hint={`${fallback.to_model} was asked instead.`} />
      ))}
      <Calls run={run} stage={wired.name} />
    </div>
  );
}

function Told({ run, stage, streamed, isLive }: { run: Run; stage: StageRun | undefined; streamed: string | null; isLive: boolean }) {
  const output = stage?.output ?? null;
  const isSpeaking = streamed !== null && stage?.status === "running";
  const error = stage?.error && !isSpeaking ? <Notice tone={stage.status === "waiting" ? "waiting" : "failed"} title={stage.error.message} hint={stage.error.hint} /> : null;
  if (output === null && !isLive) return error;
  return (
    <section className="told" data-live={isLive || undefined}>
      <h3>{isSpeaking ? "The reply so far" : "Output"}</h3>
      {error}
      {isSpeaking ? <Streamed text={streamed} /> : output !== null ? <Json value={output} /> : error ? null : <p className="muted">{stage?.status === "running" ? "None yet: it is at work." : isOver(run) ? "None." : "None yet."}</p>}
    </section>
  );
}

/** The last words are in sight, until somebody goes back to read earlier ones. */
function Streamed({ text }: { text: string }) {
  const box = useRef<HTMLPreElement>(null);
  const follows = useRef(true);
  useLayoutEffect(() => {
    if (follows.current && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [text]);
  const look = ({ currentTarget: { scrollHeight, scrollTop, clientHeight } }: UIEvent<HTMLPreElement>) => {
    follows.current = scrollHeight - scrollTop - clientHeight < LINE_PX;
  };
  return (
    <pre ref={box} className="streamed" role="region" aria-live="off" aria-label="The reply so far" tabIndex={0} onScroll={look}>
      {text}
      <span className="caret" aria-hidden="true" />
    </pre>
  );
}

function Condition({ when, stage }: { when: string; stage: StageRun | undefined }) {
  const held = stage === undefined ? "is decided when what it waits for has ended" : stage.status === "skipped" ? "was false, or what the stage needs is missing" : "was true";
  return (
    <p>
      <span className="muted">Condition {held}:</span> <code>{when}</code>
    </p>
  );
}

function Calls({ run, stage }: { run: Run; stage: string }) {
  const calls = useRead("calls_list", { query: { run_id: run.id, stage, sort: "created_at", limit: 100 } });
  if (calls.error) return <ErrorNotice error={calls.error} />;
  if (!calls.data) return <Skeleton rows={2} />;
  if (calls.data.items.length === 0) return null;
  return (
    <section>
      <h3>Model calls</h3>
      <ul className="calls">
        {calls.data.items.map((call) => (
          <li key={call.id}>
            <Call call={call} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function Call({ call }: { call: LlmCall }) {
  const [isOpen, setIsOpen] = useState(false);
  const tokens = call.usage.input_tokens === null ? UNKNOWN : `${count(call.usage.input_tokens)} in, ${count(call.usage.output_tokens)} out`;
  return (
    <details onToggle={(event) => setIsOpen(event.currentTarget.open)}>
      <summary>
        <strong>{call.model}</strong>
        <span className="muted">
          {call.answered_by === "journal" ? "replayed" : call.status} · {tokens} · {money(call.cost_usd)} · {elapsed(call.latency_ms === null ? null : call.latency_ms / 1000)}
        </span>
      </summary>
      {isOpen ? <Exchange callId={call.id} /> : null}
    </details>
  );
}

function Exchange({ callId }: { callId: string }) {
  const found = useRead("calls_get", { path: { call_id: callId } }, { staleTime: 60_000 });
  if (found.error) return <ErrorNotice error={found.error} />;
  if (!found.data) return <Skeleton rows={2} />;
  const { request, reply } = found.data.exchange;
  return (
    <div className="exchange">
      <h4>Prompt</h4>
      {request ? <Json value={request} /> : <p className="muted">Not stored.</p>}
      <h4>Reply</h4>
      {reply ? <Json value={reply} /> : <p className="muted">{found.data.call.error ? "The call failed." : "Not stored."}</p>}
      {found.data.call.error ? <Json value={found.data.call.error} /> : null}
    </div>
  );
}

export function Json({ value }: { value: unknown }) {
  return <pre className="json">{JSON.stringify(value, null, 2)}</pre>;
}
