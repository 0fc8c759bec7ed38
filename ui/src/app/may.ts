// Whether whoever looks may do something, and if not, why: the service decides, and this says it before one asks.

import { useRead } from "../api/query";
import type { Permission } from "../api/schema";

/** Why an action with this permission cannot be done; null: it can. */
export function useMay(): (permission: Permission | null) => string | null {
  const me = useRead("me_get", {}, { staleTime: 60_000 });
  return (permission) => {
    if (!me.data || permission === null) return null;
    if (me.data.seen_as !== null && !permission.endsWith(":read")) return `You are viewing as ${me.data.seen_as}, which is read-only. Exit that view to make changes.`;
    if (me.data.permissions.includes(permission)) return null;
    if (permission === "operate") return "Only operators of this installation can do this.";
    return `Requires the permission ${permission}, which the role ${me.data.role} does not have. Ask an owner or admin.`;
  };
}

/** Whether what needs this permission can be read: not before it is known who looks, so that nobody asks what is refused. */
export function useMayRead(permission: Permission | null): { isAllowed: boolean; refusal: string | null } {
  const me = useRead("me_get", {}, { staleTime: 60_000 });
  const refusal = useMay()(permission);
  return { isAllowed: me.data !== undefined && refusal === null, refusal };
}
