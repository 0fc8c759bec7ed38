import { expect, it } from "vitest";

import type { StageKindInfo } from "../../../api/schema";
import { connected, disconnected, duplicated, entryOf, nameProblem, renamedIn, renamedInCondition, stageAt, stagesOf, targetsOf, withStage, without } from "./stages";
import type { Json } from "./text";

const DATA: Json = {
  tegu: 1,
  name: "refunds",
  output: "extract",
  stages: {
    extract: { uses: "extract" },
    classify: { uses: "classify", needs: ["extract"] },
    answer: { uses: "prompt", inputs: ["source", "extract?", { stage: "classify", optional: true }], when: "classify.category == 'classify' && run.classify", each: "extract.people", on_failure: "mend" },
    mend: { uses: "prompt", inputs: ["extract"] },
  },
};
const kind = (name: string, group: StageKindInfo["group"], options: Json): StageKindInfo => ({ name, group, summary: "", description: "", options, output: {}, functions: [] });

it("begins a stage with what has to be said of it, behind the one that it was added after", () => {
  const made = withStage(DATA, kind("classify", "model", { required: ["labels"], properties: { labels: { anyOf: [{ type: "object" }] } } }), "extract");
  expect(made.name).toBe("classify_2");
  expect(Object.keys(stagesOf(made.data))).toEqual(["extract", "classify_2", "classify", "answer", "mend"]);
  expect(entryOf(made.data, "classify_2")).toEqual({ uses: "classify", inputs: ["source", "extract"], with: { labels: {} } });
  expect(entryOf(withStage(DATA, kind("parse", "data", {}), null).data, "parse")).toEqual({ uses: "parse" });
});

it("forgets a stage wherever it was named", () => {
  const left = without(DATA, "extract");
  expect(left.output).toBeUndefined();
  expect(entryOf(left, "classify")).toEqual({ uses: "classify" });
  expect(entryOf(left, "answer")).not.toHaveProperty("each");
  expect(entryOf(left, "mend")).toEqual({ uses: "prompt" });
  expect(entryOf(without(DATA, "mend"), "answer")).not.toHaveProperty("on_failure");
});

it("renames a stage wherever it was named, and what only looks like it not", () => {
  const made = renamedIn(DATA, "classify", "route");
  expect(Object.keys(stagesOf(made))).toEqual(["extract", "route", "answer", "mend"]);
  expect(entryOf(made, "answer")).toMatchObject({ inputs: ["source", "extract?", { stage: "route", optional: true }], when: "route.category == 'classify' && run.classify" });
  expect(renamedIn(DATA, "extract", "read")).toMatchObject({ output: "read", stages: { answer: { each: "read.people", inputs: ["source", "read?", {}] }, mend: { inputs: ["read"] } } });
  expect(renamedInCondition(`a.b == "a" && size(a) > 0 && b.a`, "a", "c")).toBe(`c.b == "a" && size(c) > 0 && b.a`);
});

it("connects, so that what was only waited for is read, and takes a connection away", () => {
  const made = connected(DATA, "extract", "classify");
  expect(entryOf(made, "classify")).toEqual({ uses: "classify", inputs: ["source", "extract"] });
  expect(connected(made, "extract", "classify")).toBe(made);
  expect(entryOf(disconnected(made, "extract", "classify"), "classify")).toEqual({ uses: "classify", inputs: ["source"] });
  expect(entryOf(disconnected(DATA, "extract", "classify"), "classify")).toEqual({ uses: "classify", inputs: ["source"] });
});

it("offers no target that would make a circle", () => {
  expect(targetsOf(DATA, "classify")).toEqual(["mend"]);
  expect(targetsOf(DATA, "answer")).toEqual(["mend"]);
  expect(targetsOf(DATA, "source")).toEqual(["mend"]);
});

it("names copies, refuses names that mean something else, and knows whose a problem is", () => {
  expect(duplicated(DATA, "mend").name).toBe("mend_copy");
  expect(nameProblem(DATA, "source", null)).toContain("means something else");
  expect(nameProblem(DATA, "mend", "extract")).toContain("There is a stage");
  expect(nameProblem(DATA, "Über", null)).toContain("small letters");
  expect(nameProblem(DATA, "mend", "mend")).toBeNull();
  expect(stageAt("stages.answer.inputs[0]")).toBe("answer");
  expect(stageAt("stages")).toBeNull();
});
