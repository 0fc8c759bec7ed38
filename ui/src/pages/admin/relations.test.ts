import { expect, it } from "vitest";

import document from "../../../../docs/openapi.json?raw";
import { apiOf } from "./api";
import { idOf, namedBy, targetOf } from "./relations";

const api = apiOf(JSON.parse(document) as Parameters<typeof apiOf>[0]);
const nounOf = (name: string) => {
  const found = api.nouns.find((each) => each.name === name);
  if (found === undefined) throw new Error(name);
  return found;
};

it("leads from a row to what it names", () => {
  const id = "01a2235b-5cfc-7457-b416-6b61ed2ceb39";
  expect(targetOf(api, nounOf("results"), "run_id", id)).toEqual({ noun: "runs", id });
  expect(targetOf(api, nounOf("runs"), "content_id", id)).toEqual({ noun: "contents", id });
  expect(targetOf(api, nounOf("results"), "llm_call_id", id)).toEqual({ noun: "calls", id });
  expect(targetOf(api, nounOf("runs"), "forked_from", id)).toEqual({ noun: "runs", id });
  expect(targetOf(api, nounOf("contents"), "parent_id", id)).toEqual({ noun: "contents", id });
  expect(targetOf(api, nounOf("runs"), "pipeline", "invoices")).toEqual({ noun: "pipelines", id: "invoices" });
  expect(targetOf(api, nounOf("runs"), "input_name", "a.txt")).toBeNull();
});

it("leads from a run to all that names it", () => {
  const names = namedBy(api, nounOf("runs"), { id: "7" }).map((each) => each.noun);
  expect(names).toEqual(expect.arrayContaining(["stage_runs", "results", "calls", "reviews", "runs"]));
});

it("knows by what a row is read", () => {
  expect(idOf(nounOf("runs"), { id: "7" })).toBe("7");
  expect(idOf(nounOf("pipelines"), { name: "invoices", id: "9" })).toBe("invoices");
});
