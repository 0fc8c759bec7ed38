// API keys, the service accounts that they may belong to, and what embedded pages come in with.

import { useState } from "react";

import { problemsOf, useAct } from "../../session/act";
import { useRead } from "../../api/query";
import type { ApiKey, Permission, Role } from "../../api/schema";
import { useList } from "../../api/useList";
import { useMay, useMayRead } from "../../session/may";
import { useMe } from "../../session/me";
import { seeAs } from "../../session/seeing";
import { Button } from "../../design/Button";
import { Confirm } from "../../design/Confirm";
import { Dialog } from "../../design/Dialog";
import { ErrorNotice } from "../../design/Notice";
import { useNow } from "../../design/now";
import { Time } from "../../design/Time";
import { fullTime } from "../../design/words";
import { Choices, Field } from "../../forms/Field";
import { EmbedTokens } from "./EmbedTokens";
import { Listing } from "./Listing";
import { rolesUpTo } from "./roles";
import { SecretDialog } from "./SecretDialog";
import { ServiceAccounts } from "./ServiceAccounts";

export function Keys() {
  const may = useMay();
  const reading = useMayRead("keys:read");
  const refusal = may("keys:write");
  const keys = useList("keys_list", { limit: 50 }, reading.isAllowed);
  const [isMaking, setIsMaking] = useState(false);
  const [secret, setSecret] = useState<string | null>(null);
  const [revoked, setRevoked] = useState<ApiKey | null>(null);
  const revoke = useAct("keys_revoke", { says: "Key revoked.", makesStale: ["keys_list"], onDone: () => setRevoked(null) });
  if (reading.refusal !== null) return <p className="muted">{reading.refusal}</p>;
  return (
    <>
      <Listing
        title="Keys"
        listed={keys}
        keyOf={(key) => key.id}
        empty={<p>Programs sign in with a key. Create one, restricted to what it is for.</p>}
        aside={
          <Button size="small" kind="primary" refusal={refusal} onClick={() => setIsMaking(true)}>
            New key
          </Button>
        }
        columns={[
          {
            title: "Name",
            cell: (key) => (
              <>
                <strong>{key.name}</strong> <code className="muted">tegu_{key.prefix}_…</code>
              </>
            ),
          },
          { title: "Owner", cell: (key) => key.user_label },
          { title: "Access", cell: (key) => <span title={[...(key.scopes ?? []), ...(key.pipelines ?? [])].join(", ")}>{mayOf(key)}</span> },
          { title: "Last used", cell: (key) => (key.used_at ? <Time at={key.used_at} /> : <span className="muted">never</span>) },
          { title: "Status", cell: (key) => <KeyState apiKey={key} /> },
        ]}
        actions={(key) => (
          <>
            <Button size="small" kind="quiet" refusal={may("members:write") ?? (key.revoked_at ? "The key is revoked." : null)} title="View everything as this key would" onClick={() => void seeAs({ key_id: key.id })}>
              View as
            </Button>
            <Button size="small" kind="danger" refusal={refusal ?? (key.revoked_at ? "The key is already revoked." : null)} onClick={() => setRevoked(key)}>
              Revoke
            </Button>
          </>
        )}
      />
      <ServiceAccounts refusal={refusal} />
      <EmbedTokens />
      {isMaking ? <NewKey onMade={setSecret} onClose={() => setIsMaking(false)} /> : null}
      {secret ? <SecretDialog title="Your new key" secret={secret} hint="Programs send it as `Authorization: Bearer …`." onClose={() => setSecret(null)} /> : null}
      {revoked ? (
        <Confirm title={`Revoke ${revoked.name}`} verb="Revoke" isBusy={revoke.isPending} error={revoke.error} onConfirm={() => revoke.mutate({ path: { key_id: revoked.id } })} onClose={() => setRevoked(null)}>
          It stops working at once, and so do the keys that were created with it.
        </Confirm>
      ) : null}
    </>
  );
}

const mayOf = (key: ApiKey): string =>
  [key.role, key.scopes ? `${key.scopes.length} scopes` : null, key.pipelines ? `${key.pipelines.length} pipelines` : null].filter(Boolean).join(", ");

function KeyState({ apiKey: key }: { apiKey: ApiKey }) {
  const now = useNow();
  if (key.revoked_at) return <span className="muted">revoked</span>;
  if (key.expires_at === null) return <>good</>;
  return Date.parse(key.expires_at) < now ? <span className="muted">expired</span> : <span title={fullTime(key.expires_at)}>until {new Date(key.expires_at).toLocaleDateString()}</span>;
}

const ENDS = [
  { days: 30, says: "in 30 days" },
  { days: 90, says: "in 90 days" },
  { days: 365, says: "in a year" },
  { days: 0, says: "never" },
] as const;

function NewKey({ onMade, onClose }: { onMade: (secret: string) => void; onClose: () => void }) {
  const me = useMe();
  const accounts = useRead("service_accounts_list", { query: { limit: 200 } });
  const pipelines = useRead("pipelines_list", { query: { limit: 200 } });
  const [name, setName] = useState("");
  const [owner, setOwner] = useState("");
  const [role, setRole] = useState<Role | "">("");
  const [days, setDays] = useState<number>(90);
  const [scopes, setScopes] = useState<Permission[]>([]);
  const [restricted, setRestricted] = useState<string[]>([]);
  const make = useAct("keys_create", {
    makesStale: ["keys_list"],
    onDone: (made) => {
      onClose();
      onMade(made.secret);
    },
  });
  const given = (me.data?.permissions ?? []).filter((each) => each !== "identity" && each !== "self");
  return (
    <Dialog title="New key" isOpen onClose={onClose}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          make.mutate({
            body: {
              name,
              ...(role ? { role } : {}),
              ...(owner ? { service_account_id: owner } : {}),
              ...(days ? { expires_in_days: days } : {}),
              ...(scopes.length ? { scopes } : {}),
              ...(restricted.length ? { pipelines: restricted } : {}),
            },
          });
        }}
      >
        <Field label="Name" hint="What it is for." problems={problemsOf(make.error, "name")}>
          {(common) => <input {...common} required maxLength={200} autoComplete="off" value={name} onChange={(event) => setName(event.target.value)} />}
        </Field>
        <div className="row-form">
          <Field label="Owner">
            {(common) => (
              <select {...common} value={owner} onChange={(event) => setOwner(event.target.value)}>
                <option value="">yours</option>
                {accounts.data?.items.map((each) => (
                  <option key={each.id} value={each.id}>
                    {each.name} (service account)
                  </option>
                ))}
              </select>
            )}
          </Field>
          <Field label="Role" problems={problemsOf(make.error, "role")}>
            {(common) => (
              <select {...common} value={role} onChange={(event) => setRole(event.target.value as Role | "")}>
                <option value="">same as its owner</option>
                {rolesUpTo(me.data?.role ?? "viewer").map((each) => (
                  <option key={each}>{each}</option>
                ))}
              </select>
            )}
          </Field>
          <Field label="Expires">
            {(common) => (
              <select {...common} value={days} onChange={(event) => setDays(Number(event.target.value))}>
                {ENDS.map((each) => (
                  <option key={each.days} value={each.days}>
                    {each.says}
                  </option>
                ))}
              </select>
            )}
          </Field>
        </div>
        <Choices label="Scopes" hint="None selected: everything its role allows." all={given} chosen={scopes} onChoose={setScopes} />
        {pipelines.data && pipelines.data.items.length > 0 ? (
          <Choices label="Pipelines" hint="None selected: the runs of all pipelines." all={pipelines.data.items.map((each) => each.name)} chosen={restricted} onChoose={setRestricted} />
        ) : null}
        {make.error ? <ErrorNotice error={make.error} /> : null}
        <div className="actions">
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" kind="primary" isBusy={make.isPending}>
            Create key
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
