// What roles are there, from the most to the least, and what each may do, in a sentence.

import type { Role } from "../../api/schema";

export const ROLES: readonly Role[] = ["owner", "admin", "editor", "viewer"];

export const ROLE_SAYS: Record<Role, string> = {
  owner: "Everything, including export and deletion of the organization.",
  admin: "Everything but export and deletion of the organization.",
  editor: "Adds contents, runs and publishes pipelines, decides reviews.",
  viewer: "Read-only.",
};

/** Nobody gives a role above their own. */
export const rolesUpTo = (own: Role): Role[] => ROLES.slice(ROLES.indexOf(own));
