import { expect, it } from "vitest";

import type { Content, PipelineVersion, Run } from "../../api/schema";
import { entriesOf } from "./entries";
import { suggestedFor } from "./suggested";
import { reasonsOf } from "./unknown";

const file = (name: string, created_at: string, more: Partial<Content> = {}) => ({ id: name, name, created_at, media_type: "text/plain", size_bytes: 5, thread_id: null, parent_id: null, ...more }) as Content;
const thread = (subject: string, created_at: string) => ({ id: subject, subject, created_at, messages: 1 });
const names = (entries: { name: string }[]) => entries.map((entry) => entry.name);

it("puts files and threads in one order, and waits with what the other list may still come before", () => {
  const contents = [{ items: [file("d.pdf", "4"), file("c.eml", "3", { thread_id: "t" }), file("b.txt", "2")], next_cursor: "x" }];
  const threads = [{ items: [thread("Five", "5"), thread("One", "1")], next_cursor: null }];
  const found = entriesOf(contents, threads);
  expect(names(found.entries)).toEqual(["Five", "d.pdf", "b.txt"]);
  expect(found.hasMore).toBe(true);
  const whole = entriesOf([...contents, { items: [file("a.txt", "0")], next_cursor: null }], threads);
  expect(names(whole.entries)).toEqual(["Five", "d.pdf", "b.txt", "One", "a.txt"]);
  expect(whole.hasMore).toBe(false);
});

it("suggests what was used last for the same kind of file, and only what fits", () => {
  const pipeline = (name: string) => ({ name }) as PipelineVersion;
  const run = (name: string, input_name: string) => ({ pipeline: name, input_name, content_id: "c", thread_id: null }) as Run;
  const runs = [run("notes", "x.txt"), run("invoices", "y.pdf"), run("gone", "y.pdf"), run("gone", "z.pdf")];
  const chosen = entriesOf([{ items: [file("d.pdf", "4")], next_cursor: null }], []).entries;
  const fitting = [pipeline("notes"), pipeline("invoices")];
  expect(suggestedFor(chosen, fitting, runs)).toEqual({ pipeline: pipeline("invoices"), why: "last used for .pdf files" });
  expect(suggestedFor(chosen, fitting, [])).toEqual({ pipeline: pipeline("notes"), why: null });
  expect(suggestedFor(chosen, [], runs)).toBeNull();
});

it("says once why an estimate is not known, for all stages that share the reason", () => {
  expect(reasonsOf(["extract: 0 earlier runs", "read: no model: see models", "sum: 0 earlier runs"])).toEqual(["extract, sum: 0 earlier runs", "read: no model: see models"]);
});
