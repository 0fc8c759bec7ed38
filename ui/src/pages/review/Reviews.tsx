// What waits for a person: one decision after the other, the source beside what was read from it.

import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useEffect, useState } from "react";

import { stale, useRead } from "../../api/query";
import type { Review } from "../../api/schema";
import { useMay } from "../../session/may";
import { useShortcuts } from "../../design/shortcuts";
import { Empty, ErrorNotice, Skeleton } from "../../design/Notice";
import { Panel } from "../../design/Panel";
import { Time } from "../../design/Time";
import { count, fullTime, ORDER_SAYS, percent } from "../../design/words";
import { useDelayed, useFeed } from "../../live/useFeed";
import { Deciding } from "./Deciding";
import { decisionOf } from "./decision";
import "./review.css";

const ORDERS = ["confidence", "due_at", "created_at", "-created_at"] as const;

export function Reviews() {
  const search = useSearch({ from: "/review" });
  const navigate = useNavigate();
  const order = ORDERS.find((each) => each === search.order) ?? ORDERS[0];
  const open = useRead("reviews_list", { query: { status: "open", sort: order, limit: 100 } });
  const look = useDelayed(() => stale("reviews_list", "reviews_get"), 400);
  useFeed("runs", { onEvent: (event) => (event.kind.startsWith("review.") ? look() : undefined), onResync: look });
  const [decided, setDecided] = useState<ReadonlySet<string>>(new Set());
  const reviews = (open.data?.items ?? []).filter((review) => !decided.has(review.id));
  // Also one that somebody else has decided: nothing else comes under the hands of whoever is at it.
  const chosenId = search.id ?? reviews[0]?.id;
  const shown = (id?: string, by = search.order) => ({ ...(id ? { id } : {}), ...(by ? { order: by } : {}) });
  const choose = (review: Review | undefined) => void navigate({ to: "/review", search: shown(review?.id), replace: true });
  // Whatever comes before it meanwhile, what is being decided stays.
  const first = search.id ? undefined : reviews[0]?.id;
  useEffect(() => {
    if (first) void navigate({ to: "/review", search: (before) => ({ ...before, id: first }), replace: true });
  }, [first, navigate]);
  const at = reviews.findIndex((review) => review.id === chosenId);
  useShortcuts([
    { keys: "n", says: "Next review", run: () => choose(reviews[Math.min(reviews.length - 1, at + 1)]) },
    { keys: "p", says: "Previous review", run: () => choose(reviews[Math.max(0, at - 1)]) },
  ]);
  return (
    <main id="main" className="page">
      <div className="head">
        <h1>Review</h1>
        <span className="muted">{open.data ? (reviews.length === 1 ? "1 waiting" : `${open.data.next_cursor ? "more than " : ""}${count(reviews.length)} waiting`) : ""}</span>
        {reviews.length > 1 ? (
          <select aria-label="Order" className="short" value={order} onChange={(event) => void navigate({ to: "/review", search: shown(undefined, event.target.value), replace: true })}>
            {ORDERS.map((each) => (
              <option key={each} value={each}>
                {ORDER_SAYS[each]}
              </option>
            ))}
          </select>
        ) : null}
      </div>
      {open.error ? <ErrorNotice error={open.error} /> : null}
      {open.isPending ? (
        <Panel>
          <Skeleton rows={6} />
        </Panel>
      ) : chosenId === undefined ? (
        <Panel>
          <Empty title="Nothing to review">
            <p>Pipelines ask for a decision with a stage of the kind review. Their runs wait here for as long as it takes, at no cost.</p>
          </Empty>
        </Panel>
      ) : (
        <div className="columns review-columns">
          <nav className="panel queue" aria-label="Waiting reviews">
            {reviews.map((review) => (
              <Link key={review.id} to="/review" search={shown(review.id)} data-chosen={review.id === chosenId} aria-current={review.id === chosenId ? "true" : undefined}>
                <span className="truncate">{review.input_name ?? review.pipeline}</span>
                <span className="muted truncate">
                  {review.pipeline} · {review.stage}
                </span>
                <span className="muted">
                  {review.confidence !== null ? `${percent(review.confidence)} sure · ` : ""}
                  {order === "due_at" && review.due_at !== null ? `due ${fullTime(review.due_at)}` : <Time at={review.created_at} />}
                </span>
              </Link>
            ))}
          </nav>
          <One
            key={chosenId}
            reviewId={chosenId}
            onDecided={() => {
              setDecided(new Set([...decided, chosenId]));
              choose(reviews[at + 1] ?? reviews[at - 1]);
            }}
          />
        </div>
      )}
    </main>
  );
}

function One({ reviewId, onDecided }: { reviewId: string; onDecided: () => void }) {
  const found = useRead("reviews_get", { path: { review_id: reviewId } });
  const may = useMay();
  if (found.error) return <ErrorNotice error={found.error} />;
  if (!found.data) {
    return (
      <Panel>
        <Skeleton rows={8} />
      </Panel>
    );
  }
  const review = found.data;
  const run = (
    <Link to="/runs/$runId" params={{ runId: review.run_id }} className="truncate">
      {review.input_name ?? "the run"}
    </Link>
  );
  return <Deciding review={review} aside={run} refusal={decisionOf(review) ?? may("reviews:write")} onDecided={onDecided} />;
}
