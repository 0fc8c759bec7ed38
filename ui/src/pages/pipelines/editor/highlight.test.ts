import { expect, it } from "vitest";

import { highlighted } from "./highlight";

const seen = (text: string) => highlighted(text).map((line) => line.filter((part) => part.is !== "plain").map((part) => `${part.is} ${part.text}`));

it("tells keys, comments, texts and numbers apart", () => {
  expect(seen("tegu: 1 # ours")).toEqual([["key tegu", "value 1", "comment # ours"]]);
  expect(seen("a: {uses: 'it''s #1', n: 2}")).toEqual([["key a", "key uses", "quoted 'it''s #1'", "key n", "value 2"]]);
  expect(seen("  - source # first")).toEqual([["comment # first"]]);
  expect(seen("when: a.b == 'x' && c > 0.7")[0]).toEqual(["key when", "quoted 'x'", "value 0.7"]);
});

it("sees texts of several lines as one, to where they end", () => {
  expect(seen("with:\n  instructions: >-\n    Read: it.\n\n    # all\n  n: 1")).toEqual([["key with"], ["key instructions"], ["quoted     Read: it."], ["quoted "], ["quoted     # all"], ["key n", "value 1"]]);
});

it("loses nothing of a text", () => {
  const text = "a: b\n\n  \"c d\": [1, x]  \n#";
  expect(highlighted(text).map((line) => line.map((part) => part.text).join("")).join("\n")).toBe(text);
});
