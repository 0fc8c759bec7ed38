// A review as a host application shows it: the value beside its source, and the decision, if the token lets one decide.

import { useRead } from "../api/query";
import { ErrorNotice, Notice, Skeleton } from "../design/Notice";
import { Deciding } from "../pages/review/Deciding";
import { decisionOf } from "../pages/review/decision";
import { tellHost } from "./host";

export function EmbeddedReview({ reviewId }: { reviewId: string }) {
  const found = useRead("reviews_get", { path: { review_id: reviewId } });
  const me = useRead("me_get", {});
  if (found.error && !found.data) return <ErrorNotice error={found.error} />;
  const review = found.data;
  if (!review || !me.data) return <Skeleton rows={6} />;
  const decision = decisionOf(review);
  if (decision !== null) return <Notice tone="completed" title={decision} />;
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
