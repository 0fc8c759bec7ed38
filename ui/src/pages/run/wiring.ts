// A pipeline's document as a graph: its stages, what each waits for, and where it stands on the canvas.

import dagre from "@dagrejs/dagre";

import type { JsonValue, PipelineVersion } from "../../api/schema";

export interface Wired {
  name: string;
  uses: string;
  /** Stages it waits for. */
  upstream: string[];
  when: string | null;
  /** What a model is told to do; null for a kind that asks none. */
  instructions: string | null;
}

export interface Placed extends Wired {
  x: number;
  y: number;
}

export interface Layout {
  stages: Placed[];
  edges: { from: string; to: string; path: string; label: string | null }[];
  width: number;
  height: number;
}

export const NODE_WIDTH = 168;
export const NODE_HEIGHT = 60;

type Json = Record<string, JsonValue>;
const isObject = (value: JsonValue | undefined): value is Json => typeof value === "object" && value !== null && !Array.isArray(value);

export function wiringOf(version: Pick<PipelineVersion, "document">): Wired[] {
  const stages = version.document.stages;
  if (!isObject(stages)) return [];
  return Object.entries(stages).map(([name, entry]) => {
    const stage = isObject(entry) ? entry : {};
    const waits = [...namesIn(stage.inputs), ...namesIn(stage.needs)].filter((each) => each in stages);
    return {
      name,
      uses: typeof stage.uses === "string" ? stage.uses : "",
      upstream: [...new Set(waits)],
      when: typeof stage.when === "string" ? stage.when : null,
      instructions: instructionsOf(stage),
    };
  });
}

const ASK_MODELS = new Set(["extract", "classify", "summarize", "prompt"]);

function instructionsOf(stage: Json): string | null {
  if (typeof stage.uses !== "string" || !ASK_MODELS.has(stage.uses)) return null;
  const config = isObject(stage.with) ? stage.with : {};
  return typeof config.instructions === "string" ? config.instructions : "";
}

function namesIn(value: JsonValue | undefined): string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === "string").map((each) => each.replace(/\?$/, "")) : [];
}

export function layOut(stages: Wired[]): Layout {
  if (stages.length === 0) return { stages: [], edges: [], width: 0, height: 0 };
  const graph = new dagre.graphlib.Graph();
  graph.setGraph({ rankdir: "LR", nodesep: 26, ranksep: 64, marginx: 16, marginy: 16 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const stage of stages) graph.setNode(stage.name, { width: NODE_WIDTH, height: NODE_HEIGHT });
  for (const stage of stages) for (const from of stage.upstream) graph.setEdge(from, stage.name);
  dagre.layout(graph);
  const placed = stages.map((stage) => {
    const node = graph.node(stage.name) as { x: number; y: number };
    return { ...stage, x: node.x - NODE_WIDTH / 2, y: node.y - NODE_HEIGHT / 2 };
  });
  const at = new Map(placed.map((stage) => [stage.name, stage]));
  const edges = placed.flatMap((to) =>
    to.upstream.flatMap((name) => {
      const from = at.get(name);
      return from ? [{ from: name, to: to.name, path: curve(from, to), label: to.when }] : [];
    }),
  );
  const { width = 0, height = 0 } = graph.graph() as { width?: number; height?: number };
  return { stages: placed, edges, width, height };
}

function curve(from: Placed, to: Placed): string {
  const [x1, y1, x2, y2] = [from.x + NODE_WIDTH, from.y + NODE_HEIGHT / 2, to.x, to.y + NODE_HEIGHT / 2];
  const bend = Math.max(24, (x2 - x1) / 2);
  return `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`;
}
