// Members and invitations: who is in, as what, and who was asked to come.

import { useState } from "react";

import { problemsOf, useAct } from "../../session/act";
import { BASE } from "../../api/call";
import type { Member, Role, SentInvitation } from "../../api/schema";
import { useList } from "../../api/useList";
import { useMay } from "../../session/may";
import { useMe } from "../../session/me";
import { seeAs } from "../../session/seeing";
import { Button } from "../../design/Button";
import { Confirm } from "../../design/Confirm";
import { ErrorNotice, Notice } from "../../design/Notice";
import { Panel } from "../../design/Panel";
import { useNow } from "../../design/now";
import { Time } from "../../design/Time";
import { Field } from "../../forms/Field";
import { Listing } from "./Listing";
import { ROLES, ROLE_SAYS, rolesUpTo } from "./roles";

export function Members() {
  const may = useMay();
  const me = useMe();
  const members = useList("members_list", { limit: 50 });
  const [removed, setRemoved] = useState<Member | null>(null);
  const update = useAct("members_update", { says: "Role changed.", makesStale: ["members_list"] });
  const remove = useAct("members_remove", { says: "Member removed.", makesStale: ["members_list"], onDone: () => setRemoved(null) });
  const own = me.data?.role ?? "viewer";
  const refusal = may("members:write");
  const above = (role: Role) => refusal ?? (rolesUpTo(own).includes(role) ? null : `Only an ${role} can change who is ${role}.`);
  return (
    <>
      <Listing
        title="Members"
        listed={members}
        keyOf={(member) => member.id}
        empty={<p>Invite somebody by their e-mail address.</p>}
        columns={[
          {
            title: "Who",
            cell: (member) => (
              <>
                <strong>{member.display_name ?? member.email}</strong> {member.display_name ? <span className="muted">{member.email}</span> : null}
              </>
            ),
          },
          {
            title: "Role",
            cell: (member) => (
              <select
                aria-label={`Role of ${member.email}`}
                value={member.role}
                aria-disabled={above(member.role) !== null || undefined}
                title={above(member.role) ?? ROLE_SAYS[member.role]}
                onChange={(event) => {
                  if (above(member.role) === null) update.mutate({ path: { user_id: member.id }, body: { role: event.target.value as Role } });
                }}
              >
                {ROLES.map((role) => (
                  <option key={role} disabled={!rolesUpTo(own).includes(role) && role !== member.role}>
                    {role}
                  </option>
                ))}
              </select>
            ),
          },
          { title: "Last seen", cell: (member) => (member.disabled_at ? <span className="muted">locked out</span> : member.seen_at ? <Time at={member.seen_at} /> : <span className="muted">never</span>) },
        ]}
        actions={(member) => (
          <>
            <Button
              size="small"
              kind="quiet"
              refusal={above(member.role) ?? (member.id === me.data?.id ? "You cannot change yourself." : member.disabled_at ? "Whoever is locked out sees nothing." : null)}
              title="View everything as they would"
              onClick={() => void seeAs({ user_id: member.id })}
            >
              View as
            </Button>
            <Button size="small" kind="quiet" refusal={above(member.role)} onClick={() => update.mutate({ path: { user_id: member.id }, body: { is_disabled: member.disabled_at === null } })}>
              {member.disabled_at ? "Unlock" : "Lock out"}
            </Button>
            <Button size="small" kind="danger" refusal={above(member.role)} onClick={() => setRemoved(member)}>
              Remove
            </Button>
          </>
        )}
      />
      {update.error ? <ErrorNotice error={update.error} /> : null}
      <Invite own={own} refusal={refusal} />
      <Invitations refusal={refusal} />
      <Panel title="View as a role">
        <div className="body stack">
          <p className="muted">See every page as somebody with that role would. The view is read-only, and recorded in the audit log.</p>
          <div className="buttons">
            {rolesUpTo(own).slice(1).map((role) => (
              <Button key={role} size="small" refusal={refusal} title={ROLE_SAYS[role]} onClick={() => void seeAs({ role })}>
                {role}
              </Button>
            ))}
          </div>
        </div>
      </Panel>
      {removed ? (
        <Confirm title={`Remove ${removed.email}`} verb="Remove" isBusy={remove.isPending} error={remove.error} onConfirm={() => remove.mutate({ path: { user_id: removed.id } })} onClose={() => setRemoved(null)}>
          Their sessions and keys end at once. Their runs and contents stay.
        </Confirm>
      ) : null}
    </>
  );
}

function Invite({ own, refusal }: { own: Role; refusal: string | null }) {
  const [email, setEmail] = useState("");
  const [role, setRole] = useState<Role>("editor");
  const invite = useAct("invitations_create", { says: (made) => (made.delivery === "sent" ? `Invitation sent to ${made.email}.` : `${made.email} is invited.`), makesStale: ["invitations_list"], onDone: () => setEmail("") });
  return (
    <Panel title="Invite a member">
      <form
        className="body stack"
        onSubmit={(event) => {
          event.preventDefault();
          if (refusal === null) invite.mutate({ body: { email, role } });
        }}
      >
        <div className="row-form">
          <Field label="E-mail" problems={problemsOf(invite.error, "email")}>
            {(common) => <input {...common} type="email" required autoComplete="off" value={email} onChange={(event) => setEmail(event.target.value)} />}
          </Field>
          <Field label="Role" hint={ROLE_SAYS[role]}>
            {(common) => (
              <select {...common} value={role} onChange={(event) => setRole(event.target.value as Role)}>
                {rolesUpTo(own).map((each) => (
                  <option key={each}>{each}</option>
                ))}
              </select>
            )}
          </Field>
          <Button type="submit" kind="primary" isBusy={invite.isPending} refusal={refusal}>
            Invite
          </Button>
        </div>
        {invite.error ? <ErrorNotice error={invite.error} /> : null}
        {invite.data ? <Unsent made={invite.data} /> : null}
      </form>
    </Panel>
  );
}

/** What to do with an invitation that nothing has mailed. */
function Unsent({ made }: { made: SentInvitation }) {
  if (made.delivery === "sent") return null;
  if (made.delivery === "nowhere") return <Notice tone="failed" title={`This service sends no mails, so ${made.email} does not hear of it.`} hint="Whoever operates it sets TEGU_SMTP_URL. Then invite them again." />;
  return (
    <Notice title={`This service sends no mails. The one to ${made.email}, with the link that lets them in, is kept on its own machine.`} hint="To have mails sent, set TEGU_SMTP_URL.">
      <a href={`${BASE}auth/mailbox`}>Open the mailbox</a>
    </Notice>
  );
}

function Invitations({ refusal }: { refusal: string | null }) {
  const now = useNow();
  const invitations = useList("invitations_list", { limit: 20 });
  const revoke = useAct("invitations_revoke", { says: "Invitation withdrawn.", makesStale: ["invitations_list"] });
  return (
    <Listing
      title="Invitations"
      listed={invitations}
      keyOf={(each) => each.id}
      empty={<p>Nobody is invited at the moment.</p>}
      columns={[
        { title: "Who", cell: (each) => each.email },
        { title: "Role", cell: (each) => each.role },
        { title: "Invited", cell: (each) => <Time at={each.created_at} /> },
        { title: "Status", cell: (each) => (each.accepted_at ? "accepted" : each.revoked_at ? "withdrawn" : Date.parse(each.expires_at) < now ? "expired" : "waiting") },
      ]}
      actions={(each) => (
        <Button size="small" kind="quiet" refusal={refusal ?? (each.accepted_at ? "It was accepted: remove the member instead." : each.revoked_at ? "It is already withdrawn." : null)} onClick={() => revoke.mutate({ path: { invitation_id: each.id } })}>
          Withdraw
        </Button>
      )}
    />
  );
}
