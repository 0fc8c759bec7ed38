import { expect, it } from "vitest";

import { promptOf, readable } from "./exchange";

it("tells a prompt as its instructions, its texts, and the replies that were refused before", () => {
  const request = { instructions: "Extract.", parts: [{ name: "source", text: "Dear\nSirs" }, { name: "facts", text: '{"a":1}' }], rejections: [{ reply: '{"due":"soon"}', problems: ["/due: no date"] }], settings: {} };
  expect(promptOf(request).map(({ name, text }) => [name, text])).toEqual([
    ["instructions", "Extract."],
    ["source", "Dear\nSirs"],
    ["facts", '{\n  "a": 1\n}'],
    ["an earlier reply, refused", '{\n  "due": "soon"\n}\n\n[\n  "/due: no date"\n]'],
  ]);
});

it("shows a reply that broke off as it came, and what has no text whole", () => {
  expect(readable({ text: '{"due": "so' })).toBe('{"due": "so');
  expect(readable({ tool: "x" })).toBe('{\n  "tool": "x"\n}');
});
