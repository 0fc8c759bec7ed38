// The rooms of this house: imports go down this list, never up and never in a circle; pages do not know each other.

import { describe, expect, it } from "vitest";

const FLOORS = [["main", "app", "embed"], ["guide"], ["pages"], ["run"], ["source", "graph", "forms"], ["session", "live"], ["design"], ["api"]];
/** What stands on its own in a frame shows these pages' parts. */
const BORROWED = ["embed/EmbeddedReview -> pages/review/Deciding", "embed/EmbeddedReview -> pages/review/decision"];

const texts = import.meta.glob<string>(["./**/*.{ts,tsx}", "!./**/*.test.*"], { query: "?raw", import: "default", eager: true });
const files = new Map(Object.entries(texts).map(([path, text]) => [path.replace(/^\.\/|\.tsx?$/g, ""), text]));

function importsOf(file: string): string[] {
  const found = (files.get(file) ?? "").matchAll(/(?:from |import\(|import )"(\.[^"]+)"/g);
  return [...found].map(([, to]) => new URL(to ?? "", `file:///${file}`).pathname.slice(1)).filter((to) => files.has(to));
}

const roomOf = (file: string): string => file.split("/")[0] ?? "";
const floorOf = (file: string): number => FLOORS.findIndex((rooms) => rooms.includes(roomOf(file)));
const pageOf = (file: string): string | null => /^pages\/\w+/.exec(file)?.[0] ?? null;
const arrows = [...files.keys()].flatMap((file) => importsOf(file).map((to) => ({ file, to, says: `${file} -> ${to}` })));

describe("the house", () => {
  it("has a floor for every room", () => {
    expect([...files.keys()].filter((file) => floorOf(file) < 0 && file !== "vite-env.d")).toEqual([]);
    expect(arrows.length).toBeGreaterThan(files.size);
  });

  it("has no import that goes up", () => {
    expect(arrows.filter(({ file, to }) => floorOf(to) < floorOf(file)).map(({ says }) => says)).toEqual([]);
  });

  it("has pages that do not know each other", () => {
    const others = arrows.filter(({ file, to }) => pageOf(to) !== null && pageOf(to) !== pageOf(file) && roomOf(file) !== "app");
    expect(others.map(({ says }) => says).filter((says) => !BORROWED.includes(says))).toEqual([]);
  });

  it("has no circle", () => {
    const left = new Set(files.keys());
    for (let before = -1; before !== left.size; ) {
      before = left.size;
      for (const file of left) if (!importsOf(file).some((to) => left.has(to))) left.delete(file);
    }
    expect([...left]).toEqual([]);
  });
});
