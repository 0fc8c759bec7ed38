import { expect, it } from "vitest";

import document from "../../../../docs/openapi.json?raw";
import { apiOf } from "./api";
import { grouped } from "./groups";
import { rowsOf } from "./relations";

const api = apiOf(JSON.parse(document) as Parameters<typeof apiOf>[0]);

it("has every noun once, under a head", () => {
  const groups = grouped(api.nouns);
  expect(groups.map((group) => group.title)).toEqual(["Work", "Content", "Pipelines", "People", "Money", "Operations"]);
  const names = groups.flatMap((group) => group.nouns.map((noun) => noun.name));
  expect([...names].sort()).toEqual(api.nouns.map((noun) => noun.name).sort());
});

it("keeps what is not known yet", () => {
  const [first] = api.nouns;
  if (first === undefined) throw new Error("no nouns");
  expect(grouped([{ ...first, name: "novelties" }]).at(-1)?.nouns[0]?.name).toBe("novelties");
});

it("has no stream among what can be done", () => {
  const verbs = api.nouns.flatMap((noun) => noun.actions.map((action) => action.name as string));
  expect(verbs).not.toContain("events_follow");
});

it("finds the rows of a list that holds more than rows", () => {
  const rows = [{ name: "a" }];
  expect(rowsOf("models", { models: rows, aliases: [] })).toEqual(rows);
  expect(rowsOf("runs", { items: rows, next_cursor: null })).toEqual(rows);
  expect(rowsOf("runs", undefined)).toEqual([]);
});
