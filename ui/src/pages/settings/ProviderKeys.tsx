// The organization's own keys of providers: they go before the operator's, and only to the provider's host.

import { useState } from "react";

import { problemsOf, useAct } from "../../session/act";
import { useRead } from "../../api/query";
import type { ModelListing, ProviderKey } from "../../api/schema";
import { Button } from "../../design/Button";
import { Confirm } from "../../design/Confirm";
import { Dialog } from "../../design/Dialog";
import { Empty, ErrorNotice, Skeleton } from "../../design/Notice";
import { Panel } from "../../design/Panel";
import { Time } from "../../design/Time";
import { Field } from "../../forms/Field";

export function ProviderKeys({ listing, refusal }: { listing: ModelListing; refusal: string | null }) {
  const keys = useRead("provider_keys_list", {});
  const [isAdding, setIsAdding] = useState(false);
  const [rotated, setRotated] = useState<ProviderKey | null>(null);
  const [removed, setRemoved] = useState<ProviderKey | null>(null);
  const remove = useAct("provider_keys_delete", { says: "Key removed.", makesStale: ["provider_keys_list", "models_list"], onDone: () => setRemoved(null) });
  return (
    <Panel
      title="Provider keys"
      aside={
        <Button size="small" kind="primary" refusal={refusal} onClick={() => setIsAdding(true)}>
          Add a key
        </Button>
      }
    >
      {keys.error ? <ErrorNotice error={keys.error} /> : !keys.data ? <Skeleton rows={2} /> : null}
      {keys.data?.items.length === 0 ? (
        <Empty title="No provider keys">
          <p>The installation has: {withKeys(listing) || "no provider"}. A key of your own takes precedence, and is billed to you.</p>
        </Empty>
      ) : null}
      <ul className="latest">
        {keys.data?.items.map((key) => (
          <li key={key.id} className="paused">
            <span>
              <strong>{key.provider}</strong> <code>…{key.last4}</code>{" "}
              <span className="muted">
                to {key.host}
                {key.region ? `, ${key.region}` : ""}, <Time at={key.rotated_at ?? key.created_at} />
              </span>
            </span>
            <Button size="small" kind="quiet" refusal={refusal} onClick={() => setRotated(key)}>
              Replace
            </Button>
            <Button size="small" kind="danger" refusal={refusal} onClick={() => setRemoved(key)}>
              Remove
            </Button>
          </li>
        ))}
      </ul>
      {isAdding ? <KeyForm listing={listing} rotated={null} onClose={() => setIsAdding(false)} /> : null}
      {rotated ? <KeyForm listing={listing} rotated={rotated} onClose={() => setRotated(null)} /> : null}
      {removed ? (
        <Confirm title={`Remove the key of ${removed.provider}`} verb="Remove" isBusy={remove.isPending} error={remove.error} onConfirm={() => remove.mutate({ path: { key_id: removed.id } })} onClose={() => setRemoved(null)}>
          The installation's key is used from then on, if it has one.
        </Confirm>
      ) : null}
    </Panel>
  );
}

const withKeys = (listing: ModelListing): string =>
  Object.entries(listing.providers)
    .flatMap(([name, hasKey]) => (hasKey && name !== "rules" ? name : []))
    .join(", ");

function KeyForm({ listing, rotated, onClose }: { listing: ModelListing; rotated: ProviderKey | null; onClose: () => void }) {
  const [provider, setProvider] = useState(rotated?.provider ?? "");
  const [secret, setSecret] = useState("");
  const [region, setRegion] = useState(rotated?.region ?? "");
  const done = { makesStale: ["provider_keys_list", "models_list"] as ("provider_keys_list" | "models_list")[], onDone: onClose };
  const create = useAct("provider_keys_create", { says: "Key stored, encrypted.", ...done });
  const rotate = useAct("provider_keys_rotate", { says: "Key replaced.", ...done });
  const error = create.error ?? rotate.error;
  return (
    <Dialog title={rotated ? `Replace the key of ${rotated.provider}` : "Add a provider key"} isOpen onClose={onClose}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          const what = { api_key: secret, ...(region ? { region } : {}) };
          if (rotated) rotate.mutate({ path: { key_id: rotated.id }, body: what });
          else create.mutate({ body: { provider, ...what } });
        }}
      >
        {rotated ? null : (
          <Field label="Provider" problems={problemsOf(error, "provider")}>
            {(common) => (
              <select {...common} required value={provider} onChange={(event) => setProvider(event.target.value)}>
                <option value="" />
                {[...Object.keys(listing.providers), ...listing.other_providers].sort().map((each) => (
                  <option key={each}>{each}</option>
                ))}
              </select>
            )}
          </Field>
        )}
        <Field label="API key" hint="Stored encrypted, sent only to the provider, and never shown again." problems={problemsOf(error, "api_key")}>
          {(common) => <input {...common} type="password" required autoComplete="off" value={secret} onChange={(event) => setSecret(event.target.value)} />}
        </Field>
        <Field label="Region" hint="The region of your contract, if the provider's host does not say it." problems={problemsOf(error, "region")}>
          {(common) => <input {...common} autoComplete="off" placeholder="eu-west-1" value={region} onChange={(event) => setRegion(event.target.value)} />}
        </Field>
        {error ? <ErrorNotice error={error} /> : null}
        <div className="actions">
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" kind="primary" isBusy={create.isPending || rotate.isPending}>
            Store key
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
