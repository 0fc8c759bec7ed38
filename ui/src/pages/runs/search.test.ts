import { describe, expect, it } from "vitest";

import { parseSearch, suggestions, termsOf, withTerm } from "./search";

const NOW = Date.parse("2026-11-28T12:00:00Z");

describe("a search over runs", () => {
  it("is what the service is asked", () => {
    const { query, problems } = parseSearch('status:failed pipeline:email_analysis cost:>0.1 cost:<$2 since:2d by:schedule cold "two  beans" id:01a2235e', NOW);
    expect(problems).toEqual([]);
    expect(query).toEqual({
      status: "failed",
      pipeline: "email_analysis",
      cost_above_usd: "0.1",
      cost_below_usd: "2",
      since: "2026-11-26T12:00:00.000Z",
      triggered_by: "schedule",
      id_prefix: "01a2235e",
      name: "cold two  beans",
    });
  });

  it("says of each thing that it does not understand what there is instead", () => {
    const { query, problems } = parseSearch("state:failed status:broken cost:cheap since:soon by:me id:1", NOW);
    expect(query).toEqual({});
    expect(problems.map((problem) => problem.split(".")[0])).toEqual([
      "There is no filter “state:”",
      "“broken” is not a status",
      "“cheap” is not a cost",
      "“soon” is not a time",
      "“me” does not start runs",
      "Write at least the first eight characters of an id",
    ]);
  });

  it("waits for a value that is still being written", () => {
    expect(parseSearch("pipeline: beans", NOW)).toEqual({ query: { name: "beans" }, problems: [] });
  });

  it("never breaks, whatever is written", () => {
    for (const text of ['"', 'status:"', "::", 'a"b c"d:', "  ", "status:failed\n\tx", "💥:💥"]) {
      expect(() => [parseSearch(text, NOW), termsOf(text), suggestions(text, text.length, {})]).not.toThrow();
    }
  });
});

it("takes a term out, puts another in, and leaves the rest as it was written", () => {
  expect(withTerm('status:failed "cold  beans" cost:>1', "status", "running")).toBe('status:running "cold  beans" cost:>1');
  expect(withTerm("status:failed beans", "status", null)).toBe("beans");
  expect(withTerm("", "pipeline", "two words")).toBe('pipeline:"two words"');
});

describe("suggestions", () => {
  const labels = (text: string, caret = text.length) => suggestions(text, caret, { pipeline: ["invoices", "invoice_lines"] }).map((each) => each.label);

  it("are qualifiers first, then their values", () => {
    expect(labels("st")).toEqual(["status:", "stage:"]);
    expect(labels("beans ")).toContain("pipeline:");
    expect(labels("status:r")).toEqual(["running"]);
    expect(labels("pipeline:line")).toEqual(["invoice_lines"]);
    expect(labels("beans")).toEqual([]);
  });

  it("stand where the caret is, with what was written around them kept", () => {
    const [first] = suggestions("status:fa beans", 9, {});
    expect(first).toMatchObject({ text: "status:failed beans", caret: 13 });
    const [open] = suggestions("beans sta", 9, {});
    expect(open).toMatchObject({ text: "beans status:", caret: 13 });
  });
});

describe("a word that every object has", () => {
  it.each(["constructor", "toString", "valueOf", "hasOwnProperty"])("is no filter: %s", (word) => {
    const text = `${word.toLowerCase()}:x`;
    expect(parseSearch(text, 0).problems[0]).toContain("There is no filter");
    expect(suggestions(text, text.length, { pipeline: [] })).toEqual([]);
  });
});
