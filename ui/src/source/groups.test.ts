import { expect, it } from "vitest";

import type { EvidenceSpan, Result } from "../api/schema";
import type { Wired } from "../graph/wiring";
import { groupsOf } from "./groups";

const wired = (name: string, uses: string, reads: string[]) => ({ name, uses, reads }) as Wired;
const result = (stage: string, data: Result["data"], paths: string[] = []) => ({ id: stage, stage, type: stage, key: "", item: "", data, evidence: paths.map((path) => ({ path }) as EvidenceSpan) }) as Result;

it("shows what a person corrected in place of what was read, with evidence for what they left alone", () => {
  const read = result("extract", { number: "0117", total: "12" }, ["/number", "/total"]);
  const review = result("check", { decision: "corrected", value: { number: "0118", total: "12" }, decided_by: "anna@acme.example" });
  const [decided, before] = groupsOf([read, review], [wired("extract", "extract", ["source"]), wired("check", "review", ["extract"])]);
  expect(decided?.note).toBe("corrected by anna@acme.example");
  expect(decided?.fields.map((field) => [field.label, field.value, field.evidence.length])).toEqual([
    ["number", "0118", 0],
    ["total", "12", 1],
  ]);
  expect([before?.isReplaced, before?.result.data]).toEqual([true, read.data]);
});

it("leaves results alone that no review was about", () => {
  const read = result("extract", { number: "0117" });
  expect(groupsOf([read], [wired("extract", "extract", ["source"])])).toMatchObject([{ result: read }]);
});
