// `<tegu-run>` and `<tegu-review>` for pages of host applications: a frame of Tegu's, to which the token is handed. This file is built
// into one module of its own, which such a page loads; it imports nothing, so that it stays small.
//
//   <script type="module" src="https://tegu.example.com/embed/v1/tegu.js"></script>
//   <tegu-run run="ID" token="tegu_embed_..." theme="light"></tegu-run>
//
// Events, which bubble: `tegu-ended`, `tegu-decided`, `tegu-expired` (set another `token`), `tegu-refused` (nothing came).

const BASE = new URL("../../", import.meta.url);
const PATIENCE_MS = 20_000;
const HEIGHT_MIN = 120;
const STYLE = `
:host { display: block; }
iframe { display: block; width: 100%; border: 0; color-scheme: normal; }
p { margin: 0; padding: 12px; font: 14px/1.5 system-ui, sans-serif; border: 1px solid currentcolor; border-radius: 6px; }
[hidden] { display: none; }
`;

abstract class Embedded extends HTMLElement {
  static readonly observedAttributes = ["run", "review", "token", "theme"];
  /** The attribute that says which one, and its page. */
  protected abstract readonly names: { attribute: "run" | "review"; page: "runs" | "reviews"; title: string };
  private frame: HTMLIFrameElement | null = null;
  private note: HTMLParagraphElement | null = null;
  private isReady = false;
  private timer: ReturnType<typeof setTimeout> | undefined;

  connectedCallback(): void {
    window.addEventListener("message", this.heard);
    this.show();
  }

  disconnectedCallback(): void {
    window.removeEventListener("message", this.heard);
    clearTimeout(this.timer);
    this.frame = null;
    this.isReady = false;
    this.shadowRoot?.replaceChildren();
  }

  attributeChangedCallback(name: string, before: string | null, after: string | null): void {
    if (!this.isConnected || before === after) return;
    if (name === this.names.attribute) this.show();
    else this.tell();
  }

  private show(): void {
    const id = this.getAttribute(this.names.attribute);
    const root = this.shadowRoot ?? this.attachShadow({ mode: "open" });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
    root.adoptedStyleSheets = [sheet];
    this.isReady = false;
    clearTimeout(this.timer);
    this.note = document.createElement("p");
    this.note.setAttribute("role", "status");
    this.note.hidden = true;
    if (!id) {
      this.say(`<${this.localName}> needs the attribute "${this.names.attribute}".`);
      root.replaceChildren(this.note);
      return;
    }
    this.frame = document.createElement("iframe");
    this.frame.title = this.names.title;
    this.frame.referrerPolicy = "origin";
    this.frame.height = String(HEIGHT_MIN);
    this.frame.src = new URL(`embed/${this.names.page}/${encodeURIComponent(id)}`, BASE).href;
    root.replaceChildren(this.note, this.frame);
    this.timer = setTimeout(() => this.refuse(), PATIENCE_MS);
  }

  private refuse(): void {
    this.say(`${BASE.origin} cannot be shown here: it is not responding, or ${location.origin} is not among its TEGU_EMBED_ORIGINS.`);
    this.dispatch("refused");
  }

  private say(text: string): void {
    if (this.note === null) return;
    this.note.textContent = text;
    this.note.hidden = text === "";
  }

  private tell(): void {
    const token = this.getAttribute("token");
    if (!this.isReady || !token) return;
    this.frame?.contentWindow?.postMessage({ tegu: "show", token, theme: this.getAttribute("theme") ?? "system" }, BASE.origin);
  }

  private dispatch(name: string, detail?: unknown): void {
    this.dispatchEvent(new CustomEvent(`tegu-${name}`, { bubbles: true, composed: true, detail }));
  }

  private readonly heard = (event: MessageEvent): void => {
    if (event.origin !== BASE.origin || event.source === null || event.source !== this.frame?.contentWindow) return;
    const said = event.data as { tegu?: unknown; height?: unknown; detail?: unknown } | null;
    switch (said?.tegu) {
      case "ready":
        clearTimeout(this.timer);
        this.isReady = true;
        this.say(this.getAttribute("token") ? "" : `<${this.localName}> needs the attribute "token".`);
        return this.tell();
      case "size":
        if (typeof said.height === "number") this.frame.height = String(Math.max(HEIGHT_MIN, Math.ceil(said.height)));
        return;
      case "expired":
        return this.dispatch("expired");
      case "ended":
        return this.dispatch("ended", said.detail);
      case "decided":
        return this.dispatch("decided", said.detail);
      default:
        return;
    }
  };
}

class TeguRun extends Embedded {
  protected readonly names = { attribute: "run", page: "runs", title: "Run" } as const;
}

class TeguReview extends Embedded {
  protected readonly names = { attribute: "review", page: "reviews", title: "Review" } as const;
}

if (!customElements.get("tegu-run")) customElements.define("tegu-run", TeguRun);
if (!customElements.get("tegu-review")) customElements.define("tegu-review", TeguReview);
