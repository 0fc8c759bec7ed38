// What a stage asked models, as people read it: instructions, each text that went along, and the reply. The whole request is below.

import { useState } from "react";

import { useRead } from "../api/query";
import type { JsonValue, LlmCall, Run } from "../api/schema";
import { ErrorNotice, Notice, Skeleton } from "../design/Notice";
import { count, elapsed, money, UNKNOWN } from "../design/words";
import { Json } from "./Json";
import { promptOf, readable } from "./exchange";

export function Calls({ run, stage }: { run: Run; stage: string }) {
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
        <strong>
          {call.provider}:{call.model}
        </strong>
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
  const { error } = found.data.call;
  return (
    <div className="exchange">
      {error ? <Notice tone="failed" title={messageOf(error)} /> : null}
      <h4>Prompt</h4>
      {request ? promptOf(request).map((part, index) => <Part key={index} {...part} />) : <p className="muted">Not stored.</p>}
      <h4>Reply</h4>
      {reply ? <pre className="said">{readable(reply)}</pre> : <p className="muted">{error ? "None." : "Not stored."}</p>}
      {request ? (
        <details className="whole">
          <summary>Request and reply as JSON</summary>
          <Json value={{ request, reply }} />
        </details>
      ) : null}
    </div>
  );
}

/** Of a reply that was refused: what was wrong with it. */
function messageOf({ message, problems, ...rest }: Record<string, JsonValue>): string {
  if (typeof message === "string") return message;
  return Array.isArray(problems) ? problems.map((each) => (typeof each === "string" ? each : JSON.stringify(each))).join("; ") : JSON.stringify(rest);
}

function Part({ name, text }: { name: string; text: string }) {
  return (
    <figure className="part">
      <figcaption>{name}</figcaption>
      <pre className="said" tabIndex={0}>
        {text}
      </pre>
    </figure>
  );
}
