// The language of the search over runs: `status:failed pipeline:invoices cost:>0.1 since:2d "cold beans"`. Words without a
// qualifier are of the name of what a run reads.

import type { Operations, RunStatus } from "../../api/schema";

export type RunsQuery = Omit<Operations["runs_list"]["query"], "limit" | "cursor" | "sort" | "format">;
type TriggeredBy = NonNullable<RunsQuery["triggered_by"]>;

export const STATUSES: readonly RunStatus[] = ["running", "waiting", "pending", "failed", "completed", "cancelled"];
const STARTERS: readonly TriggeredBy[] = ["user", "key", "schedule", "mail", "library"];

/** Each with what it is for, as it is told to whoever writes. */
export const QUALIFIERS = {
  status: "its status",
  pipeline: "its pipeline",
  stage: "running it, or failed in it",
  model: "called that model",
  cost: ">0.1 or <0.1, in USD",
  since: "2h, 3d, 2w, or a date",
  until: "2h, 3d, 2w, or a date",
  by: "who or what started it",
  id: "beginning of its id",
} as const;
type Qualifier = keyof typeof QUALIFIERS;

export interface Search {
  query: RunsQuery;
  problems: string[];
}

export interface Term {
  start: number;
  end: number;
  qualifier: string | null;
  value: string;
}

const UNIT_S: Record<string, number> = { m: 60, h: 3600, d: 86_400, w: 7 * 86_400 };
const isQualifier = (name: string): name is Qualifier => Object.hasOwn(QUALIFIERS, name);

export function termsOf(text: string): Term[] {
  return [...text.matchAll(/(?:"[^"]*"?|[^\s"])+/g)].map((match) => {
    const [written] = match;
    const found = /^([a-z]+):/i.exec(written);
    const qualifier = found?.[1]?.toLowerCase() ?? null;
    const value = (found ? written.slice(found[0].length) : written).replaceAll('"', "");
    return { start: match.index, end: match.index + written.length, qualifier, value };
  });
}

/** What is asked of the service, and what was not understood. Times like `2d` count back from `now`. */
export function parseSearch(text: string, now: number): Search {
  const found: Search = { query: {}, problems: [] };
  const words: string[] = [];
  for (const term of termsOf(text)) {
    if (term.qualifier === null) words.push(term.value);
    else if (!isQualifier(term.qualifier)) found.problems.push(`There is no filter “${term.qualifier}:”. Filters: ${Object.keys(QUALIFIERS).join(", ")}.`);
    else if (term.value !== "") {
      const problem = READ[term.qualifier](term.value, found.query, now);
      if (problem !== null) found.problems.push(problem);
    }
  }
  const name = words.join(" ").trim();
  if (name) found.query.name = name;
  return found;
}

type Reader = (value: string, query: RunsQuery, now: number) => string | null;

const READ: Record<Qualifier, Reader> = {
  status: (value, query) => {
    const status = STATUSES.find((each) => each === value);
    if (status === undefined) return `“${value}” is not a status. Statuses: ${STATUSES.join(", ")}.`;
    query.status = status;
    return null;
  },
  pipeline: (value, query) => said(() => (query.pipeline = value)),
  stage: (value, query) => said(() => (query.stage = value)),
  model: (value, query) => said(() => (query.model = value)),
  cost: (value, query) => {
    const found = /^([<>])=?\$?(\d+(?:\.\d{1,10})?)$/.exec(value);
    if (!found) return `“${value}” is not a cost. Write cost:>0.1 or cost:<2.`;
    const [, side, amount = ""] = found;
    if (side === ">") query.cost_above_usd = amount;
    else query.cost_below_usd = amount;
    return null;
  },
  since: (value, query, now) => readTime(value, now, (time) => (query.since = time)),
  until: (value, query, now) => readTime(value, now, (time) => (query.until = time)),
  by: (value, query) => {
    const starter = STARTERS.find((each) => each === value);
    if (starter === undefined) return `“${value}” does not start runs. One of: ${STARTERS.join(", ")}.`;
    query.triggered_by = starter;
    return null;
  },
  id: (value, query) => {
    if (!/^[0-9a-f]{8}[0-9a-f-]*$/i.test(value)) return "Write at least the first eight characters of an id.";
    query.id_prefix = value;
    return null;
  },
};

function said(set: () => void): null {
  set();
  return null;
}

function readTime(value: string, now: number, set: (time: string) => void): string | null {
  const back = /^(\d{1,4})([mhdw])$/.exec(value);
  const unit = back?.[2] === undefined ? undefined : UNIT_S[back[2]];
  const time = back && unit !== undefined ? now - Number(back[1]) * unit * 1000 : /^\d{4}-\d\d-\d\d/.test(value) ? Date.parse(value) : NaN;
  if (Number.isNaN(time)) return `“${value}” is not a time. Write since:2d or since:2026-11-01.`;
  set(new Date(time).toISOString());
  return null;
}

const quoted = (value: string): string => (/\s/.test(value) ? `"${value}"` : value);

/** The same search with another value of a qualifier; null leaves it out. */
export function withTerm(text: string, qualifier: Qualifier, value: string | null): string {
  const kept = termsOf(text).filter((term) => term.qualifier !== qualifier);
  const written = kept.map((term) => text.slice(term.start, term.end));
  return [...(value === null ? [] : [`${qualifier}:${quoted(value)}`]), ...written].join(" ");
}

export interface Suggestion {
  /** What stands in the search when it is taken. */
  text: string;
  caret: number;
  label: string;
  says: string;
}

export type Known = Partial<Record<Qualifier, readonly string[]>>;
const SUGGESTIONS_MAX = 8;

/** What could be written where the caret is: a qualifier, or one of its values. */
export function suggestions(text: string, caret: number, known: Known): Suggestion[] {
  const term = termsOf(text).find((each) => each.start < caret && caret <= each.end);
  if (term === undefined && caret > 0 && !/\s/.test(text[caret - 1] ?? " ")) return [];
  const [start, end] = term ? [term.start, term.end] : [caret, caret];
  const take = (written: string, label: string, says: string, isWhole: boolean): Suggestion => {
    const gap = isWhole && !/^\s/.test(text.slice(end)) ? " " : "";
    return { text: text.slice(0, start) + written + gap + text.slice(end), caret: start + written.length + gap.length, label, says };
  };
  if (term?.qualifier && isQualifier(term.qualifier)) {
    const name = term.qualifier;
    const values = VALUES[name] ?? known[name] ?? [];
    return values
      .filter((value) => value.toLowerCase().includes(term.value.toLowerCase()) && value !== term.value)
      .slice(0, SUGGESTIONS_MAX)
      .map((value) => take(`${name}:${quoted(value)}`, value, "", true));
  }
  return Object.entries(QUALIFIERS)
    .filter(([name]) => term === undefined || name.startsWith(term.value.toLowerCase()))
    .map(([name, says]) => take(`${name}:`, `${name}:`, says, false));
}

const VALUES: Known = { status: STATUSES, by: STARTERS, cost: [">0.01", ">0.1", ">1"], since: ["1h", "1d", "7d", "30d"], until: ["1h", "1d", "7d"] };
