// What runs would take, before they are started: from the ledger of earlier runs, with how sure that is; or what is missing to say so.

import { useRead } from "../../api/query";
import type { Forecast, Total } from "../../api/schema";
import { count, money } from "../../design/words";
import { reasonsOf } from "./unknown";

export function Estimate({ pipeline, kind, ids, model }: { pipeline: string; kind: "content" | "mail_thread"; ids: string[]; model: string }) {
  const inputs = kind === "mail_thread" ? { thread_ids: ids } : { content_ids: ids };
  const found = useRead("pipelines_forecast", { path: { pipeline }, body: { ...inputs, ...(model ? { model } : {}) } }, { staleTime: 30_000, placeholderData: (before) => before });
  if (found.error) return <p className="estimate hint">No estimate: {found.error.message}</p>;
  if (!found.data) {
    return (
      <p className="estimate hint" aria-busy="true">
        Estimating…
      </p>
    );
  }
  return <Told forecast={found.data} />;
}

function Told({ forecast }: { forecast: Forecast }) {
  const { runs, calls, cost_usd, unknown } = forecast;
  return (
    <div className="estimate" role="status" aria-label="Estimate">
      <dl className="facts">
        <Fact name="runs" value={count(runs)} />
        <Fact name="calls" value={calls ? range(calls, (number) => count(Math.round(number))) : "unknown"} />
        <Fact name="cost" value={cost_usd ? range(cost_usd, money) : "unknown"} />
      </dl>
      {unknown.length > 0 ? (
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

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}
