// What runs would take, before they are started: from the ledger of earlier runs, with how sure that is; or what is missing to say so.

import type { UseQueryResult } from "@tanstack/react-query";

import { useRead } from "../../api/query";
import type { Refusal } from "../../api/refusal";
import type { Forecast, Total } from "../../api/schema";
import { Fact } from "../../design/Fact";
import { count, money } from "../../design/words";
import { reasonsOf } from "./unknown";

export interface Planned {
  pipeline: string;
  kind: "content" | "mail_thread";
  ids: string[];
  model: string;
}

/** Null: there is nothing to estimate. */
export function useForecast(planned: Planned | null): UseQueryResult<Forecast, Refusal> {
  const { pipeline = "", kind = "content", ids = [], model = "" } = planned ?? {};
  const inputs = kind === "mail_thread" ? { thread_ids: ids } : { content_ids: ids };
  return useRead("pipelines_forecast", { path: { pipeline }, body: { ...inputs, ...(model ? { model } : {}) } }, { enabled: planned !== null, staleTime: 30_000, placeholderData: (before) => before });
}

export function Estimate({ found, isAway }: { found: UseQueryResult<Forecast, Refusal>; isAway: boolean }) {
  if (found.data) return <Told forecast={found.data} />;
  if (isAway) return <p className="estimate hint">No estimate: the service is not responding.</p>;
  if (found.error) return <p className="estimate hint">No estimate: {found.error.message}</p>;
  return (
    <p className="estimate hint" aria-busy="true">
      Estimating…
    </p>
  );
}

function Told({ forecast }: { forecast: Forecast }) {
  const { runs, calls, cost_usd, unknown } = forecast;
  // What is free is so whatever the calls: then nobody needs to hear why their number is not known.
  const isFree = cost_usd?.p90 === 0;
  return (
    <div className="estimate" role="status" aria-label="Estimate">
      <dl className="facts">
        <Fact name="runs" value={count(runs)} />
        {calls || !isFree ? <Fact name="calls" value={calls ? range(calls, (number) => count(Math.round(number))) : "unknown"} /> : null}
        <Fact name="cost" value={cost_usd ? range(cost_usd, money) : "unknown"} />
      </dl>
      {unknown.length > 0 && !isFree ? (
        <ul className="hint">
          {reasonsOf(unknown).map((why) => (
            <li key={why}>{why}</li>
          ))}
        </ul>
      ) : null}
    </div>
  );
}

/** The median, and what nine of ten times is not exceeded; one figure where they are the same. */
function range(total: Total, said: (number: number) => string): string {
  const [half, most] = [said(total.p50), said(total.p90)];
  return half === most ? half : `${half} to ${most}`;
}
