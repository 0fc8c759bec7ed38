// What is around every page: where one can go, who one is, whether the page is live, and the sheet of keys.

import { Link, Outlet, useNavigate } from "@tanstack/react-router";
import { lazy, Suspense, useEffect, useState } from "react";

import { BASE } from "../api/call";
import { Refusal } from "../api/refusal";
import { useRead } from "../api/query";
import { Button } from "../design/Button";
import { Dialog } from "../design/Dialog";
import { Arriving, ErrorNotice } from "../design/Notice";
import { Room } from "../design/Room";
import { DEMO_MODEL } from "../guide/steps";
import { useFeedState } from "../live/useFeed";
import { useMe } from "../session/me";
import { leaveView } from "../session/seeing";
import { useListedShortcuts, useShortcuts } from "../design/shortcuts";
import { turnTheme, useTheme } from "./theme";

const PAGES = [
  { to: "/inbox", label: "Inbox", key: "i" },
  { to: "/runs", label: "Runs", key: "r" },
  { to: "/review", label: "Review", key: "v" },
  { to: "/pipelines", label: "Pipelines", key: "p" },
  { to: "/costs", label: "Costs", key: "c" },
  { to: "/status", label: "Status", key: "s" },
  { to: "/admin", label: "Admin", key: "a" },
  { to: "/settings", label: "Settings", key: "," },
] as const;

const Guide = lazy(() => import("../guide/Guide").then(({ Guide: found }) => ({ default: found })));

export function Shell() {
  const [showsKeys, setShowsKeys] = useState(false);
  const navigate = useNavigate();
  const me = useMe();
  const settings = useRead("settings_get", {}, { staleTime: Infinity });
  useShortcuts([
    ...PAGES.map((page) => ({ keys: `g ${page.key}`, says: `Go to ${page.label}`, run: () => void navigate({ to: page.to }) })),
    { keys: "t", says: "Switch theme: light, dark, system", run: turnTheme },
    { keys: "?", says: "Show keyboard shortcuts", run: () => setShowsKeys(true) },
  ]);
  const isSignedOut = me.error instanceof Refusal && me.error.status === 401;
  useEffect(() => {
    if (isSignedOut) location.assign(`${BASE}auth/sign-in?next=${encodeURIComponent(location.pathname.slice(BASE.length) + location.search)}`);
  }, [isSignedOut]);
  if (isSignedOut) return null;
  return (
    <div className="shell">
      <a className="button skip" href="#main">
        Skip to content
      </a>
      <header className="bar">
        <Link to="/inbox" className="home">
          <svg width="16" height="16" viewBox="0 0 16 16" aria-hidden="true">
            <path d="M8 0l8 8-8 8-8-8Z" fill="var(--accent)" />
          </svg>
          Tegu
        </Link>
        <nav aria-label="Pages">
          {PAGES.map((page) => (
            <Link key={page.to} to={page.to} activeProps={{ "aria-current": "page" }}>
              {page.label}
            </Link>
          ))}
        </nav>
        <div className="who">
          {/* What comes late stands first: it grows to the left, where nothing is. */}
          <Link to="/settings/$section" params={{ section: "profile" }} className="label truncate" title="Your profile, organizations and sessions">
            {me.data ? `${me.data.organization_name} · ${me.data.display_name ?? me.data.label}` : ""}
          </Link>
          <LiveMark />
          <ThemeButton />
          <Button kind="quiet" size="small" aria-label="Keyboard shortcuts" onClick={() => setShowsKeys(true)}>
            ?
          </Button>
        </div>
      </header>
      {me.isPending || settings.isPending ? <Arriving /> : null}
      {settings.data?.model === DEMO_MODEL ? (
        <Suspense fallback={<Arriving />}>
          <Guide />
        </Suspense>
      ) : null}
      {me.data?.seen_as ? (
        <div className="seen-as" role="status">
          <span>
            Viewing as <strong>{me.data.seen_as}</strong>. This view is read-only.
          </span>
          <Button size="small" onClick={() => void leaveView()}>
            Exit view
          </Button>
        </div>
      ) : null}
      {me.error ? (
        <main id="main" className="page">
          <ErrorNotice error={me.error} />
        </main>
      ) : (
        <Outlet />
      )}
      <Keys isOpen={showsKeys} onClose={() => setShowsKeys(false)} />
    </div>
  );
}

const SAYS = {
  live: ["live", "Updates appear as they happen."],
  connecting: ["connecting", "Connecting to live updates."],
  waiting: ["reconnecting", "The connection dropped. Reconnecting: no update is missed."],
} as const;
const WORDS = Object.values(SAYS).map(([word]) => word);

function LiveMark() {
  const state = useFeedState();
  const [word, explained] = state === "off" ? [null, undefined] : SAYS[state];
  return (
    <span className="feed" data-state={state} title={explained} role="status">
      <Room of={WORDS}>{word}</Room>
    </span>
  );
}

function ThemeButton() {
  const theme = useTheme();
  return (
    <Button kind="quiet" size="small" onClick={turnTheme} aria-label={`Theme: ${theme}`} title={`Theme: ${theme}`}>
      {{ system: "◐", light: "○", dark: "●" }[theme]}
    </Button>
  );
}

function Keys({ isOpen, onClose }: { isOpen: boolean; onClose: () => void }) {
  const shortcuts = useListedShortcuts();
  return (
    <Dialog title="Keyboard shortcuts" isOpen={isOpen} onClose={onClose}>
      <dl className="keys">
        {shortcuts.map((each) => (
          <div key={each.keys + each.says} className="contents">
            <dt>
              {each.keys.split(" ").map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{each.says}</dd>
          </div>
        ))}
      </dl>
      <div className="actions">
        <Button onClick={onClose}>Close</Button>
      </div>
    </Dialog>
  );
}
