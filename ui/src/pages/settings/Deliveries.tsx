// What webhooks were told, and what came back; told again on demand.

import { Link } from "@tanstack/react-router";
import { useState } from "react";

import { useAct } from "../../session/act";
import { useRead } from "../../api/query";
import type { DeliveryStatus, Webhook, WebhookDelivery } from "../../api/schema";
import { useList } from "../../api/useList";
import { Button } from "../../design/Button";
import { Dialog } from "../../design/Dialog";
import { ErrorNotice, Skeleton } from "../../design/Notice";
import { Status } from "../../design/Status";
import { Time } from "../../design/Time";
import { elapsed, shortId } from "../../design/words";
import { Listing } from "./Listing";

const STATUSES: readonly DeliveryStatus[] = ["pending", "delivered", "failed"];
const SHOWN_AS = { pending: "pending", delivered: "completed", failed: "failed" } as const;

export function Deliveries({ webhook, refusal }: { webhook: Webhook | null; refusal: string | null }) {
  const [status, setStatus] = useState<DeliveryStatus | "">("");
  const [shown, setShown] = useState<WebhookDelivery | null>(null);
  const listed = useList("webhook_deliveries_list", { limit: 20, ...(webhook ? { webhook_id: webhook.id } : {}), ...(status ? { status } : {}) });
  const replay = useAct("webhook_deliveries_replay", { says: "Sending it again.", makesStale: ["webhook_deliveries_list"] });
  return (
    <>
      <Listing
        title={webhook ? `Deliveries to ${webhook.description || webhook.url}` : "Deliveries"}
        noun="deliveries"
        listed={listed}
        keyOf={(each) => each.id}
        empty={<p>{status ? "No matching deliveries." : "No deliveries in the last 30 days. Test a webhook to see one here."}</p>}
        aside={
          <select aria-label="Status" className="short" value={status} onChange={(event) => setStatus(event.target.value as DeliveryStatus | "")}>
            <option value="">all</option>
            {STATUSES.map((each) => (
              <option key={each}>{each}</option>
            ))}
          </select>
        }
        columns={[
          { title: "Event", cell: (each) => each.event },
          { title: "Status", cell: (each) => <Status status={SHOWN_AS[each.status]} says={each.status} /> },
          { title: "Answer", cell: (each) => (each.status_code === null ? (each.error?.message ?? <span className="muted">—</span>) : `${each.status_code}, ${elapsed(each.elapsed_ms === null ? null : each.elapsed_ms / 1000)}`) },
          { title: "Attempts", cell: (each) => each.attempt, isNumber: true },
          {
            title: "Run",
            cell: (each) =>
              each.run_id ? (
                <Link to="/runs/$runId" params={{ runId: each.run_id }} className="mono">
                  {shortId(each.run_id)}
                </Link>
              ) : (
                <span className="muted">—</span>
              ),
          },
          { title: "When", cell: (each) => <Time at={each.created_at} /> },
        ]}
        actions={(each) => (
          <>
            <Button size="small" kind="quiet" onClick={() => setShown(each)}>
              Details
            </Button>
            <Button size="small" kind="quiet" refusal={refusal ?? (each.status === "pending" ? "It is being delivered." : null)} onClick={() => replay.mutate({ path: { delivery_id: each.id } })}>
              Send again
            </Button>
          </>
        )}
      />
      {replay.error ? <ErrorNotice error={replay.error} /> : null}
      <Dialog title={shown ? shown.event : ""} isOpen={shown !== null} onClose={() => setShown(null)}>
        {shown ? <Exchange id={shown.id} /> : null}
        <div className="actions">
          <Button onClick={() => setShown(null)}>Close</Button>
        </div>
      </Dialog>
    </>
  );
}

function Exchange({ id }: { id: string }) {
  const found = useRead("webhook_deliveries_get", { path: { delivery_id: id } });
  if (found.error) return <ErrorNotice error={found.error} />;
  if (!found.data) return <Skeleton rows={4} />;
  return (
    <>
      <h3>Sent</h3>
      {found.data.body ? <pre className="json">{pretty(found.data.body)}</pre> : <p className="muted">Not sent yet.</p>}
      <h3>Answered</h3>
      {found.data.answer ? <pre className="json">{found.data.answer}</pre> : <p className="muted">{found.data.error?.message ?? "Empty."}</p>}
    </>
  );
}

function pretty(body: string): string {
  try {
    return JSON.stringify(JSON.parse(body), null, 2);
  } catch {
    return body;
  }
}
