import { expect, it } from "vitest";

import type { Change, StageComparison, StageSide } from "../../api/schema";
import { listed, sentenceOf, valuesOf } from "./reasons";

const side = (status: StageSide["status"], more: Partial<StageSide> = {}): StageSide => ({ status, is_edited: false, reused_from: null, ...more }) as StageSide;
const stage = (a: StageSide | null, b: StageSide | null, why: string[], differs = 0): StageComparison => ({ stage: "refund", a, b, why, differs, instructions: null });
const change = (more: Partial<Change>): Change => ({ part: "output", stage: "refund", pointer: "/amount", kind: "changed", before: null, after: null, result: null, ...more });

it("says what became of a stage, and why", () => {
  expect(sentenceOf(stage(side("failed"), side("completed"), ["instructions"], 1))).toBe("failed before, completed now: instructions changed");
  expect(sentenceOf(stage(side("skipped"), side("completed"), ["failed_before"], 1))).toBe("not run before, completed now: a stage before it had failed");
  expect(sentenceOf(stage(side("completed"), side("completed"), ["model", "input:extract"], 2))).toBe("2 differences: another model was asked and extract, which it reads, changed");
  expect(sentenceOf(stage(side("completed"), side("completed"), ["input:extract"]))).toBe("same output, although extract, which it reads, changed");
  expect(sentenceOf(stage(side("completed"), side("completed", { reused_from: "x" }), []))).toBe("reused, at no cost");
  expect(sentenceOf(stage(null, side("completed"), ["definition"], 1))).toBe("only in the later version");
});

it("tells a stage that somebody edited as edited, never as reused", () => {
  expect(sentenceOf(stage(side("completed"), side("completed", { is_edited: true }), ["given"], 1))).toBe("edited by hand, 1 difference");
  expect(sentenceOf(stage(side("completed"), side("completed", { is_edited: true }), []))).toBe("edited by hand");
});

it("tells values that read the same by what they are", () => {
  expect(valuesOf(change({ before: 15, after: "15" }))).toEqual({ before: "15 (number)", after: "15 (text)" });
  expect(valuesOf(change({ kind: "added", after: 3 }))).toEqual({ before: null, after: "3" });
});

it("reads evidence as quotes, and lists it apart", () => {
  const moved = change({ part: "evidence", kind: "removed", before: [{ quote: "12 May", start: 3, end: 9 }] });
  expect(valuesOf(moved)).toEqual({ before: "“12 May”", after: null });
  expect(listed([moved, change({}), change({ part: "definition", pointer: "/with/instructions" })])).toEqual({ changes: [change({})], evidence: [moved] });
});
