// A review as a host application shows it: the value beside its source, and the decision, if the token lets one decide.

import { useRead } from "../api/query";
import { ErrorNotice, Notice, Skeleton } from "../design/Notice";
import { fullTime } from "../design/words";
import { Deciding } from "../pages/review/Deciding";
import { tellHost } from "./host";

export function EmbeddedReview({ reviewId }: { reviewId: string }) {
  const found = useRead("reviews_get", { path: { review_id: reviewId } });
  const me = useRead("me_get", {});
  if (found.error && !found.data) return <ErrorNotice error={found.error} />;
  const review = found.data;
  if (!review || !me.data) return <Skeleton rows={6} />;
  if (review.status !== "open") {
    const by = [review.decided_by ? `by ${review.decided_by}` : null, review.decided_at ? fullTime(review.decided_at) : null].filter(Boolean).join(", ");
    return <Notice tone="completed" title={`This review is ${review.status}.`} hint={by || null} />;
  }
  return (
    <div className="embed-columns">
      <h1 className="visually-hidden">Review of {review.stage}</h1>
      <Deciding
        review={review}
        refusal={me.data.permissions.includes("reviews:write") ? null : "Waiting for a decision, which cannot be made here."}
        onDecided={(status) => tellHost({ tegu: "decided", detail: { review_id: reviewId, status } })}
      />
    </div>
  );
}
