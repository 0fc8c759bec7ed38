// Whose session it is: the pages of signing in, asked as programs ask them.

import { BASE, reach } from "../api/call";
import { sayError } from "../design/toasts";

const JSON_HEADERS = { "content-type": "application/json", accept: "application/json" };

async function post(path: string, body: Record<string, string>, then: string): Promise<void> {
  try {
    await reach(`${BASE}auth/${path}`, { method: "POST", headers: JSON_HEADERS, body: JSON.stringify(body) });
    location.assign(`${BASE}${then}`);
  } catch (error) {
    sayError(error);
  }
}

/** Go on in another organization; the page begins anew there. */
export const switchTo = (organizationId: string): Promise<void> => post("switch", { organization_id: organizationId }, "");
export const signOut = (): Promise<void> => post("sign-out", {}, "auth/sign-in");
