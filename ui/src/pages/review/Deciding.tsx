// One decision: the value that is asked about beside the source, and what a person makes of it.

import { useMemo, useState, type ReactNode } from "react";

import { call } from "../../api/call";
import { asError, Refusal } from "../../api/refusal";
import { stale } from "../../api/query";
import type { JsonValue, Review, ReviewDetail } from "../../api/schema";
import { useShortcuts } from "../../design/shortcuts";
import { Button } from "../../design/Button";
import { ErrorNotice } from "../../design/Notice";
import { Panel } from "../../design/Panel";
import { say } from "../../design/toasts";
import "../../forms/forms.css";
import type { Definitions } from "../../forms/schema";
import { SchemaForm } from "../../forms/SchemaForm";
import { Fields } from "../../source/Fields";
import { fieldsOf, findingOf, marksOf } from "../../source/fields";
import { Source } from "../../source/Source";
import "./review.css";

type Json = Record<string, JsonValue>;
const asObject = (value: JsonValue): Json | null => (typeof value === "object" && value !== null && !Array.isArray(value) ? value : null);

/** `refusal`: why it cannot be decided here, which is shown in place of the buttons. */
export function Deciding({ review, aside, refusal = null, onDecided }: { review: ReviewDetail; aside?: ReactNode; refusal?: string | null; onDecided: (status: Review["status"]) => void }) {
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
    if (isBusy || refusal !== null) return;
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
      onDecided(how === "approve" ? "approved" : how === "reject" ? "rejected" : "corrected");
    } catch (caught) {
      setError(asError(caught));
      stale("reviews_list", "reviews_get"); // somebody else may have decided it
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
    { keys: "k", says: "Previous field", run: () => step(-1) },
    { keys: "a", says: "Approve and next", run: () => void decide(isEdited ? "correct" : "approve") },
    { keys: "e", says: "Correct", run: () => (refusal === null ? setCorrection(review.value) : undefined) },
  ]);
  const object = asObject(correction ?? null);
  return (
    <>
      <Panel title="Source" className="review-source" aside={aside}>
        <div className="evidence-source" role="region" aria-label="Source of the run" tabIndex={0}>
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
                problems={error instanceof Refusal ? error.problems : []}
              />
            ) : (
              <AsText value={correction} onChange={setCorrection} />
            )}
          </div>
        ) : (
          <Fields groups={[{ result, fields }]} chosen={chosen} onChoose={setChosen} />
        )}
        {refusal !== null ? (
          <p className="body muted" role="status">
            {refusal}
          </p>
        ) : (
          <form
            className="body stack decide"
            onSubmit={(event) => {
              event.preventDefault();
              void decide(isEdited ? "correct" : "approve");
            }}
          >
            {error ? <ErrorNotice error={error} /> : null}
            <div className="field">
              <label htmlFor="comment">Reason (shown on the run)</label>
              <input id="comment" type="text" value={comment} onChange={(event) => setComment(event.target.value)} />
            </div>
            <div className="actions">
              <Button kind="danger" isBusy={isBusy} onClick={() => void decide("reject")}>
                Reject
              </Button>
              {isEdited ? (
                <Button onClick={() => setCorrection(undefined)}>Cancel</Button>
              ) : (
                <Button shortcut="e" onClick={() => setCorrection(review.value)}>
                  Correct
                </Button>
              )}
              <Button type="submit" kind="primary" shortcut="a" isBusy={isBusy}>
                {isEdited ? "Submit correction" : "Approve"}
              </Button>
            </div>
          </form>
        )}
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
    type: review.about ?? "value",
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
