// The lines of a graph, behind its nodes.

import type { ReactNode } from "react";

import { into, lineOver, outOf, wayOf, type Edge, type Placed, type Point } from "./wiring";

interface Props {
  stages: Placed[];
  edges: Edge[];
  ways: ReadonlyMap<string, Point[]>;
  width: number;
  height: number;
  statusOf?: (stage: string) => string | undefined;
  children?: ReactNode;
}

export function Lines({ stages, edges, ways, width, height, statusOf, children }: Props) {
  const at = new Map(stages.map((stage) => [stage.name, stage]));
  return (
    <svg width={width} height={height} aria-hidden="true">
      {edges.map(({ from, to, kind }) => {
        const [start, end] = [at.get(from), at.get(to)];
        return start && end ? <path key={`${from} ${to} ${kind}`} d={lineOver([outOf(start), ...(ways.get(wayOf(from, to)) ?? []), into(end)])} data-kind={kind} data-status={statusOf?.(from)} /> : null;
      })}
      {children}
    </svg>
  );
}
