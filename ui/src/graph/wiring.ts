// A pipeline's document as a graph: its stages, why each waits for another, and where they stand.

import dagre from "@dagrejs/dagre";

import type { JsonValue, PipelineVersion } from "../api/schema";

export interface Wired {
  name: string;
  uses: string;
  /** Whose outputs it reads, in the order written; `source` is what the run is about. */
  reads: string[];
  /** Stages it waits for. */
  upstream: string[];
  /** Of these, those that it reads nothing of. */
  needs: string[];
  /** What may be absent. */
  optional: string[];
  /** The stage that handles its failure. */
  handler: string | null;
  when: string | null;
  /** What a model is told to do; null for a kind that asks none. */
  instructions: string | null;
}

export interface Placed {
  name: string;
  x: number;
  y: number;
}

export type EdgeKind = "data" | "order" | "failure";

export interface Edge {
  from: string;
  to: string;
  kind: EdgeKind;
}

export interface Layout {
  stages: Placed[];
  /** Where a line that passes other stages goes between them, by `from to`. */
  ways: ReadonlyMap<string, Point[]>;
  width: number;
  height: number;
}

export const NODE_WIDTH = 168;
export const NODE_HEIGHT = 60;
export const SOURCE = "source";

type Json = Record<string, JsonValue>;
const isObject = (value: JsonValue | undefined): value is Json => typeof value === "object" && value !== null && !Array.isArray(value);

export function wiringOf(version: Pick<PipelineVersion, "document">): Wired[] {
  const { stages } = version.document;
  if (!isObject(stages)) return [];
  return Object.entries(stages).map(([name, entry]) => wiredOf(name, isObject(entry) ? entry : {}, stages));
}

function wiredOf(name: string, stage: Json, stages: Json): Wired {
  const there = (each: string) => each === SOURCE || Object.hasOwn(stages, each);
  const inputs = stage.inputs === undefined ? [SOURCE] : namesIn(stage.inputs);
  const list = isObject(stage.each) ? stage.each.over : stage.each;
  const root = typeof list === "string" ? [list.split(".")[0] ?? ""] : [];
  const reads = [...new Set([...inputs, ...root])].filter(there);
  const needs = namesIn(stage.needs).filter((each) => there(each) && !reads.includes(each));
  const handler = typeof stage.on_failure === "string" && Object.hasOwn(stages, stage.on_failure) ? stage.on_failure : null;
  return {
    name,
    uses: typeof stage.uses === "string" ? stage.uses : "",
    reads,
    upstream: [...reads, ...needs].filter((each) => each !== SOURCE),
    needs,
    optional: [...optionalIn(stage.inputs), ...optionalIn(stage.needs)],
    handler,
    when: typeof stage.when === "string" ? stage.when : null,
    instructions: instructionsOf(stage),
  };
}

const ASK_MODELS = new Set(["extract", "classify", "summarize", "prompt"]);

function instructionsOf(stage: Json): string | null {
  if (typeof stage.uses !== "string" || !ASK_MODELS.has(stage.uses)) return null;
  const config = isObject(stage.with) ? stage.with : {};
  return typeof config.instructions === "string" ? config.instructions : "";
}

/** The stage that an entry of `inputs` or `needs` names: `extract`, `extract?`, `{stage: extract, optional: true}`. */
export function nameIn(reference: JsonValue): string | null {
  if (typeof reference === "string") return reference.replace(/\?$/, "");
  return isObject(reference) && typeof reference.stage === "string" ? reference.stage : null;
}

const namesIn = (value: JsonValue | undefined): string[] => (Array.isArray(value) ? value.flatMap((each) => nameIn(each) ?? []) : []);

function optionalIn(value: JsonValue | undefined): string[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((each) => ((typeof each === "string" && each.endsWith("?")) || (isObject(each) && each.optional === true) ? (nameIn(each) ?? []) : []));
}

/** The lines between stages; those from the source are drawn where it is. */
export function edgesOf(stages: Wired[], withSource = false): Edge[] {
  return stages.flatMap((stage) => [
    ...stage.reads.filter((from) => withSource || from !== SOURCE).map((from): Edge => ({ from, to: stage.name, kind: "data" })),
    ...stage.needs.map((from): Edge => ({ from, to: stage.name, kind: "order" })),
    ...(stage.handler ? [{ from: stage.name, to: stage.handler, kind: "failure" as const }] : []),
  ]);
}

/** Above this many lines a layout that avoids crossings takes seconds, in which the page does nothing else. */
const EDGES_MAX = 500;

/** In columns, each behind all that it waits for; lines go as they may. */
function inColumns(names: string[], edges: Edge[]): Layout {
  const [width, height] = [NODE_WIDTH + 64, NODE_HEIGHT + 26];
  const column = columnsOf(names, edges);
  const filled: number[] = [];
  const stages = names.map((name) => {
    const at = column.get(name) ?? 0;
    const row = filled[at] ?? 0;
    filled[at] = row + 1;
    return { name, x: 16 + at * width, y: 16 + row * height };
  });
  return { stages, ways: new Map(), width: filled.length * width, height: 16 + Math.max(...filled) * height };
}

/** How many stages stand before each on its longest way; what waits in a circle stands in the first column. */
function columnsOf(names: string[], edges: Edge[]): Map<string, number> {
  const column = new Map(names.map((name) => [name, 0]));
  const waits = new Map(names.map((name) => [name, 0]));
  const after = new Map(names.map((name): [string, string[]] => [name, []]));
  for (const { from, to } of edges.filter((edge) => edge.from !== edge.to && column.has(edge.from) && column.has(edge.to))) {
    after.get(from)?.push(to);
    waits.set(to, (waits.get(to) ?? 0) + 1);
  }
  const ready = names.filter((name) => waits.get(name) === 0);
  for (const name of ready) {
    for (const next of after.get(name) ?? []) {
      column.set(next, Math.max(column.get(next) ?? 0, (column.get(name) ?? 0) + 1));
      const left = (waits.get(next) ?? 0) - 1;
      waits.set(next, left);
      if (left === 0) ready.push(next);
    }
  }
  return column;
}

export function layOut(names: string[], edges: Edge[]): Layout {
  if (names.length === 0) return { stages: [], ways: new Map(), width: 0, height: 0 };
  if (edges.length > EDGES_MAX) return inColumns(names, edges);
  const graph = new dagre.graphlib.Graph();
  graph.setGraph({ rankdir: "LR", nodesep: 26, ranksep: 64, marginx: 16, marginy: 16 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const name of names) graph.setNode(idOf(name), { width: NODE_WIDTH, height: NODE_HEIGHT });
  for (const { from, to } of edges) if (from !== to) graph.setEdge(idOf(from), idOf(to));
  dagre.layout(graph);
  const stages = names.map((name) => {
    const node = graph.node(idOf(name)) as { x: number; y: number };
    return { name, x: node.x - NODE_WIDTH / 2, y: node.y - NODE_HEIGHT / 2 };
  });
  const columns = [...new Set(stages.map((stage) => stage.x + NODE_WIDTH / 2))];
  const ways = new Map(
    graph.edges().map(({ v, w }): [string, Point[]] => {
      const { points = [] } = graph.edge(v, w) as { points?: Point[] };
      // Through a column it goes straight; its ends are where the stages are.
      const passed = points.slice(1, -1).filter((point) => columns.some((column) => Math.abs(column - point.x) < 1));
      return [wayOf(nameOf(v), nameOf(w)), passed.flatMap(({ x, y }) => [{ x: x - NODE_WIDTH / 2, y }, { x: x + NODE_WIDTH / 2, y }])];
    }),
  );
  const { width = 0, height = 0 } = graph.graph() as { width?: number; height?: number };
  return { stages, ways, width, height };
}

// The library keeps nodes in plain objects: a stage may be called as something that each of them has (`constructor`).
const idOf = (name: string): string => `:${name}`;
const nameOf = (id: string): string => id.slice(1);

export const wayOf = (from: string, to: string): string => `${from} ${to}`;

export interface Point {
  x: number;
  y: number;
}

export const outOf = (stage: Point): Point => ({ x: stage.x + NODE_WIDTH, y: stage.y + NODE_HEIGHT / 2 });
export const into = (stage: Point): Point => ({ x: stage.x, y: stage.y + NODE_HEIGHT / 2 });

export function curve(from: Point, to: Point): string {
  const bend = Math.max(24, (to.x - from.x) / 2);
  return `M${from.x} ${from.y}C${from.x + bend} ${from.y} ${to.x - bend} ${to.y} ${to.x} ${to.y}`;
}

/** A line over all these points, in the direction in which the graph goes. */
export function lineOver(points: Point[]): string {
  return points.slice(1).map((to, index) => curve(points[index] as Point, to)).join("");
}

/** The stage that an arrow key leads to. */
export function besideOf(key: string, name: string, stages: Placed[], edges: Edge[]): string | undefined {
  const at = stages.find((stage) => stage.name === name);
  if (at === undefined) return undefined;
  const column = stages.filter((stage) => Math.abs(stage.x - at.x) < NODE_WIDTH / 2).sort((a, b) => a.y - b.y);
  const row = column.findIndex((stage) => stage.name === name);
  switch (key) {
    case "ArrowRight":
      return edges.find((edge) => edge.from === name)?.to;
    case "ArrowLeft":
      return edges.find((edge) => edge.to === name)?.from;
    case "ArrowDown":
      return column[row + 1]?.name;
    case "ArrowUp":
      return column[row - 1]?.name;
    default:
      return undefined;
  }
}
