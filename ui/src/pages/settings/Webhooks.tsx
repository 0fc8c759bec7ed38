// Addresses that are told of events: how each is, and what it was told.

import { useState } from "react";

import { problemsOf, useAct } from "../../session/act";
import { useRead } from "../../api/query";
import type { Webhook, WebhookEvent } from "../../api/schema";
import { useList } from "../../api/useList";
import { useMay, useMayRead } from "../../session/may";
import { Button } from "../../design/Button";
import { Confirm } from "../../design/Confirm";
import { Dialog } from "../../design/Dialog";
import { ErrorNotice } from "../../design/Notice";
import { Time } from "../../design/Time";
import { Choices, Field } from "../../forms/Field";
import { Deliveries } from "./Deliveries";
import { Listing } from "./Listing";
import { SecretDialog } from "./SecretDialog";

const EVENTS: readonly WebhookEvent[] = ["run.completed", "run.failed", "run.cancelled", "run.waiting", "review.opened", "budget.exhausted", "pipeline.message", "content.created", "usage.recorded"];
const SIGNED = "Deliveries are signed with it. Verify the signature before you trust one.";

export function Webhooks() {
  const may = useMay();
  const reading = useMayRead("webhooks:read");
  const refusal = may("webhooks:write");
  const webhooks = useList("webhooks_list", { limit: 50 }, reading.isAllowed);
  const [form, setForm] = useState<Webhook | "new" | null>(null);
  const [secret, setSecret] = useState<string | null>(null);
  const [removed, setRemoved] = useState<Webhook | null>(null);
  const [shown, setShown] = useState<Webhook | null>(null);
  const test = useAct("webhooks_test", { says: "Test delivery sent.", makesStale: ["webhook_deliveries_list"] });
  const update = useAct("webhooks_update", { makesStale: ["webhooks_list"] });
  const rotate = useAct("webhooks_rotate_secret", { makesStale: ["webhooks_list"], onDone: (done) => setSecret(done.secret) });
  const remove = useAct("webhooks_delete", { says: "Webhook removed.", makesStale: ["webhooks_list", "webhook_deliveries_list"], onDone: () => setRemoved(null) });
  if (reading.refusal !== null) return <p className="muted">{reading.refusal}</p>;
  const error = test.error ?? update.error ?? rotate.error;
  return (
    <>
      <Listing
        title="Webhooks"
        listed={webhooks}
        keyOf={(each) => each.id}
        empty={<p>Add an address to be notified when a run has ended.</p>}
        aside={
          <Button size="small" kind="primary" refusal={refusal} onClick={() => setForm("new")}>
            New webhook
          </Button>
        }
        columns={[
          {
            title: "Address",
            cell: (each) => (
              <span title={each.url}>
                <strong>{each.description || each.url}</strong> {each.description ? <span className="muted">{each.url}</span> : null}
              </span>
            ),
          },
          { title: "Events", cell: (each) => <span title={each.events.join(", ")}>{each.events.join(", ")}</span> },
          { title: "Status", cell: (each) => <State webhook={each} /> },
        ]}
        actions={(each) => (
          <>
            <Button size="small" kind="quiet" onClick={() => setShown(shown?.id === each.id ? null : each)} aria-pressed={shown?.id === each.id}>
              Deliveries
            </Button>
            <Button size="small" kind="quiet" refusal={refusal} onClick={() => test.mutate({ path: { webhook_id: each.id } })}>
              Test
            </Button>
            <Button size="small" kind="quiet" refusal={refusal} onClick={() => setForm(each)}>
              Change
            </Button>
            <Button size="small" kind="quiet" refusal={refusal} onClick={() => update.mutate({ path: { webhook_id: each.id }, body: { is_enabled: each.disabled_at !== null } })}>
              {each.disabled_at ? "Resume" : "Pause"}
            </Button>
            <Button size="small" kind="quiet" refusal={refusal} onClick={() => rotate.mutate({ path: { webhook_id: each.id }, body: {} })}>
              New secret
            </Button>
            <Button size="small" kind="danger" refusal={refusal} onClick={() => setRemoved(each)}>
              Remove
            </Button>
          </>
        )}
      />
      {error ? <ErrorNotice error={error} /> : null}
      <Deliveries webhook={shown} refusal={refusal} />
      {form ? <WebhookForm webhook={form === "new" ? null : form} onMade={setSecret} onClose={() => setForm(null)} /> : null}
      {secret ? <SecretDialog title="The webhook's secret" secret={secret} hint={SIGNED} onClose={() => setSecret(null)} /> : null}
      {removed ? (
        <Confirm title="Remove the webhook" verb="Remove" isBusy={remove.isPending} error={remove.error} onConfirm={() => remove.mutate({ path: { webhook_id: removed.id } })} onClose={() => setRemoved(null)}>
          {removed.url} gets no more deliveries, and its past deliveries are deleted.
        </Confirm>
      ) : null}
    </>
  );
}

function State({ webhook }: { webhook: Webhook }) {
  if (webhook.disabled_at) return <span className="status" data-status={webhook.disabled_reason === "paused" ? "waiting" : "failed"}>{{ paused: "paused", gone: "stopped: the address is gone", failing: "off: it failed for too long" }[webhook.disabled_reason ?? "paused"]}</span>;
  if (webhook.failing_since)
    return (
      <span className="status" data-status="failed">
        failing, <Time at={webhook.failing_since} />
      </span>
    );
  return (
    <span className="status" data-status="completed">
      good
    </span>
  );
}

function WebhookForm({ webhook, onMade, onClose }: { webhook: Webhook | null; onMade: (secret: string) => void; onClose: () => void }) {
  const pipelines = useRead("pipelines_list", { query: { limit: 200 } });
  const [url, setUrl] = useState(webhook?.url ?? "");
  const [description, setDescription] = useState(webhook?.description ?? "");
  const [events, setEvents] = useState<WebhookEvent[]>(webhook?.events ?? ["run.completed", "run.failed"]);
  const [only, setOnly] = useState<string[]>(webhook?.pipelines ?? []);
  const [sendsResults, setSendsResults] = useState(webhook?.sends_results ?? false);
  const create = useAct("webhooks_create", {
    makesStale: ["webhooks_list"],
    onDone: (made) => {
      onClose();
      onMade(made.secret);
    },
  });
  const update = useAct("webhooks_update", { says: "Webhook saved.", makesStale: ["webhooks_list"], onDone: onClose });
  const error = create.error ?? update.error;
  return (
    <Dialog title={webhook ? "Change the webhook" : "New webhook"} isOpen onClose={onClose}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          const body = { url, description, events, pipelines: only.length ? only : null, sends_results: sendsResults };
          if (webhook) update.mutate({ path: { webhook_id: webhook.id }, body });
          else create.mutate({ body });
        }}
      >
        <Field label="Address" hint="A public https address." problems={problemsOf(error, "url")}>
          {(common) => <input {...common} type="url" required autoComplete="off" placeholder="https://example.com/tegu" value={url} onChange={(event) => setUrl(event.target.value)} />}
        </Field>
        <Field label="What it is for" problems={problemsOf(error, "description")}>
          {(common) => <input {...common} maxLength={500} value={description} onChange={(event) => setDescription(event.target.value)} />}
        </Field>
        <Choices label="Events" all={EVENTS} chosen={events} onChoose={setEvents} />
        {pipelines.data && pipelines.data.items.length > 0 ? (
          <Choices label="Pipelines" hint="None selected: the runs of all pipelines." all={pipelines.data.items.map((each) => each.name)} chosen={only} onChoose={setOnly} />
        ) : null}
        <label className="flag">
          <input type="checkbox" checked={sendsResults} onChange={(event) => setSendsResults(event.target.checked)} />
          Include the results of the run
        </label>
        {error ? <ErrorNotice error={error} /> : null}
        <div className="actions">
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" kind="primary" isBusy={create.isPending || update.isPending} refusal={events.length ? null : "Select at least one event."}>
            {webhook ? "Save" : "Create"}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
