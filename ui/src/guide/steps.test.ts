import { describe, expect, it } from "vitest";

import { reached, STEPS, type Facts } from "./steps";

const nothing: Facts = { path: "/inbox", stage: undefined, compared: undefined, runs: [], hasChosenField: false };
const failed = { id: "one", status: "failed", forked_from: null } as const;
const again = { id: "two", status: "completed", forked_from: "one" } as const;

describe("the guide", () => {
  it("begins with the first step, and stays there until it is done", () => {
    expect(reached(0, nothing)).toBe(0);
    expect(reached(0, { ...nothing, runs: [{ ...failed, status: "running" }] })).toBe(1);
  });

  it("goes on when the run that it is about has ended before one's eyes", () => {
    expect(reached(1, { ...nothing, runs: [failed] })).toBe(1);
    expect(reached(1, { ...nothing, runs: [failed], path: "/runs/one" })).toBe(2);
  });

  it("takes a step that was done early when its turn comes", () => {
    const facts = { ...nothing, runs: [again, failed], path: "/runs/one", hasChosenField: true, stage: "refund" };
    expect(reached(2, facts)).toBe(5);
  });

  it("ends with the comparison", () => {
    expect(reached(5, { ...nothing, runs: [again, failed], path: "/compare", compared: "two" })).toBe(STEPS.length);
  });
});
