// One stage from near: what it put out, what it asked a model and what that said, and how its attempts ended.

import { useState } from "react";

import type { Run, StageRun } from "../api/schema";
import { Empty, Notice } from "../design/Notice";
import { Status } from "../design/Status";
import { elapsed } from "../design/words";
import type { Wired } from "../graph/wiring";
import { Streamed } from "../source/Streamed";
import { Calls } from "./Calls";
import { Json } from "./Json";
import { isOver } from "./over";

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
      {stage?.fallbacks.map((fallback) => (
        <Notice key={fallback.from_model + fallback.code} title={`${fallback.from_model} was not used: ${fallback.message}`} hint={`${fallback.to_model} was asked instead.`} />
      ))}
      <div className="sections">
        <Told run={run} stage={stage} streamed={streamed} isLive={live === wired.name} />
        <Calls run={run} stage={wired.name} />
      </div>
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

function Condition({ when, stage }: { when: string; stage: StageRun | undefined }) {
  const held = stage === undefined ? "is decided when what it waits for has ended" : stage.status === "skipped" ? "was false, or what the stage needs is missing" : "was true";
  return (
    <p>
      <span className="muted">Condition {held}:</span> <code>{when}</code>
    </p>
  );
}
