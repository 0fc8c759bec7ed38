// Whether whoever looks may do something, and if not, why: the service decides, and this says it before one asks.

import type { Identity, Permission } from "../api/schema";
import { useMe } from "./me";

/** Why an action with this permission cannot be done; null: it can. */
export function useMay(): (permission: Permission | null) => string | null {
  const me = useMe();
  return (permission) => (me.data && permission !== null ? refusalOf(me.data, permission) : null);
}

const AREAS: Record<string, string> = { calls: "calls to models", keys: "API keys", embeds: "embedded pages", settings: "settings", audit: "the audit log", organization: "the organization", members: "members" };
const DOES: Partial<Record<Permission, string>> = {
  "contents:write": "add contents",
  "runs:write": "start or change runs",
  "pipelines:write": "publish or change pipelines",
  "reviews:write": "decide reviews",
  "organization:export": "export the organization",
};
const VERBS: Record<string, string> = { read: "see", write: "change", delete: "delete" };

/** What somebody with a permission does, in words: `contents:delete` deletes contents. */
export function doneWith(permission: Permission): string {
  const [area = "", verb = ""] = permission.split(":");
  return DOES[permission] ?? `${VERBS[verb] ?? verb} ${AREAS[area] ?? area}`;
}

export function refusalOf(me: Pick<Identity, "permissions" | "role" | "seen_as">, permission: Permission): string | null {
  if (me.seen_as !== null && !permission.endsWith(":read")) return `You are viewing as ${me.seen_as}, which is read-only. Exit that view to make changes.`;
  if (me.permissions.includes(permission)) return null;
  if (permission === "operate") return "Only operators of this installation can do this.";
  return `Your role (${me.role}) cannot ${doneWith(permission)}. Ask an owner or admin of the organization.`;
}

/** Whether what needs this permission can be read: not before it is known who looks, so that nobody asks what is refused. */
export function useMayRead(permission: Permission | null): { isAllowed: boolean; refusal: string | null } {
  const me = useMe();
  const refusal = useMay()(permission);
  return { isAllowed: me.data !== undefined && refusal === null, refusal };
}
