// Where somebody put stages on the canvas: kept on this machine, by organization and pipeline. They are no part of the document, so that
// another version is not made by moving a box; where nothing was moved, the layout makes itself.

import { useEffect, useState } from "react";

import type { Point } from "../../../graph/wiring";

/** More are not kept: of stages that are gone long since. */
const KEPT_MAX = 500;

export type PlacesOf = ReadonlyMap<string, Point>;

const keyOf = (of: string) => `tegu.places.${of}`;
const isPlace = (value: unknown): value is Point => typeof value === "object" && value !== null && ["x", "y"].every((axis) => Number.isFinite((value as Record<string, unknown>)[axis]));

export function keptPlaces(of: string): PlacesOf {
  try {
    const found = JSON.parse(localStorage.getItem(keyOf(of)) ?? "{}") as unknown;
    if (typeof found !== "object" || found === null) return new Map();
    return new Map(Object.entries(found).flatMap(([name, place]): [string, Point][] => (isPlace(place) ? [[name, { x: place.x, y: place.y }]] : [])));
  } catch {
    return new Map(); // storage may be forbidden, or hold what another release wrote
  }
}

export function keepPlaces(of: string, places: PlacesOf): void {
  try {
    if (places.size === 0) localStorage.removeItem(keyOf(of));
    else localStorage.setItem(keyOf(of), JSON.stringify(Object.fromEntries([...places].slice(-KEPT_MAX))));
  } catch {
    // Then they last as long as the page.
  }
}

/** What is published under another name is drawn as it was; a new pipeline begins with nothing of the one before. */
export function takePlaces(from: string, to: string, isMoved: boolean): void {
  if (from === to) return;
  keepPlaces(to, keptPlaces(from));
  if (isMoved) keepPlaces(from, new Map());
}

export function usePlaces(of: string) {
  const [places, setPlaces] = useState<PlacesOf>(() => keptPlaces(of));
  useEffect(() => keepPlaces(of, places), [of, places]);
  return {
    places,
    move: (name: string, to: Point) => setPlaces((before) => new Map(before).set(name, { x: Math.max(0, to.x), y: Math.max(0, to.y) })),
    /** It stays where it is under its other name. */
    rename: (from: string, to: string) => setPlaces((before) => new Map([...before].map(([name, place]) => [name === from ? to : name, place]))),
    /** Every stage goes where the layout puts it. */
    arrange: () => setPlaces(new Map()),
  };
}

export type Places = ReturnType<typeof usePlaces>;
