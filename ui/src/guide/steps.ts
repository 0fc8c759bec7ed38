// The first five minutes, step by step: what is done already is seen in what the service has, and in where one is.

import type { Run } from "../api/schema";
import { isOver } from "../run/over";

export const DEMO_MODEL = "demo:canned-answers";
export const DEMO_PIPELINE = "refund_request";
export const FAILS = "refund";

type GuideRun = Pick<Run, "id" | "status" | "forked_from" | "created_at">;

export interface Facts {
  path: string;
  /** Of the address: the stage that is looked at, and the second run that is compared. */
  stage: string | undefined;
  compared: string | undefined;
  /** Of the sample's pipeline, the newest first, since the tour began. */
  runs: readonly GuideRun[];
  /** The run that was last looked at while it was under way. */
  watched: string | null;
  /** Where a field was last chosen. */
  fieldAt: string | null;
}

export interface Step {
  title: string;
  says: string;
  /** What it says instead where the run was over before one came. */
  saysLate?: string;
  isDone(facts: Facts): boolean;
}

/** The runs of a tour that was begun anew: what was run before counts for nothing. */
export const runsSince = (runs: readonly GuideRun[], since: string | null): GuideRun[] => runs.filter((run) => since === null || run.created_at > since);

/** The run that the guide is about: the first that failed, or else the first that there is. */
export function firstRun(runs: Facts["runs"]): GuideRun | undefined {
  const own = runs.filter((run) => run.forked_from === null);
  return own.findLast((run) => run.status === "failed") ?? own.at(-1);
}

export const secondRun = (runs: Facts["runs"]): GuideRun | undefined => runs.find((run) => run.forked_from !== null);

/** Whether a place is the page of the run that the guide is about. */
function isFirst(path: string | null, runs: Facts["runs"]): boolean {
  const run = firstRun(runs);
  return path !== null && run !== undefined && path.endsWith(run.id);
}

/** The run is over, and was not seen at work. */
export function isLate({ runs, path, watched }: Facts): boolean {
  const run = firstRun(runs);
  return run !== undefined && isOver(run) && isFirst(path, runs) && watched !== run.id;
}

export const STEPS: readonly Step[] = [
  {
    title: "Start a run",
    says: `In the inbox select the e-mails “Charged twice”, choose the pipeline ${DEMO_PIPELINE}, and press Start.`,
    isDone: ({ runs }) => runs.length > 0,
  },
  {
    title: "Watch it work",
    says: "Open the run. Its stages light up as they work. Select one to watch the model's reply stream in.",
    saysLate: "This run is over: its graph shows what became of each stage. To watch one at work, start it again from the inbox, and open it at once.",
    isDone: ({ runs, watched }) => {
      const run = firstRun(runs);
      return run !== undefined && isOver(run) && watched === run.id;
    },
  },
  {
    title: "Check the evidence",
    says: "Select a field under Evidence: the passage it was read from lights up, and the other way round.",
    isDone: ({ fieldAt, runs }) => isFirst(fieldAt, runs),
  },
  {
    title: "See what failed",
    says: `One stage fails on purpose. Select ${FAILS} in the graph: the model was asked three times, and gave words where a date is required.`,
    isDone: ({ stage, path, runs }) => stage === FAILS && isFirst(path, runs),
  },
  {
    title: "Fix it, and re-run from there",
    says: "Press r. In the instructions replace “in the customer's own words” with “as YYYY-MM-DD”, and re-run: the stages before it are reused.",
    isDone: ({ runs }) => secondRun(runs) !== undefined,
  },
  {
    title: "Compare the two runs",
    says: "See what differs, and why: results, instructions, calls and cost.",
    isDone: ({ path, compared }) => path.endsWith("/compare") && compared !== undefined,
  },
];

/** The step that is next, from the one that was; `STEPS.length` when all are done. */
export function reached(step: number, facts: Facts): number {
  let at = step;
  while (STEPS[at]?.isDone(facts)) at += 1;
  return at;
}
