// What waits for a person: decisions, and runs that failed.

import { Link } from "@tanstack/react-router";

import { useRead } from "../../api/query";
import { Skeleton } from "../../design/Notice";
import { Panel } from "../../design/Panel";
import { StatusIcon } from "../../design/Status";
import { Time } from "../../design/Time";
import { count } from "../../design/words";
import { useReread } from "../../live/useFeed";
import { useHeld } from "../../live/useFresh";
import { Theirs } from "../../design/Theirs";

const SHOWN = 4;
const FAILED_SINCE = "7d";
const LOOK_MS = 1_500;

/** `isHeld`: somebody points at it or at what is below, so that nothing comes or goes now. */
export function Needs({ since, isHeld }: { since: string; isHeld: boolean }) {
  const reviews = useRead("reviews_list", { query: { status: "open", sort: "confidence", limit: SHOWN + 1 } });
  const failed = useRead("runs_list", { query: { status: "failed", since, limit: SHOWN + 1 } });
  useReread("runs", ["reviews_list", "runs_list"], LOOK_MS);
  const waiting = useHeld(reviews.data, isHeld)?.items ?? [];
  const broken = useHeld(failed.data, isHeld)?.items ?? [];
  const isNone = waiting.length + broken.length === 0;
  const isRead = (reviews.data ?? reviews.error) && (failed.data ?? failed.error);
  return (
    <Panel title="Needs you" className={isNone ? "" : "needs"}>
      {!isRead ? <Skeleton rows={1} /> : isNone ? <p className="body muted">Nothing now. Decisions that runs wait for, and runs that failed, stand here.</p> : null}
      <ul className="latest">
        {waiting.slice(0, SHOWN).map((review) => (
          <li key={review.id}>
            <Link to="/review" search={{ id: review.id }}>
              <span className="truncate">{review.input_name ?? review.pipeline}</span>
              <span className="status" data-status="waiting">
                <StatusIcon status="waiting" /> decide
              </span>
              <span className="muted truncate">
                {review.pipeline} · {review.stage}
              </span>
              <span className="muted number">
                <Time at={review.created_at} />
              </span>
            </Link>
          </li>
        ))}
        {broken.slice(0, SHOWN).map((run) => (
          <li key={run.id}>
            <Link to="/runs/$runId" params={{ runId: run.id }} search={{ stage: run.error?.stage ?? undefined }}>
              <span className="truncate"><Theirs text={run.input_name ?? run.pipeline} /></span>
              <span className="status" data-status="failed">
                <StatusIcon status="failed" /> failed
              </span>
              <span className="muted truncate">{run.error?.message ?? run.pipeline}</span>
              <span className="muted number">
                <Time at={run.ended_at ?? run.created_at} />
              </span>
            </Link>
          </li>
        ))}
      </ul>
      <p className="body muted more-needs">
        {waiting.length > SHOWN ? <Link to="/review">Everything waiting</Link> : null}
        {broken.length > SHOWN ? (
          <Link to="/runs" search={{ q: `status:failed since:${FAILED_SINCE}` }}>
            More than {count(SHOWN)} failed within a week
          </Link>
        ) : null}
      </p>
    </Panel>
  );
}
