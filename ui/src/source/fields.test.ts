import { expect, it } from "vitest";

import type { EvidenceSpan, Result } from "../api/schema";
import { fieldsOf, findingOf, marksOf } from "./fields";

const span = (path: string, start: number | null): EvidenceSpan => ({
  path,
  quote: "q",
  status: start === null ? "not_found" : "verified",
  source: "source",
  start,
  end: start === null ? null : start + 3,
  content_id: "c",
});
const result = (data: Result["data"], evidence: EvidenceSpan[]): Result => ({
  run_id: "r", stage: "extract", type: "extract", key: "", data, confidence: null, evidence, llm_call_id: null, created_at: "2026-11-28T00:00:00Z", item: "", id: "r.1",
});

it("makes a row of each value, with the evidence of the nearest place that has some", () => {
  const fields = fieldsOf(result({ people: [{ name: "Anna", city: "Kiel" }], "a/b": 1, empty: [] }, [span("/people/0", 5), span("/people/0/name", 9), span("/a~1b", null)]));
  expect(fields.map((field) => field.label)).toEqual(["people / 1 / name", "people / 1 / city", "a/b", "empty"]);
  expect(fields.map((field) => field.evidence[0]?.start)).toEqual([9, 5, null, undefined]);
  expect(fields.map(findingOf)).toEqual(["verified", "verified", "not_found", "none"]);
  expect(marksOf(fields).map((mark) => [mark.start, mark.end])).toEqual([[9, 12], [5, 8]]);
});

it("stops at a bound, however large the answer", () => {
  expect(fieldsOf(result(Array.from({ length: 10_000 }, (_, index) => index), [])).length).toBe(500);
});
