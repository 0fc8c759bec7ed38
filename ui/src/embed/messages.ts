// What a page of a host application and what it embeds say to each other, by postMessage. Both check whom they listen to; the token
// goes one way, to Tegu's own origin.

export type Theme = "light" | "dark" | "system";

/** From the element in the host's page. */
export interface ToFrame {
  tegu: "show";
  token: string;
  theme: Theme;
}

/** From the frame: nothing that is not shown in it anyway. */
export type ToHost =
  | { tegu: "ready" }
  | { tegu: "size"; height: number }
  | { tegu: "expired" }
  | { tegu: "ended"; detail: { run_id: string; status: string } }
  | { tegu: "decided"; detail: { review_id: string; status: string } };

export function isToFrame(data: unknown): data is ToFrame {
  const said = data as Partial<ToFrame> | null;
  return typeof said === "object" && said !== null && said.tegu === "show" && typeof said.token === "string";
}
