// Where on a printed page a stretch of its text stands: rectangles from what the service says of each line.

import type { PlacedText } from "../api/schema";

export interface Rectangle {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** One for each line that the stretch is in; none where its characters are not on the page. */
export function rectanglesOf(lines: readonly PlacedText[], start: number, end: number): Rectangle[] {
  return lines.flatMap((line) => {
    const characters = line.edges.length - 1;
    const from = Math.max(0, start - line.start);
    const to = Math.min(characters, end - line.start);
    const [left, right] = [line.edges[from], line.edges[to]];
    if (to <= from || left === undefined || right === undefined) return [];
    return [{ left, top: line.top, width: Math.max(1, right - left), height: line.bottom - line.top }];
  });
}

/** Widths that pictures are asked in: few, so that the same picture serves again. */
const WIDTHS_PX = [600, 1200, 1800, 2400];

export function pictureWidth(shown_px: number, pixelRatio: number): number {
  const wanted = shown_px * pixelRatio;
  return WIDTHS_PX.find((width) => width >= wanted * 0.9) ?? 2400;
}
