// Looking through other eyes: begun and ended for the whole session, so that the page is read anew by it.

import { BASE, call } from "../api/call";
import type { SeeAs } from "../api/schema";
import { sayError } from "../design/toasts";

export async function seeAs(eyes: SeeAs): Promise<void> {
  try {
    await call("me_see_as", { body: eyes });
    location.assign(`${BASE}inbox`);
  } catch (error) {
    sayError(error);
  }
}

export async function leaveView(): Promise<void> {
  try {
    await call("me_leave_view", {});
    location.assign(`${BASE}settings/members`);
  } catch (error) {
    sayError(error);
  }
}
