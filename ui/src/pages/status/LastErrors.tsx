// What failed last, with its reason.

import { Link } from "@tanstack/react-router";

import { useRead } from "../../api/query";
import { ErrorNotice, Skeleton } from "../../design/Notice";
import { Panel } from "../../design/Panel";
import { Time } from "../../design/Time";
import { shortId } from "../../design/words";

const SHOWN = 5;

export function LastErrors() {
  const failed = useRead("runs_list", { query: { status: "failed", limit: SHOWN } });
  return (
    <Panel title="Last errors" aside={<Link to="/runs" search={{ q: "status:failed" }}>all</Link>}>
      {failed.error ? <ErrorNotice error={failed.error} /> : !failed.data ? <Skeleton rows={2} /> : failed.data.items.length === 0 ? <p className="body muted">No failed runs.</p> : null}
      <ul className="latest">
        {failed.data?.items.map((run) => (
          <li key={run.id}>
            <Link to="/runs/$runId" params={{ runId: run.id }}>
              <span className="truncate">
                {run.input_name ?? shortId(run.id)} <span className="muted">{run.pipeline}</span>
              </span>
              <span className="muted">
                <Time at={run.ended_at ?? run.created_at} />
              </span>
              <span className="muted truncate">{run.error ? `${run.error.code}: ${run.error.message}` : ""}</span>
            </Link>
          </li>
        ))}
      </ul>
    </Panel>
  );
}
