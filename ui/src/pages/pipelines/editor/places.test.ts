import { expect, it } from "vitest";

import { keepPlaces, keptPlaces } from "./places";

it("keeps where stages were put, for one pipeline of one organization", () => {
  keepPlaces("acme/note", new Map([["summary", { x: 40, y: 12.5 }]]));
  expect(keptPlaces("acme/note")).toEqual(new Map([["summary", { x: 40, y: 12.5 }]]));
  expect(keptPlaces("other/note").size).toBe(0);
  keepPlaces("acme/note", new Map());
  expect(localStorage.getItem("tegu.places.acme/note")).toBeNull();
});

it("reads nothing into what it did not write", () => {
  for (const odd of ["[1", "null", "[]", '{"summary": 3, "check": {"x": "1", "y": 2}, "note": {"x": null, "y": 1}}']) {
    localStorage.setItem("tegu.places.odd", odd);
    expect(keptPlaces("odd").size).toBe(0);
  }
});
