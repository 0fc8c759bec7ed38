import { describe, expect, it } from "vitest";

import { Characters, pieces } from "./characters";

describe("offsets that count characters", () => {
  it("cut where the service means it, also behind characters of two units", () => {
    const text = new Characters("a😀b😀c");
    expect(text.length).toBe(5);
    expect(text.slice(2, 3)).toBe("b");
    expect(text.slice(1, 4)).toBe("😀b😀");
    expect(text.slice(4, 99)).toBe("c");
  });
});

describe("pieces of a text", () => {
  it("together are the text, whatever the spans", () => {
    const spans = [
      { id: "x", start: 2, end: 8 },
      { id: "y", start: 4, end: 6 },
      { id: "z", start: 7, end: 99 },
      { id: "none", start: 3, end: 3 },
    ];
    const found = pieces("😀123456789", spans);
    expect(found.map((piece) => piece.text).join("")).toBe("😀123456789");
    expect(found.find((piece) => piece.start === 4)?.spans).toEqual(["y", "x"]);
    expect(found.some((piece) => piece.spans.includes("none"))).toBe(false);
  });

  it("of a stretch have the offsets of the whole", () => {
    const found = pieces("4567", [{ id: "x", start: 5, end: 7 }], 4);
    expect(found).toEqual([
      { text: "4", start: 4, spans: [] },
      { text: "56", start: 5, spans: ["x"] },
      { text: "7", start: 7, spans: [] },
    ]);
  });
});
