// Programs that belong to the organization and to nobody in it.

import { useState } from "react";

import { problemsOf, useAct } from "../../session/act";
import type { Role, ServiceAccount } from "../../api/schema";
import { useList } from "../../api/useList";
import { Button } from "../../design/Button";
import { Confirm } from "../../design/Confirm";
import { ErrorNotice } from "../../design/Notice";
import { Panel } from "../../design/Panel";
import { Time } from "../../design/Time";
import { Field } from "../../forms/Field";
import { useMe } from "../../session/me";
import { Listing } from "./Listing";
import { ROLE_SAYS, rolesUpTo } from "./roles";

export function ServiceAccounts({ refusal }: { refusal: string | null }) {
  const accounts = useList("service_accounts_list", { limit: 50 });
  const [removed, setRemoved] = useState<ServiceAccount | null>(null);
  const remove = useAct("service_accounts_remove", { says: "Service account removed.", makesStale: ["service_accounts_list", "keys_list"], onDone: () => setRemoved(null) });
  return (
    <>
      <Listing
        title="Service accounts"
        listed={accounts}
        keyOf={(each) => each.id}
        empty={<p>A person's keys end when they leave; those of a service account stay.</p>}
        columns={[
          { title: "Name", cell: (each) => <strong>{each.name}</strong> },
          { title: "Role", cell: (each) => each.role },
          { title: "Created", cell: (each) => <Time at={each.created_at} /> },
        ]}
        actions={(each) => (
          <Button size="small" kind="danger" refusal={refusal} onClick={() => setRemoved(each)}>
            Remove
          </Button>
        )}
      />
      <NewAccount refusal={refusal} />
      {removed ? (
        <Confirm title={`Remove ${removed.name}`} verb="Remove" isBusy={remove.isPending} error={remove.error} onConfirm={() => remove.mutate({ path: { service_account_id: removed.id } })} onClose={() => setRemoved(null)}>
          Its keys end at once. Its runs and contents stay.
        </Confirm>
      ) : null}
    </>
  );
}

function NewAccount({ refusal }: { refusal: string | null }) {
  const me = useMe();
  const [name, setName] = useState("");
  const [role, setRole] = useState<Role>("editor");
  const make = useAct("service_accounts_create", { says: (made) => `${made.name} created. Now create a key for it.`, makesStale: ["service_accounts_list"], onDone: () => setName("") });
  return (
    <Panel title="New service account">
      <form
        className="body stack"
        onSubmit={(event) => {
          event.preventDefault();
          if (refusal === null) make.mutate({ body: { name, role } });
        }}
      >
        <div className="row-form">
          <Field label="Name of the service account" problems={problemsOf(make.error, "name")}>
            {(common) => <input {...common} required maxLength={200} autoComplete="off" value={name} onChange={(event) => setName(event.target.value)} />}
          </Field>
          <Field label="Highest role of its keys" hint={ROLE_SAYS[role]}>
            {(common) => (
              <select {...common} value={role} onChange={(event) => setRole(event.target.value as Role)}>
                {rolesUpTo(me.data?.role ?? "viewer").map((each) => (
                  <option key={each}>{each}</option>
                ))}
              </select>
            )}
          </Field>
          <Button type="submit" isBusy={make.isPending} refusal={refusal}>
            Create
          </Button>
        </div>
        {make.error ? <ErrorNotice error={make.error} /> : null}
      </form>
    </Panel>
  );
}
