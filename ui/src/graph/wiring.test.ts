import { describe, expect, it } from "vitest";

import { edgesOf, layOut, wayOf, wiringOf } from "./wiring";

describe("stages that are called as something that every object has", () => {
  const stages = { constructor: { uses: "extract" }, __proto: { uses: "summarize", inputs: ["constructor"] }, valueof: { uses: "prompt", inputs: ["toString", "constructor"] } };
  const wiring = wiringOf({ document: { stages } });

  it("are wired to what there is, and to nothing else", () => {
    expect(wiring.map((each) => [each.name, each.reads])).toEqual([
      ["constructor", ["source"]],
      ["__proto", ["constructor"]],
      ["valueof", ["constructor"]],
    ]);
  });

  it("are laid out", () => {
    const edges = edgesOf(wiring);
    const layout = layOut(wiring.map((each) => each.name), edges);
    expect(layout.stages.map((each) => each.name)).toEqual(["constructor", "__proto", "valueof"]);
    expect(layout.stages.every((each) => Number.isFinite(each.x) && Number.isFinite(each.y))).toBe(true);
    expect([...layout.ways.keys()].sort()).toEqual(edges.map(({ from, to }) => wayOf(from, to)).sort());
  });
});

it("lays out very many lines in columns, in time that grows with them", () => {
  const names = Array.from({ length: 1000 }, (_, index) => `s${index}`);
  const edges = names.flatMap((to, index) => names.slice(Math.max(0, index - 10), index).map((from) => ({ from, to, kind: "data" as const })));
  const { stages, width } = layOut(names, edges);
  const at = new Map(stages.map((stage) => [stage.name, stage.x]));
  expect(edges.every(({ from, to }) => (at.get(from) ?? 0) < (at.get(to) ?? 0))).toBe(true);
  expect(width).toBeGreaterThan(at.get("s999") ?? 0);
});
