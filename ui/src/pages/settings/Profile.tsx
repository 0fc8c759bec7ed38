// Oneself: name, organizations, and sessions.

import { useState } from "react";

import { problemsOf, useAct } from "../../session/act";
import { BASE } from "../../api/call";
import { useRead } from "../../api/query";
import type { Identity } from "../../api/schema";
import { signOut, switchTo } from "../../session/account";
import { useMay } from "../../session/may";
import { Button } from "../../design/Button";
import { Confirm } from "../../design/Confirm";
import { ErrorNotice, Skeleton } from "../../design/Notice";
import { Panel } from "../../design/Panel";
import { Scroll } from "../../design/Scroll";
import { Time } from "../../design/Time";
import { Field } from "../../forms/Field";
import { useMe } from "../../session/me";

export function Profile() {
  const me = useMe();
  if (me.error) return <ErrorNotice error={me.error} />;
  if (!me.data) return <Skeleton />;
  const isHost = me.data.kind === "host" ? "The host application signs people in." : null;
  return (
    <>
      <Panel title="Profile" aside={<Button size="small" refusal={isHost} onClick={() => void signOut()}>Sign out</Button>}>
        <div className="body stack">
          <dl className="facts">
            <div>
              <dt>signed in as</dt>
              <dd>{me.data.label}</dd>
            </div>
            <div>
              <dt>in</dt>
              <dd>{me.data.organization_name}</dd>
            </div>
            <div>
              <dt>role</dt>
              <dd>
                {me.data.role}
                {me.data.is_operator ? ", and operator of this installation" : ""}
              </dd>
            </div>
          </dl>
          <Name me={me.data} refusal={isHost} />
          <details>
            <summary>Your permissions</summary>
            <p className="mono permissions">{me.data.permissions.join("  ")}</p>
          </details>
        </div>
      </Panel>
      <Organizations me={me.data} />
      {isHost ? null : <Sessions />}
    </>
  );
}

function Name({ me, refusal }: { me: Identity; refusal: string | null }) {
  const [name, setName] = useState(me.display_name ?? "");
  const update = useAct("me_update", { says: "Name saved.", makesStale: ["me_get", "members_list"] });
  return (
    <form
      className="row-form"
      onSubmit={(event) => {
        event.preventDefault();
        if (refusal === null) update.mutate({ body: { display_name: name || null } });
      }}
    >
      <Field label="Name" hint="Shown to other members.">
        {(common) => <input {...common} autoComplete="name" maxLength={200} value={name} onChange={(event) => setName(event.target.value)} />}
      </Field>
      <Button type="submit" isBusy={update.isPending} refusal={refusal}>
        Save
      </Button>
      {update.error ? <ErrorNotice error={update.error} /> : null}
    </form>
  );
}

function Organizations({ me }: { me: Identity }) {
  const found = useRead("organizations_list", { query: {} });
  if (found.error) return <ErrorNotice error={found.error} />;
  return (
    <Panel title="Your organizations">
      {found.data ? null : <Skeleton rows={2} />}
      <ul className="latest">
        {found.data?.items.map((each) => (
          <li key={each.id} className="paused">
            <span>
              <strong>{each.name}</strong> <span className="muted">{each.role}</span>
            </span>
            {each.is_current ? <span className="muted">current</span> : <Button size="small" onClick={() => void switchTo(each.id)}>Switch</Button>}
          </li>
        ))}
      </ul>
      {found.data?.items.length === 1 ? <p className="body muted">You belong to no other organization. Once you are invited to one, you can switch here.</p> : null}
      <NewOrganization me={me} />
    </Panel>
  );
}

/** An organization of its own for a team or a customer; for others than operators, how one comes about. */
function NewOrganization({ me }: { me: Identity }) {
  const [name, setName] = useState("");
  const [externalId, setExternalId] = useState("");
  const made = useAct("organizations_create", { says: ({ name: called }) => `Organization ${called} created.`, makesStale: ["organizations_list"] });
  const may = useMay();
  if (!me.is_operator) {
    return (
      <details className="body">
        <summary>New organization</summary>
        <p className="muted">
          Operators of the installation create organizations. On its own machine: <code>tegu organizations create --external-id acme --name Acme --owner-email {me.label}</code>. To do it here, your
          address must stand in <code>TEGU_OPERATORS</code> where the service is started.
        </p>
      </details>
    );
  }
  const refusal = may("operate");
  return (
    <details className="body">
      <summary>New organization</summary>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          if (refusal === null) made.mutate({ body: { name, external_id: externalId, owner_email: me.label } });
        }}
      >
        <div className="row-form">
          <Field label="Name of the organization" problems={problemsOf(made.error, "name")}>
            {(common) => <input {...common} required maxLength={200} value={name} onChange={(event) => setName(event.target.value)} />}
          </Field>
          <Field label="Id" hint="The id your own systems know it by. It stays." problems={problemsOf(made.error, "external_id")}>
            {(common) => <input {...common} required maxLength={200} autoComplete="off" value={externalId} onChange={(event) => setExternalId(event.target.value)} />}
          </Field>
          <Button type="submit" isBusy={made.isPending} refusal={refusal}>
            Create
          </Button>
        </div>
        <p className="muted">You become its owner. Its contents, pipelines, members and costs are its own.</p>
        {made.error ? <ErrorNotice error={made.error} /> : null}
      </form>
    </details>
  );
}

function Sessions() {
  const found = useRead("sessions_list", { query: {} });
  const [endsAll, setEndsAll] = useState(false);
  const revoke = useAct("sessions_revoke", { says: "Session ended.", makesStale: ["sessions_list"] });
  const revokeAll = useAct("sessions_revoke_all", { onDone: () => location.assign(`${BASE}auth/sign-in`) });
  return (
    <Panel
      title="Sessions"
      aside={
        <Button size="small" kind="danger" onClick={() => setEndsAll(true)}>
          Sign out everywhere
        </Button>
      }
    >
      {found.error ? <ErrorNotice error={found.error} /> : !found.data ? <Skeleton rows={2} /> : null}
      {found.data ? (
        <Scroll label="Sessions, as a table">
          <table className="rows settings-rows">
            <thead>
              <tr>
                <th>Browser</th>
                <th>Signed in</th>
                <th>Last used</th>
                <th>
                  <span className="visually-hidden">what can be done</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {found.data.items.map((session) => (
                <tr key={session.id}>
                  <td className="truncate" title={session.user_agent}>
                    {browserOf(session.user_agent)}
                  </td>
                  <td>
                    <Time at={session.created_at} />
                  </td>
                  <td>
                    <Time at={session.seen_at} />
                  </td>
                  <td className="doing">
                    {session.is_current ? (
                      <span className="muted">this session</span>
                    ) : (
                      <Button size="small" isBusy={revoke.isPending} onClick={() => revoke.mutate({ path: { session_id: session.id } })}>
                        End
                      </Button>
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      ) : null}
      {endsAll ? (
        <Confirm title="Sign out everywhere" verb="Sign out everywhere" isBusy={revokeAll.isPending} error={revokeAll.error} onConfirm={() => revokeAll.mutate({})} onClose={() => setEndsAll(false)}>
          All your sessions in this organization end, including this one. Keys stay valid.
        </Confirm>
      ) : null}
    </Panel>
  );
}

/** A word for a browser, of all that it says of itself. */
export function browserOf(agent: string): string {
  const browser = [/Edg\//, /OPR\//, /Firefox\//, /Chrome\//, /Safari\//].findIndex((each) => each.test(agent));
  const name = ["Edge", "Opera", "Firefox", "Chrome", "Safari"][browser];
  const system = ["Windows", "Android", "iPhone", "iPad", "Mac OS", "Linux"].find((each) => agent.includes(each));
  return name === undefined ? agent || "unknown" : system === undefined ? name : `${name} on ${system}`;
}
