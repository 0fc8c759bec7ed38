import { describe, expect, it } from "vitest";

import { pictureWidth, rectanglesOf } from "./places";

const LINES = [
  { start: 10, top: 5, bottom: 15, edges: [100, 110, 120, 130] },
  { start: 14, top: 20, bottom: 30, edges: [50, 60, 70] },
];

describe("a stretch of text on its page", () => {
  it("has a rectangle in each line that it is in", () => {
    expect(rectanglesOf(LINES, 11, 15)).toEqual([
      { left: 110, top: 5, width: 20, height: 10 },
      { left: 50, top: 20, width: 10, height: 10 },
    ]);
  });

  it("has none where it is not on the page", () => {
    expect(rectanglesOf(LINES, 0, 10)).toEqual([]);
    expect(rectanglesOf(LINES, 16, 99)).toEqual([]);
    expect(rectanglesOf(LINES, 13, 14)).toEqual([]); // the break between the lines
  });
});

it("asks for few widths, sharp on fine screens", () => {
  expect([300, 620, 640, 900, 5000].map((width) => pictureWidth(width, 2))).toEqual([600, 1200, 1200, 1800, 2400]);
});
