// What became of a review, for whoever comes to it, or is at it, when somebody else has decided it.

import type { ReviewDetail } from "../../api/schema";
import { fullTime } from "../../design/words";

/** By whom and when it was decided; null while it waits. */
export function decisionOf(review: ReviewDetail): string | null {
  if (review.status === "open") return null;
  const said = [review.decided_by ? ` by ${review.decided_by}` : "", review.decided_at ? `, ${fullTime(review.decided_at)}` : ""].join("");
  return `This review is ${review.status}${said}.`;
}
