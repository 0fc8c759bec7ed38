import { expect, it } from "vitest";

import { verdictOf } from "./verdict";

const well = { has_worker: true, due: 0, oldest_due_s: null, failed_in_day: 0 };

it("says that all is well when it is", () => {
  expect(verdictOf(well)).toMatchObject({ tone: "completed", hint: "No run failed in 24 hours." });
  expect(verdictOf({ ...well, due: 3, oldest_due_s: 2, failed_in_day: 1 })).toMatchObject({ tone: "completed", hint: "1 run failed in 24 hours." });
});

it("says who is missing and what waits", () => {
  expect(verdictOf({ ...well, has_worker: false })).toMatchObject({ tone: "waiting" });
  expect(verdictOf({ ...well, has_worker: false, due: 1, oldest_due_s: 5 }).title).toBe("No worker is running: 1 run is due, and nobody takes them.");
  expect(verdictOf({ ...well, due: 2, oldest_due_s: 120 })).toMatchObject({ tone: "waiting" });
});
