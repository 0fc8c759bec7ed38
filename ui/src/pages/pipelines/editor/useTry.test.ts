import { expect, it } from "vitest";

import { editsOf } from "./useTry";

it("says what is another in a stage as runs are made again with it, and takes away what is gone", () => {
  const before = { uses: "prompt", inputs: ["source"], model: "fast", with: { instructions: "A", max_tokens: 5 }, retries: 2 };
  const after = { uses: "prompt", inputs: ["source", "b"], with: { instructions: "B" }, retries: 2, when: "b.go" };
  expect(editsOf(before, after)).toEqual({ model: null, when: "b.go", with: { instructions: "B", max_tokens: null } });
  expect(editsOf(before, before)).toEqual({});
});
