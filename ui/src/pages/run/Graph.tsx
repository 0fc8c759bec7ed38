// The run as a graph: what ended, what is under way, what waits for what. A stage is a button; arrow keys go along the edges.

import { useMemo, useRef, type KeyboardEvent } from "react";

import type { StageRun } from "../../api/schema";
import { StatusIcon } from "../../design/Status";
import { elapsed, money } from "../../design/words";
import { layOut, NODE_HEIGHT, NODE_WIDTH, type Wired } from "./wiring";

export interface Spent {
  cost_usd: number | null;
  tokens: number;
}

interface Props {
  wiring: Wired[];
  runs: Map<string, StageRun>;
  spent: Map<string, Spent>;
  chosen: string | undefined;
  onChoose: (stage: string) => void;
}

export function Graph({ wiring, runs, spent, chosen, onChoose }: Props) {
  const layout = useMemo(() => layOut(wiring), [wiring]);
  const box = useRef<HTMLDivElement>(null);
  const focus = (name: string | undefined) => {
    if (name !== undefined) box.current?.querySelector<HTMLElement>(`[data-stage="${CSS.escape(name)}"]`)?.focus();
  };
  const move = (event: KeyboardEvent, name: string) => {
    const at = layout.stages.find((stage) => stage.name === name);
    if (at === undefined) return;
    const column = layout.stages.filter((stage) => Math.abs(stage.x - at.x) < 1).sort((a, b) => a.y - b.y);
    const row = column.findIndex((stage) => stage.name === name);
    const to = {
      ArrowRight: layout.edges.find((edge) => edge.from === name)?.to,
      ArrowLeft: at.upstream[0],
      ArrowDown: column[row + 1]?.name,
      ArrowUp: column[row - 1]?.name,
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    focus(to);
  };
  return (
    <div className="graph" ref={box} role="group" aria-label="Stages of the run">
      <div className="canvas" ref={(node) => {
        if (node) Object.assign(node.style, { width: `${layout.width}px`, height: `${layout.height}px` });
      }}>
        <svg width={layout.width} height={layout.height} aria-hidden="true">
          {layout.edges.map((edge) => (
            <path key={`${edge.from} ${edge.to}`} d={edge.path} data-status={runs.get(edge.from)?.status ?? "pending"} />
          ))}
        </svg>
        {layout.stages.map((stage) => {
          const run = runs.get(stage.name);
          const status = run?.status ?? "pending";
          return (
            <button
              key={stage.name}
              type="button"
              className="node"
              data-stage={stage.name}
              data-status={status}
              aria-pressed={stage.name === chosen}
              ref={(node) => {
                if (node) Object.assign(node.style, { left: `${stage.x}px`, top: `${stage.y}px`, width: `${NODE_WIDTH}px`, height: `${NODE_HEIGHT}px` });
              }}
              onClick={() => onChoose(stage.name)}
              onKeyDown={(event) => move(event, stage.name)}
              title={stage.when ? `when ${stage.when}` : undefined}
            >
              <span className="name">
                <StatusIcon status={status} />
                <span className="truncate">{stage.name}</span>
              </span>
              <span className="about truncate">{about(stage, run, spent.get(stage.name))}</span>
              <span className="visually-hidden">{status}</span>
            </button>
          );
        })}
      </div>
    </div>
  );
}

function about(stage: Wired, run: StageRun | undefined, spent: Spent | undefined): string {
  if (run === undefined) return stage.when ? "if its condition holds" : stage.upstream.length ? `waits for ${stage.upstream.join(", ")}` : stage.uses;
  if (run.reused_from) return "kept, not paid again";
  const said: string[] = [];
  if (run.elapsed_s !== null) said.push(elapsed(run.elapsed_s));
  if (run.status === "running" || run.status === "waiting") said.push(run.attempt > 1 ? `try ${run.attempt}` : stage.uses);
  if (run.status === "skipped") said.push("not needed");
  if (spent && spent.tokens > 0) said.push(`${spent.tokens} tok`);
  if (spent?.cost_usd) said.push(money(spent.cost_usd));
  return said.join(" · ") || stage.uses;
}
