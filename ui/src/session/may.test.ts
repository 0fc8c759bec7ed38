import { expect, it } from "vitest";

import { refusalOf } from "../session/may";

const viewer = { permissions: ["runs:read" as const], role: "viewer" as const, seen_as: null };

it("says in words what a role cannot do, and who can change that", () => {
  expect(refusalOf(viewer, "runs:read")).toBeNull();
  expect(refusalOf(viewer, "runs:write")).toBe("Your role (viewer) cannot start or change runs. Ask an owner or admin of the organization.");
  expect(refusalOf(viewer, "contents:delete")).toContain("cannot delete contents.");
  expect(refusalOf(viewer, "keys:read")).toContain("cannot see API keys.");
  expect(refusalOf(viewer, "operate")).toBe("Only operators of this installation can do this.");
});

it("says of a view that it is read-only, whatever the role could do", () => {
  expect(refusalOf({ ...viewer, permissions: ["runs:write"], seen_as: "an editor" }, "runs:write")).toContain("viewing as an editor");
});
