import { describe, expect, it } from "vitest";

import { stretchesOf, told } from "./unseen";

describe("characters that nobody sees", () => {
  it("are told by their numbers where they stand", () => {
    expect(told("invoice-\u202efdp.exe")).toBe("invoice-[U+202E]fdp.exe");
    expect(told("a\u200bb\u{e0041}")).toBe("a[U+200B]b[U+E0041]");
  });

  it("stay in the text", () => {
    expect(stretchesOf("a\u202eb")).toEqual([{ text: "a", unseen: null }, { text: "\u202e", unseen: "U+202E" }, { text: "b", unseen: null }]);
  });

  it("are none in what people write", () => {
    for (const text of ["Ünïcode, 日本語 and עברית", "👩‍👩‍👧 می‌خواهم", "two\nlines\tand a tab", ""]) {
      expect(stretchesOf(text)).toEqual([{ text, unseen: null }]);
    }
  });
});
