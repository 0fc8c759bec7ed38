import { describe, expect, it } from "vitest";

import { isLate, reached, runsSince, STEPS, type Facts } from "./steps";

const nothing: Facts = { path: "/inbox", stage: undefined, compared: undefined, runs: [], watched: null, fieldAt: null };
const failed = { id: "one", status: "failed", forked_from: null, created_at: "2026-01-01T10:00:00Z" } as const;
const again = { id: "two", status: "completed", forked_from: "one", created_at: "2026-01-01T10:05:00Z" } as const;

describe("the guide", () => {
  it("begins with the first step, and stays there until it is done", () => {
    expect(reached(0, nothing)).toBe(0);
    expect(reached(0, { ...nothing, runs: [{ ...failed, status: "running" }] })).toBe(1);
  });

  it("goes on when the run that it is about has ended before one's eyes", () => {
    expect(reached(1, { ...nothing, runs: [failed] })).toBe(1);
    expect(reached(1, { ...nothing, runs: [failed], path: "/runs/one", watched: "one" })).toBe(2);
  });

  it("stays with who comes after the run is over, and says so", () => {
    const late = { ...nothing, runs: [failed], path: "/runs/one" };
    expect(reached(1, late)).toBe(1);
    expect(isLate(late)).toBe(true);
    expect(isLate({ ...late, watched: "one" })).toBe(false);
    expect(isLate({ ...late, path: "/inbox" })).toBe(false);
  });

  it("takes a step that was done early when its turn comes", () => {
    const facts = { ...nothing, runs: [again, failed], path: "/runs/one", fieldAt: "/runs/one", stage: "refund" };
    expect(reached(2, facts)).toBe(5);
  });

  it("ends with the comparison", () => {
    expect(reached(5, { ...nothing, runs: [again, failed], path: "/compare", compared: "two" })).toBe(STEPS.length);
  });

  it("is about new runs alone when it is begun anew", () => {
    const runs = runsSince([again, failed], again.created_at);
    expect(reached(0, { ...nothing, runs, path: "/runs/one", fieldAt: "/runs/one" })).toBe(0);
  });
});
