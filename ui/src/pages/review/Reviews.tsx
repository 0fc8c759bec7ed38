// What waits for a person: one decision after the other, the source beside what was read from it.

import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useMemo, useState } from "react";

import { call } from "../../api/call";
import { stale, useRead } from "../../api/query";
import type { JsonValue, Review, ReviewDetail } from "../../api/schema";
import { useShortcuts } from "../../app/shortcuts";
import { Button } from "../../design/Button";
import { Empty, ErrorNotice, Skeleton } from "../../design/Notice";
import { Panel } from "../../design/Panel";
import { Time } from "../../design/Time";
import { say, sayError } from "../../design/toasts";
import { count } from "../../design/words";
import "../../forms/forms.css";
import { SchemaForm } from "../../forms/SchemaForm";
import type { Definitions } from "../../forms/schema";
import { useDelayed, useFeed } from "../../live/useFeed";
import { Fields } from "../../source/Fields";
import { fieldsOf, findingOf, marksOf } from "../../source/fields";
import { Source } from "../../source/Source";
import "./review.css";

export function Reviews() {
  const search = useSearch({ from: "/review" });
  const navigate = useNavigate();
  const open = useRead("reviews_list", { query: { status: "open", limit: 100 } });
  const look = useDelayed(() => stale("reviews_list"), 400);
  useFeed("runs", { onEvent: (event) => (event.kind.startsWith("review.") ? look() : undefined), onResync: look });
  const reviews = open.data?.items ?? [];
  const chosen = reviews.find((review) => review.id === search.id) ?? reviews[0];
  const choose = (review: Review | undefined) => void navigate({ to: "/review", search: review ? { id: review.id } : {}, replace: true });
  const at = reviews.findIndex((review) => review.id === chosen?.id);
  useShortcuts([
    { keys: "n", says: "Next review", run: () => choose(reviews[Math.min(reviews.length - 1, at + 1)]) },
    { keys: "p", says: "Review before", run: () => choose(reviews[Math.max(0, at - 1)]) },
  ]);
  return (
    <main id="main" className="page">
      <div className="head">
        <h1>Review</h1>
        <span className="muted">{open.data ? (reviews.length === 1 ? "1 waits" : `${count(reviews.length)} wait`) : ""}</span>
      </div>
      {open.error ? <ErrorNotice error={open.error} /> : null}
      {open.isPending ? (
        <Panel>
          <Skeleton rows={6} />
        </Panel>
      ) : reviews.length === 0 || !chosen ? (
        <Panel>
          <Empty title="Nothing waits for a decision.">
            <p>A pipeline asks for one by a stage of the kind review: its runs wait here for as long as it takes, at no cost.</p>
          </Empty>
        </Panel>
      ) : (
        <div className="review-columns">
          <nav className="panel queue" aria-label="What waits">
            {reviews.map((review) => (
              <Link key={review.id} to="/review" search={{ id: review.id }} data-chosen={review.id === chosen.id} aria-current={review.id === chosen.id ? "true" : undefined}>
                <span className="truncate">{review.about ?? review.pipeline}</span>
                <span className="muted truncate">
                  {review.pipeline} · {review.stage}
                </span>
                <span className="muted">
                  <Time at={review.created_at} />
                </span>
              </Link>
            ))}
          </nav>
          <One key={chosen.id} reviewId={chosen.id} onDecided={() => choose(reviews[at + 1] ?? reviews[at - 1])} />
        </div>
      )}
    </main>
  );
}

function One({ reviewId, onDecided }: { reviewId: string; onDecided: () => void }) {
  const found = useRead("reviews_get", { path: { review_id: reviewId } });
  if (found.error) return <ErrorNotice error={found.error} />;
  if (!found.data) {
    return (
      <Panel>
        <Skeleton rows={8} />
      </Panel>
    );
  }
  return <Deciding review={found.data} onDecided={onDecided} />;
}

type Json = Record<string, JsonValue>;
const asObject = (value: JsonValue): Json | null => (typeof value === "object" && value !== null && !Array.isArray(value) ? value : null);

function Deciding({ review, onDecided }: { review: ReviewDetail; onDecided: () => void }) {
  const [chosen, setChosen] = useState<string | null>(null);
  const [correction, setCorrection] = useState<JsonValue | undefined>();
  const [comment, setComment] = useState("");
  const [isBusy, setIsBusy] = useState(false);
  const [error, setError] = useState<Error | null>(null);
  const result = useMemo(() => resultOf(review), [review]);
  const fields = useMemo(() => {
    // What the source does not say comes first: it is what a person is needed for.
    const order = { not_found: 0, none: 1, verified: 2 };
    return fieldsOf(result).sort((a, b) => order[findingOf(a)] - order[findingOf(b)]);
  }, [result]);
  const marks = useMemo(() => marksOf(fields), [fields]);
  const decide = async (how: "approve" | "reject" | "correct") => {
    if (isBusy) return;
    setIsBusy(true);
    setError(null);
    const path = { review_id: review.id };
    const why = comment.trim() ? { comment } : {};
    try {
      if (how === "approve") await call("reviews_approve", { path, body: why });
      else if (how === "reject") await call("reviews_reject", { path, body: why });
      else await call("reviews_correct", { path, body: { ...why, value: correction ?? review.value } });
      say(how === "approve" ? "Approved." : how === "reject" ? "Rejected." : "Corrected.");
      stale("reviews_list", "reviews_get", "runs_get");
      onDecided();
    } catch (caught) {
      setError(caught instanceof Error ? caught : new Error(String(caught)));
      sayError(caught);
    }
    setIsBusy(false);
  };
  const isEdited = correction !== undefined;
  const step = (by: number) => {
    const at = fields.findIndex((field) => field.id === chosen);
    setChosen(fields[Math.min(fields.length - 1, Math.max(0, at + by))]?.id ?? null);
  };
  useShortcuts([
    { keys: "j", says: "Next field", run: () => step(1) },
    { keys: "k", says: "Field before", run: () => step(-1) },
    { keys: "a", says: "Approve, and the next", run: () => void decide(isEdited ? "correct" : "approve") },
    { keys: "e", says: "Correct", run: () => setCorrection(review.value) },
  ]);
  const object = asObject(correction ?? null);
  return (
    <>
      <Panel title="Source" className="review-source" aside={<Link to="/runs/$runId" params={{ runId: review.run_id }}>the run</Link>}>
        <div className="evidence-source" role="region" aria-label="Source" tabIndex={0}>
          <Source run={{ id: review.run_id, erased_at: null }} marks={marks} chosen={chosen} onChoose={setChosen} />
        </div>
      </Panel>
      <Panel title={review.stage}>
        {review.instructions ? <p className="body">{review.instructions}</p> : null}
        {isEdited ? (
          <div className="body">
            {object !== null && review.schema !== null ? (
              <SchemaForm
                schema={review.schema}
                definitions={((review.schema as { $defs?: Definitions }).$defs ?? {})}
                value={object}
                onChange={setCorrection}
                problems={error !== null && "problems" in error ? (error.problems as never) : []}
              />
            ) : (
              <AsText value={correction} onChange={setCorrection} />
            )}
          </div>
        ) : (
          <Fields groups={[{ result, fields }]} chosen={chosen} onChoose={setChosen} />
        )}
        <form
          className="body stack decide"
          onSubmit={(event) => {
            event.preventDefault();
            void decide(isEdited ? "correct" : "approve");
          }}
        >
          {error ? <ErrorNotice error={error} /> : null}
          <div className="field">
            <label htmlFor="comment">Why (whoever reads the run sees it)</label>
            <input id="comment" type="text" value={comment} onChange={(event) => setComment(event.target.value)} />
          </div>
          <div className="actions">
            <Button kind="danger" isBusy={isBusy} onClick={() => void decide("reject")}>
              Reject
            </Button>
            {isEdited ? (
              <Button onClick={() => setCorrection(undefined)}>Leave as it was</Button>
            ) : (
              <Button shortcut="e" onClick={() => setCorrection(review.value)}>
                Correct
              </Button>
            )}
            <Button type="submit" kind="primary" shortcut="a" isBusy={isBusy}>
              {isEdited ? "Send the correction" : "Approve"}
            </Button>
          </div>
        </form>
      </Panel>
    </>
  );
}

function AsText({ value, onChange }: { value: JsonValue; onChange: (value: JsonValue) => void }) {
  const [text, setText] = useState(typeof value === "string" ? value : JSON.stringify(value, null, 2));
  return (
    <div className="field">
      <label htmlFor="correction">The value</label>
      <textarea
        id="correction"
        rows={10}
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          if (typeof value === "string") return onChange(event.target.value);
          try {
            onChange(JSON.parse(event.target.value) as JsonValue);
          } catch {
            // Until it is JSON again what was there before stays.
          }
        }}
      />
    </div>
  );
}

function resultOf(review: ReviewDetail) {
  return {
    run_id: review.run_id,
    stage: review.stage,
    type: review.stage,
    key: "",
    data: review.value,
    confidence: null,
    evidence: review.evidence,
    llm_call_id: null,
    created_at: review.created_at,
    item: review.item,
    id: review.id,
  };
}
