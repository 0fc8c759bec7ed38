// The run as a graph: what ended, what is under way, what waits for what. A stage is a button; arrow keys go along the edges.

import { useMemo, useRef, type KeyboardEvent } from "react";

import type { StageRun } from "../api/schema";
import { StatusIcon } from "../design/Status";
import { elapsed, money } from "../design/words";
import { Lines } from "../graph/Lines";
import { besideOf, edgesOf, layOut, NODE_HEIGHT, NODE_WIDTH, type Wired } from "../graph/wiring";
import "../graph/graph.css";

/** What a run that failed or was cancelled never came to. */
const isLost = (run: StageRun | undefined): boolean => run?.status === "failed" || run?.status === "cancelled";

export interface Spent {
  /** Who was asked last; a stage that failed names no model of its own. */
  model: string;
  cost_usd: number | null;
  tokens: number;
}

interface Props {
  label?: string;
  wiring: Wired[];
  /** Null: no run is shown, and the stages stand nowhere. */
  runs: Map<string, StageRun> | null;
  progress?: Map<string, string>;
  spent: Map<string, Spent>;
  chosen: string | undefined;
  onChoose: (stage: string) => void;
}

export function Graph({ label = "Stages of the run", wiring, runs, progress, spent, chosen, onChoose }: Props) {
  const edges = useMemo(() => edgesOf(wiring), [wiring]);
  const layout = useMemo(() => layOut(wiring.map((stage) => stage.name), edges), [wiring, edges]);
  const wired = useMemo(() => new Map(wiring.map((stage) => [stage.name, stage])), [wiring]);
  const box = useRef<HTMLDivElement>(null);
  const move = (event: KeyboardEvent, name: string) => {
    const to = besideOf(event.key, name, layout.stages, edges);
    if (to === undefined) return;
    event.preventDefault();
    box.current?.querySelector<HTMLElement>(`[data-stage="${CSS.escape(to)}"]`)?.focus();
  };
  return (
    <div className="graph" ref={box} role="group" aria-label={label}>
      <div className="canvas" style={{ width: layout.width, height: layout.height }}>
        <Lines {...layout} edges={edges} statusOf={(stage) => runs?.get(stage)?.status ?? "pending"} />
        {layout.stages.map(({ name, x, y }) => {
          const run = runs?.get(name);
          const status = run?.status ?? "pending";
          const stage = wired.get(name);
          return (
            <button
              key={name}
              type="button"
              className="node"
              data-stage={name}
              data-status={status}
              aria-pressed={name === chosen}
              style={{ left: x, top: y, width: NODE_WIDTH, height: NODE_HEIGHT }}
              onClick={() => onChoose(name)}
              onKeyDown={(event) => move(event, name)}
              title={stage?.when ? `when ${stage.when}` : undefined}
            >
              <span className="name">
                {runs ? <StatusIcon status={status} /> : null}
                <span className="truncate">{name}</span>
              </span>
              <span className="about truncate">{stage ? about(stage, run, progress?.get(name), spent.get(name), runs) : ""}</span>
              {runs ? <span className="visually-hidden">{status}</span> : null}
            </button>
          );
        })}
      </div>
    </div>
  );
}

function about(stage: Wired, run: StageRun | undefined, progress: string | undefined, spent: Spent | undefined, runs: Map<string, StageRun> | null): string {
  if (run === undefined) return stage.when ? "conditional" : stage.upstream.length ? `waits for ${stage.upstream.join(", ")}` : stage.uses;
  if (run.reused_from) return "reused, at no cost";
  const said: string[] = progress === undefined ? [] : [progress];
  // Of a stage that starts runs, an attempt is only a look at them.
  if (run.elapsed_s !== null && progress === undefined) said.push(elapsed(run.elapsed_s));
  if (progress === undefined && (run.status === "running" || run.status === "waiting")) said.push(run.attempt > 1 ? `try ${run.attempt}` : stage.uses);
  if (run.status === "skipped") said.push(stage.upstream.some((name) => isLost(runs?.get(name))) ? "not reached" : "not needed");
  if (spent && spent.tokens > 0) said.push(`${spent.tokens} tok`);
  if (spent?.cost_usd) said.push(money(spent.cost_usd));
  return said.join(" · ") || stage.uses;
}
