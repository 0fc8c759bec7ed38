import { expect, it } from "vitest";

import { readText, rekeyed, rewritten, type Json } from "./text";

const TEXT = `# Ours, see the wiki.
tegu: 1
name: refunds # as sales calls them
input: content

stages:
  # What is asked for.
  extract:
    uses: extract
    with:
      instructions: >-
        Read the amount that is asked back,
        and the order it is about.
      schema: {amount: money, order: str?}
    retries: 3 # the provider is slow

  classify: {uses: classify, with: {labels: {refund: wants money back, other: anything else}}}
  answer:
    uses: prompt
    inputs:
      - source
      - extract # the amount
    with: {instructions: Answer.}
    # until here
`;

function changed(text: string, change: (data: Json) => void): string {
  const data = structuredClone(readText(text).data) as Json;
  change(data);
  const made = rewritten(text, data);
  expect(readText(made).data).toEqual(data);
  return made;
}

const stage = (data: Json, name: string): Json => (data.stages as Json)[name] as Json;
const linesThatDiffer = (before: string, after: string): string[] => {
  const known = new Set(before.split("\n"));
  return after.split("\n").filter((line) => !known.has(line));
};

it("changes one value and nothing around it", () => {
  const made = changed(TEXT, (data) => (stage(data, "extract").retries = 5));
  expect(made).toBe(TEXT.replace("retries: 3", "retries: 5"));
});

it("keeps the author's way of writing a text", () => {
  const made = changed(TEXT, (data) => ((stage(data, "extract").with as Json).instructions = "Read the amount."));
  expect(made).toContain("instructions: >-\n        Read the amount.\n      schema: {amount: money, order: str?}");
});

it("writes a value that is new where it belongs, in the style of what is around it", () => {
  const block = changed(TEXT, (data) => (stage(data, "extract").when = "classify.category == 'refund'"));
  expect(linesThatDiffer(TEXT, block)).toEqual(["    when: classify.category == 'refund'"]);
  expect(block).toContain("    retries: 3 # the provider is slow\n    when: ");
  const flow = changed(TEXT, (data) => (stage(data, "classify").model = "fast"));
  expect(linesThatDiffer(TEXT, flow)).toEqual(["  classify: {uses: classify, with: {labels: {refund: wants money back, other: anything else}}, model: fast}"]);
});

it("keeps comments of a list of which an item is added or taken away", () => {
  const made = changed(TEXT, (data) => (stage(data, "answer").inputs = ["extract", "classify"]));
  expect(made).toContain("      - extract # the amount\n      - classify\n");
});

it("adds a stage after another, and takes one away", () => {
  const added = changed(TEXT, (data) => {
    const { extract, ...rest } = data.stages as Json;
    data.stages = { extract: extract ?? null, brief: { uses: "summarize", inputs: ["source", "extract"], with: { instructions: "Two\nlines." } }, ...rest };
  });
  expect(added).toContain("slow\n  brief:\n    uses: summarize\n    inputs: [source, extract]\n    with:\n      instructions: |-\n        Two\n        lines.\n\n  classify:");
  const gone = changed(TEXT, (data) => {
    const { classify: _, ...rest } = data.stages as Json;
    data.stages = rest;
  });
  expect(gone).toBe(TEXT.split("\n").filter((line) => !line.includes("classify:")).join("\n"));
});

it("takes away the last of a mapping, and puts the first into an empty one", () => {
  const text = "stages:\n  a:\n    uses: parse\n    with:\n      pages: 3\n  b: {uses: parse, with: {}}\n";
  const gone = changed(text, (data) => (stage(data, "a").with = {}));
  expect(gone).toBe("stages:\n  a:\n    uses: parse\n    with: {}\n  b: {uses: parse, with: {}}\n");
  changed(gone, (data) => (stage(data, "b").with = { pages: "2-5" }));
  changed(gone, (data) => delete stage(data, "b").with);
  changed(gone, (data) => (data.stages = {}));
});

it("renames a key where it stands", () => {
  expect(rekeyed(TEXT, ["stages", "extract"], "read")).toBe(TEXT.replace("  extract:\n", "  read:\n"));
});

it("changes what is written as JSON", () => {
  const text = '{"tegu": 1, "stages": {"a": {"uses": "parse"}}}';
  const made = changed(text, (data) => (data.stages = { a: { uses: "parse" }, b: { uses: "summarize", inputs: ["a"] } }));
  expect(made.startsWith('{"tegu": 1, "stages": {"a": {"uses": "parse"}, ')).toBe(true);
});

it("gets aliases right although they stand for the same", () => {
  const text = "base: &base {retries: 3}\nstages:\n  a: {uses: parse, each: *base}\n  b: {uses: parse}\n";
  changed(text, (data) => (stage(data, "b").retries = 1));
  changed(text, (data) => (stage(data, "a").each = { retries: 4 }));
});

it("writes a text that was empty as it would be written anew", () => {
  const text = 'stages:\n  a: {uses: classify, with: {labels: {refund: "", "b": "c"}}}\n';
  const made = changed(text, (data) => ((stage(data, "a").with as Json).labels = { refund: "asks for money", b: "d" }));
  expect(made).toBe('stages:\n  a: {uses: classify, with: {labels: {refund: asks for money, b: "d"}}}\n');
});

it("keeps what is said behind a list, once", () => {
  const text = "stages:\n  a:\n    inputs:\n      - b\n      # and no more\n  # the end\n  b: {uses: parse}\n";
  const made = changed(text, (data) => (stage(data, "a").inputs = ["source"]));
  expect(made).toBe("stages:\n  a:\n    inputs:\n      - source\n      # and no more\n  # the end\n  b: {uses: parse}\n");
});

it("says where a text breaks off, and where things are", () => {
  expect(readText("a: [1\nb: 2").error?.line).toBeGreaterThan(0);
  expect(readText("- 1").error?.message).toContain("no mapping");
  expect(readText(TEXT).lineOf(["stages", "classify"])).toBe(17);
  expect(readText(TEXT).lineOf(["name"])).toBe(3);
});
