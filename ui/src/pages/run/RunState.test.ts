import { expect, it } from "vitest";

import type { StageRun } from "../../api/schema";
import { stateOf } from "./RunState";

const stage = (status: StageRun["status"], reused_from: string | null = null) => ({ status, reused_from }) as StageRun;
const RUN = { status: "running" as const, error: null, waiting_reason: null, current_stages: ["classify", "summarize"], stages: [stage("completed"), stage("running")], results: [] };
const ERROR = { code: "malformed", message: "no date", stage: "refund", hint: "try a stronger model" };

it("says what is at work, and how far that is", () => {
  expect(stateOf(RUN, 4)).toEqual({ title: "At work: classify, summarize.", hint: "1 of 4 stages have ended." });
  expect(stateOf({ ...RUN, current_stages: [] }, 0)).toEqual({ title: "At work.", hint: "" });
});

it("says why it waits before anything else, and what failed with what to do about it", () => {
  expect(stateOf({ ...RUN, status: "waiting", waiting_reason: "pipeline note is paused" }, 4).title).toBe("The run is waiting: pipeline note is paused.");
  expect(stateOf({ ...RUN, status: "failed", error: ERROR }, 4)).toEqual({ title: "no date", hint: "try a stronger model" });
  expect(stateOf({ ...RUN, status: "waiting", waiting_reason: "the budget is spent", error: ERROR }, 4)).toEqual({ title: "The run is waiting: the budget is spent.", hint: "no date" });
});

it("says what a run came to, with what it kept and did not need", () => {
  const stages = [stage("completed", "another"), stage("completed"), stage("skipped")];
  expect(stateOf({ ...RUN, status: "completed", current_stages: [], stages }, 3).hint).toBe("0 results, 1 reused from earlier runs, 1 not needed.");
});
