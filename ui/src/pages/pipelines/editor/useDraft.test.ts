import { expect, it } from "vitest";

import { keepDraft, keptDraft, stepped } from "./useDraft";

const begun = { past: [], text: "a", future: [], last: null };

it("undoes typing as one change, and everything else one by one", () => {
  let state = stepped(begun, { is: "change", text: "ab", what: "typing", at: 0 });
  state = stepped(state, { is: "change", text: "abc", what: "typing", at: 500 });
  expect(state.past).toEqual(["a"]);
  state = stepped(state, { is: "change", text: "abcd", what: "typing", at: 5_000 });
  state = stepped(state, { is: "change", text: "x", what: "", at: 5_001 });
  expect(state.past).toEqual(["a", "abc", "abcd"]);
  state = stepped(stepped(state, { is: "undo" }), { is: "undo" });
  expect(state).toMatchObject({ text: "abc", future: ["abcd", "x"] });
  expect(stepped(state, { is: "redo" }).text).toBe("abcd");
  expect(stepped(state, { is: "change", text: "new", what: "", at: 0 }).future).toEqual([]);
});

it("has nothing to undo where nothing was changed", () => {
  expect(stepped(begun, { is: "undo" })).toBe(begun);
  expect(stepped(begun, { is: "redo" })).toBe(begun);
  expect(stepped(begun, { is: "change", text: "a", what: "", at: 0 })).toBe(begun);
});

it("keeps a draft on this machine until it is dropped, and reads nothing into what it did not write", () => {
  keepDraft("acme/note", { text: "tegu: 1", base: null, at: "2026-11-01T00:00:00Z" });
  expect(keptDraft("acme/note")?.text).toBe("tegu: 1");
  expect(keptDraft("other/note")).toBeNull();
  keepDraft("acme/note", null);
  expect(keptDraft("acme/note")).toBeNull();
  localStorage.setItem("tegu.draft.odd", "[1");
  expect(keptDraft("odd")).toBeNull();
});
