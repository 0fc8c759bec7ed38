// The strip above the pages of the demo: what answers here, and what to try next. It is shown where the organization's model is the
// demo's, and goes by what the service has; how far one is stays in this browser.

import { Link, useLocation } from "@tanstack/react-router";
import { useEffect, useMemo, useState } from "react";

import { useRead } from "../api/query";
import { Button } from "../design/Button";
import { Room } from "../design/Room";
import { useReread } from "../live/useFeed";
import { isOver } from "../run/over";
import "./guide.css";
import { DEMO_PIPELINE, firstRun, isLate, reached, runsSince, secondRun, STEPS, type Facts } from "./steps";

const KEPT = "tegu.guide";
const LOOK_MS = 300;

const OVER = { title: "That is the tour.", says: "Drop your own files into the inbox and choose a model for them." };
const placeOf = (step: number): string => `${step + 1} of ${STEPS.length}`;
/** The strip is as high as its longest step: the page below stays where it is from step to step. */
const ROOM = [...STEPS.flatMap(({ title, says, saysLate }, step) => [says, saysLate ?? says].map((each) => `${placeOf(step)} ${title}. ${each}`)), `${OVER.title} ${OVER.says}`];

interface Kept {
  step: number;
  isHidden: boolean;
  /** When the newest run was made that is none of this tour's; null: every run is. */
  since: string | null;
}

export function Guide() {
  const [kept, setKept] = useKept();
  const { facts, newest } = useFacts(kept.since);
  const startOver = () => setKept({ ...kept, step: 0, since: newest });
  const step = facts === null ? kept.step : reached(kept.step, facts);
  useEffect(() => {
    if (step !== kept.step) setKept({ ...kept, step });
  }, [step, kept, setKept]);
  const now = STEPS[step];
  const comesLate = now?.saysLate !== undefined && facts !== null && isLate(facts);
  return (
    <aside className="guide" aria-label="Guide">
      <span className="demo-mark">demo model: canned answers, no cost</span>
      {kept.isHidden ? (
        <Button kind="quiet" size="small" onClick={() => setKept({ ...kept, isHidden: false })}>
          Show the guide
        </Button>
      ) : (
        <>
          <p aria-live="polite">
            <Room of={ROOM}>
              {facts === null ? null : now === undefined ? (
                <>
                  <strong>{OVER.title}</strong> {OVER.says}
                </>
              ) : (
                <>
                  <span className="muted">{placeOf(step)}</span> <strong>{now.title}.</strong> {comesLate ? now.saysLate : now.says}
                </>
              )}
            </Room>
          </p>
          <span className="actions">
            <span className="where">{facts === null ? null : <Where step={step} facts={facts} />}</span>
            {now === undefined ? (
              <Button kind="quiet" size="small" onClick={startOver}>
                Start over
              </Button>
            ) : (
              <Button kind="quiet" size="small" onClick={() => setKept({ ...kept, step: step + 1 })}>
                {comesLate ? "Next" : "Skip"}
              </Button>
            )}
            <Button kind="quiet" size="small" onClick={() => setKept({ ...kept, isHidden: true })}>
              Hide
            </Button>
          </span>
        </>
      )}
    </aside>
  );
}

/** A way to where the step is done, for who is elsewhere. */
function Where({ step, facts }: { step: number; facts: Facts }) {
  const first = firstRun(facts.runs);
  const second = secondRun(facts.runs);
  if (step === 0 && !facts.path.endsWith("/inbox")) {
    return (
      <Link to="/inbox" className="button" data-size="small">
        Go to the inbox
      </Link>
    );
  }
  if (step > 0 && step < 5 && first !== undefined && !facts.path.endsWith(first.id)) {
    return (
      <Link to="/runs/$runId" params={{ runId: first.id }} className="button" data-size="small">
        Open the run
      </Link>
    );
  }
  if (step === 5 && first !== undefined && second !== undefined) {
    return (
      <Link to="/compare" search={{ a: second.forked_from ?? first.id, b: second.id }} className="button" data-size="small">
        Compare the runs
      </Link>
    );
  }
  return null;
}

/** What the tour goes by, and when the newest run was made. */
function useFacts(since: string | null): { facts: Facts | null; newest: string | null } {
  const found = useRead("runs_list", { query: { pipeline: DEMO_PIPELINE, limit: 20 } });
  useReread("runs", ["runs_list"], LOOK_MS);
  const location = useLocation();
  const fieldAt = useChosenField(location.pathname);
  const all = found.data?.items;
  const runs = useMemo(() => (all === undefined ? null : runsSince(all, since)), [all, since]);
  const watched = useWatched(location.pathname, runs ?? []);
  const search = location.search as { stage?: string; b?: string };
  return {
    facts: runs === null ? null : { path: location.pathname, stage: search.stage, compared: search.b, runs, watched, fieldAt },
    newest: all?.[0]?.created_at ?? since,
  };
}

/** The run that was last looked at while it was under way. */
function useWatched(path: string, runs: Facts["runs"]): string | null {
  const [watched, setWatched] = useState<string | null>(null);
  const seen = runs.find((run) => path.endsWith(run.id) && !isOver(run))?.id;
  if (seen !== undefined && seen !== watched) setWatched(seen);
  return watched;
}

/** Where a field was last chosen since the page was opened, by the mouse or by keys. */
function useChosenField(path: string): string | null {
  const [chosenAt, setChosenAt] = useState<string | null>(null);
  useEffect(() => {
    const look = () =>
      requestAnimationFrame(() => {
        if (document.querySelector('.fields [aria-pressed="true"]') !== null) setChosenAt(path);
      });
    document.addEventListener("click", look);
    document.addEventListener("keyup", look);
    return () => {
      document.removeEventListener("click", look);
      document.removeEventListener("keyup", look);
    };
  }, [path]);
  return chosenAt;
}

function useKept(): [Kept, (kept: Kept) => void] {
  const [kept, setKept] = useState<Kept>(read);
  return [
    kept,
    (next) => {
      setKept(next);
      try {
        localStorage.setItem(KEPT, JSON.stringify(next));
      } catch {
        // Storage may be forbidden; then it is kept as long as the page.
      }
    },
  ];
}

function read(): Kept {
  try {
    const found = JSON.parse(localStorage.getItem(KEPT) ?? "") as Partial<Kept>;
    if (typeof found.step === "number" && found.step >= 0) return { step: Math.min(found.step, STEPS.length), isHidden: found.isHidden === true, since: typeof found.since === "string" ? found.since : null };
  } catch {
    // Nothing was kept, or not by this.
  }
  return { step: 0, isHidden: false, since: null };
}
