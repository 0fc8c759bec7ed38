// The pipeline as a graph that is drawn on: stages are moved and connected by dragging, and everything can be done by keys too.
//
// A screen reader hears a list of stages, each with what it reads and what is wrong with it. The layout makes itself; where somebody put
// a stage is kept (places.ts).

import { useCallback, useEffect, useMemo, useRef, useState, type KeyboardEvent, type PointerEvent as Pointer } from "react";

import type { Problem, StageRun } from "../../../api/schema";
import { Button } from "../../../design/Button";
import { Empty } from "../../../design/Notice";
import { StatusIcon } from "../../../design/Status";
import { Lines } from "../../../graph/Lines";
import { besideOf, curve, edgesOf, layOut, NODE_HEIGHT, NODE_WIDTH, outOf, SOURCE, wayOf, type Edge, type Placed, type Point, type Wired } from "../../../graph/wiring";
import { KindIcon, type Group } from "./KindIcon";
import type { Places } from "./places";
import "../../../graph/graph.css";

export interface CanvasProps {
  wiring: Wired[];
  places: Places;
  /** What runs are about: content, or mail thread. */
  input: string;
  groupOf: (kind: string) => Group | undefined;
  problems: ReadonlyMap<string, Problem[]>;
  runs: ReadonlyMap<string, StageRun>;
  chosen: string | null;
  /** The stage that is to have the focus; another object is another wish. */
  focused: { name: string } | null;
  onChoose: (name: string | null) => void;
  onOpen: (name: string) => void;
  onAdd: () => void;
  onConnect: (from: string, to: string) => void;
  onDisconnect: (from: string, to: string) => void;
  onProblem: (problem: Problem) => void;
}

interface Wire {
  from: string;
  to: Point;
  over: string | null;
}

const STEP = 20;
const BY_KEYS: Record<string, Point> = { ArrowLeft: { x: -STEP, y: 0 }, ArrowRight: { x: STEP, y: 0 }, ArrowUp: { x: 0, y: -STEP }, ArrowDown: { x: 0, y: STEP } };
const DRAG_MIN = 4;
const MARGIN = 16;
/** A wide graph is drawn smaller, as far as it can still be read. */
const SCALE_MIN = 0.72;

export function Canvas({ wiring, places, input, groupOf, problems, runs, chosen, focused, onChoose, onOpen, onAdd, onConnect, onDisconnect, onProblem }: CanvasProps) {
  const edges = useMemo(() => edgesOf(wiring, true), [wiring]);
  const layout = useMemo(() => layOut([SOURCE, ...wiring.map((stage) => stage.name)], edges), [wiring, edges]);
  const { places: moved } = places;
  const [wire, setWire] = useState<Wire | null>(null);
  const canvas = useRef<HTMLDivElement>(null);
  const wasDragged = useRef(false);
  const stages = useMemo(() => layout.stages.map((stage) => ({ ...stage, ...moved.get(stage.name) })), [layout, moved]);
  // What was drawn around others is drawn straight from where somebody put it.
  const ways = useMemo(() => new Map([...layout.ways].filter(([way]) => !way.split(" ").some((name) => moved.has(name)))), [layout, moved]);
  const width = Math.max(layout.width, ...stages.map((stage) => stage.x + NODE_WIDTH + MARGIN));
  const height = Math.max(layout.height, ...stages.map((stage) => stage.y + NODE_HEIGHT + MARGIN));
  const [box, room] = useRoom();
  const scale = Math.max(SCALE_MIN, Math.min(1, room / width));
  const focus = (name: string | undefined) => canvas.current?.querySelector<HTMLElement>(`[data-stage="${CSS.escape(name ?? "")}"]`)?.focus();
  useEffect(() => {
    if (focused) canvas.current?.querySelector<HTMLElement>(`[data-stage="${CSS.escape(focused.name)}"]`)?.focus();
  }, [focused]);

  const at = new Map(stages.map((stage) => [stage.name, stage]));
  const pointAt = (event: { clientX: number; clientY: number }): Point => {
    const box = canvas.current?.getBoundingClientRect();
    return { x: (event.clientX - (box?.left ?? 0)) / scale, y: (event.clientY - (box?.top ?? 0)) / scale };
  };
  const move = (event: Pointer, stage: Placed) => {
    const start = pointAt(event);
    wasDragged.current = false;
    follow(event, (next) => {
      const at = pointAt(next);
      if (!wasDragged.current && Math.hypot(at.x - start.x, at.y - start.y) < DRAG_MIN) return;
      wasDragged.current = true;
      places.move(stage.name, { x: stage.x + at.x - start.x, y: stage.y + at.y - start.y });
    });
  };
  const draw = (event: Pointer, from: string) => {
    event.preventDefault();
    const overOf = (next: PointerEvent) => document.elementFromPoint(next.clientX, next.clientY)?.closest<HTMLElement>("[data-target]")?.dataset.target ?? null;
    follow(
      event,
      (next) => setWire({ from, to: pointAt(next), over: overOf(next) }),
      (next) => {
        setWire(null);
        const to = next ? overOf(next) : null;
        if (to !== null && to !== from) onConnect(from, to);
      },
    );
  };
  const step = (event: KeyboardEvent, name: string) => {
    if (event.key === "Enter") {
      event.preventDefault();
      onOpen(name);
      return;
    }
    const by = event.shiftKey ? BY_KEYS[event.key] : undefined;
    const here = at.get(name);
    if (by !== undefined && here !== undefined) {
      event.preventDefault();
      places.move(name, { x: here.x + by.x, y: here.y + by.y });
      return;
    }
    const to = besideOf(event.key, name, stages, edges);
    if (to === undefined) return;
    event.preventDefault();
    focus(to);
  };
  if (wiring.length === 0) {
    return (
      <Empty title="No stages yet">
        <p>A stage does one thing with the source of a run: extract values, choose a label, summarize it, ask a person.</p>
        <Button kind="primary" onClick={onAdd}>
          Add the first stage
        </Button>
      </Empty>
    );
  }
  const from = wire ? at.get(wire.from) : undefined;
  const first = chosen ?? wiring[0]?.name;
  return (
    <div className="graph editing" ref={box}>
      <div className="sized" style={{ width: width * scale, height: height * scale }}>
        <div className="canvas" ref={canvas} style={{ width, height, transform: `scale(${scale})` }}>
          <Lines stages={stages} edges={edges} ways={ways} width={width} height={height} statusOf={(name) => runs.get(name)?.status}>
            {wire && from ? <path className="wire" d={curve(outOf(from), wire.to)} /> : null}
          </Lines>
          <div className="node box" data-source style={placeOf(at.get(SOURCE))}>
            <div className="face">
              <span className="name">
                <KindIcon group="source" /> {SOURCE}
              </span>
              <span className="about">{input.replace("_", " ")}</span>
            </div>
            <span className="port" title="Drag to a stage that should read it" onPointerDown={(event) => draw(event, SOURCE)} />
          </div>
          <ul aria-label="Stages">
            {wiring.map((stage) => {
              const run = runs.get(stage.name);
              const wrong = problems.get(stage.name) ?? [];
              return (
                <li key={stage.name} className="node box" data-target={stage.name} data-status={run?.status} data-wrong={wrong.length > 0 || undefined} data-chosen={stage.name === chosen || undefined} data-over={wire?.over === stage.name || undefined} style={placeOf(at.get(stage.name))}>
                  <button
                    type="button"
                    className="face"
                    data-stage={stage.name}
                    aria-pressed={stage.name === chosen}
                    tabIndex={stage.name === first ? 0 : -1}
                    title={stage.when ? `when ${stage.when}` : undefined}
                    onPointerDown={(event) => move(event, at.get(stage.name) ?? { name: stage.name, x: 0, y: 0 })}
                    onFocus={() => onChoose(stage.name)}
                    onClick={() => {
                      if (!wasDragged.current) onChoose(stage.name);
                    }}
                    onKeyDown={(event) => step(event, stage.name)}
                  >
                    <span className="name">
                      {run ? <StatusIcon status={run.status} /> : <KindIcon group={groupOf(stage.uses)} />}
                      <span className="truncate">{stage.name}</span>
                    </span>
                    <span className="about truncate">{[stage.uses, stage.when ? "if its condition holds" : ""].filter(Boolean).join(" · ")}</span>
                    <span className="visually-hidden">{spoken(stage, wrong, run)}</span>
                  </button>
                  {wrong[0] ? (
                    <button type="button" className="wrong" aria-label={`Problem in ${stage.name}: ${wrong[0].message}`} title={wrong.map((each) => each.message).join("\n")} onClick={() => onProblem(wrong[0] as Problem)}>
                      {wrong.length}
                    </button>
                  ) : null}
                  <span className="port" title="Drag to a stage that should read this" onPointerDown={(event) => draw(event, stage.name)} />
                </li>
              );
            })}
          </ul>
          {edges.filter((edge) => edge.kind !== "failure" && (edge.from === chosen || edge.to === chosen)).map((edge) => (
            <Cut key={wayOf(edge.from, edge.to)} edge={edge} from={ways.get(wayOf(edge.from, edge.to))?.at(-1) ?? startOf(at.get(edge.from))} to={at.get(edge.to)} onCut={() => onDisconnect(edge.from, edge.to)} />
          ))}
        </div>
      </div>
    </div>
  );
}

/** How wide the box is in which the graph stands. */
function useRoom(): [(box: HTMLDivElement | null) => (() => void) | undefined, number] {
  const [room, setRoom] = useState(Infinity);
  const watch = useCallback((box: HTMLDivElement | null) => {
    if (!box) return undefined;
    setRoom(box.clientWidth); // before it is painted
    const observer = new ResizeObserver(() => setRoom(box.clientWidth));
    observer.observe(box);
    return () => observer.disconnect();
  }, []);
  return [watch, room];
}

const startOf = (stage: Placed | undefined): Point | undefined => stage && outOf(stage);

/** In the last stretch of a line, before the stage that it leads to. */
function Cut({ edge, from, to, onCut }: { edge: Edge; from: Point | undefined; to: Placed | undefined; onCut: () => void }) {
  if (!from || !to) return null;
  return (
    <button type="button" className="cut" aria-label={`Disconnect ${edge.to} from ${edge.from}`} title={`Disconnect ${edge.to} from ${edge.from}`} style={{ left: (from.x + to.x) / 2, top: (from.y + to.y + NODE_HEIGHT / 2) / 2 }} onClick={onCut}>
      ×
    </button>
  );
}

const placeOf = (stage: Placed | undefined) => ({ left: stage?.x ?? 0, top: stage?.y ?? 0, width: NODE_WIDTH, height: NODE_HEIGHT });

function spoken(stage: Wired, wrong: Problem[], run: StageRun | undefined): string {
  const said = [`reads ${stage.reads.join(", ") || "nothing"}`];
  if (stage.needs.length > 0) said.push(`waits for ${stage.needs.join(", ")}`);
  if (wrong.length > 0) said.push(wrong.length === 1 ? "1 problem" : `${wrong.length} problems`);
  if (run) said.push(run.status);
  return `, ${said.join("; ")}`;
}

/** Follow a pointer until it is lifted; null: it was taken away, as by scrolling. */
function follow(event: Pointer, onMove: (next: PointerEvent) => void, onEnd?: (last: PointerEvent | null) => void): void {
  if (event.button !== 0) return;
  const done = new AbortController();
  const { signal } = done;
  window.addEventListener("pointermove", onMove, { signal });
  const end = (last: PointerEvent | null) => {
    done.abort();
    onEnd?.(last);
  };
  window.addEventListener("pointerup", end, { signal });
  window.addEventListener("pointercancel", () => end(null), { signal });
}
