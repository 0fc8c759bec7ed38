// One of several views of the same: arrow keys move between them, as the pattern for tabs says.

import { useId, useRef, type KeyboardEvent, type ReactNode } from "react";

export interface Tab<Name extends string> {
  name: Name;
  label: ReactNode;
}

export function Tabs<Name extends string>({ tabs, chosen, onChoose, label, aside, children }: { tabs: Tab<Name>[]; chosen: Name; onChoose: (name: Name) => void; label: string; aside?: ReactNode; children: ReactNode }) {
  const id = useId();
  const list = useRef<HTMLDivElement>(null);
  const move = (event: KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowLeft: -1, Home: -tabs.length, End: tabs.length }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const at = tabs.findIndex((tab) => tab.name === chosen);
    const to = Math.abs(step) === 1 ? (at + step + tabs.length) % tabs.length : step < 0 ? 0 : tabs.length - 1;
    const next = tabs[to];
    if (next === undefined) return;
    onChoose(next.name);
    (list.current?.children[to] as HTMLElement | undefined)?.focus();
  };
  return (
    <>
      <header>
        <div className="tabs" role="tablist" aria-label={label} ref={list} onKeyDown={move}>
          {tabs.map((tab) => (
            <button
              key={tab.name}
              type="button"
              role="tab"
              id={`${id}-${tab.name}`}
              aria-selected={tab.name === chosen}
              aria-controls={`${id}-panel`}
              tabIndex={tab.name === chosen ? 0 : -1}
              onClick={() => onChoose(tab.name)}
            >
              {tab.label}
            </button>
          ))}
        </div>
        {aside}
      </header>
      <div role="tabpanel" id={`${id}-panel`} aria-labelledby={`${id}-${chosen}`} tabIndex={0}>
        {children}
      </div>
    </>
  );
}
