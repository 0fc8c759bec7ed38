// The host's page, as the embedded one hears it: only from its parent, and only from an origin that the service allows.

import { bear } from "../api/call";
import { isToFrame, type Theme, type ToHost } from "./messages";

const allowed = (document.querySelector<HTMLMetaElement>('meta[name="tegu-embed-origins"]')?.content ?? "").split(" ").filter(Boolean);
let origin: string | null = null;

/** Tell the host. Before it was heard from, only that this is there; and never anything that is not shown. */
export function tellHost(message: ToHost): void {
  if (origin === null && message.tegu !== "ready") return;
  window.parent.postMessage(message, origin ?? "*");
}

/** Hear tokens as they come, from the first on, and when one lets nobody in any more. */
export function hearHost(onToken: () => void, onEnd: () => void): () => void {
  const hear = (event: MessageEvent) => {
    if (event.source !== window.parent || !allowed.includes(event.origin) || !isToFrame(event.data)) return;
    origin = event.origin;
    dress(event.data.theme);
    bear(event.data.token, onEnd);
    onToken();
  };
  window.addEventListener("message", hear);
  return () => window.removeEventListener("message", hear);
}

function dress(theme: Theme): void {
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
}

/** Let the frame be as high as what it shows. */
export function fit(root: HTMLElement): () => void {
  const observer = new ResizeObserver(() => tellHost({ tegu: "size", height: root.scrollHeight }));
  observer.observe(root);
  return () => observer.disconnect();
}
