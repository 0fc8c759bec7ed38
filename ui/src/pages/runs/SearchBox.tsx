// The search over runs, which says while one writes what can be written there. Arrow keys choose, Enter or Tab takes.

import { useEffect, useEffectEvent, useId, useState, type KeyboardEvent } from "react";

import { Button } from "../../design/Button";
import { suggestions, type Known } from "./search";

interface Props {
  text: string;
  known: Known;
  problems: string[];
  input: React.RefObject<HTMLInputElement | null>;
  onSearch: (text: string) => void;
}

const SETTLE_MS = 400;

export function SearchBox({ text, known, problems, input, onSearch }: Props) {
  const [written, setWritten] = useState(text);
  const [before, setBefore] = useState(text);
  const [caret, setCaret] = useState(text.length);
  const [isOpen, setIsOpen] = useState(false);
  const [at, setAt] = useState(-1);
  const id = useId();
  const [asked, setAsked] = useState(text);
  const [due, setDue] = useState<{ value: string; delay_ms: number } | null>(null);
  if (text !== before) {
    setBefore(text);
    if (text !== asked) {
      // Somebody chose a status, or went back: the address is what holds, and not what was to be searched for next.
      setAsked(text);
      setWritten(text);
      setDue(null);
    }
  }
  const ask = useEffectEvent((value: string) => {
    setAsked(value);
    setDue(null);
    onSearch(value);
  });
  useEffect(() => {
    if (due === null) return undefined;
    const timer = setTimeout(() => ask(due.value), due.delay_ms);
    return () => clearTimeout(timer);
  }, [due]);
  const search = (value: string, delay_ms: number) => setDue({ value: value.trim(), delay_ms });
  const offered = isOpen ? suggestions(written, caret, known) : [];
  const write = (value: string, place: number) => {
    setWritten(value);
    setCaret(place);
    setAt(-1);
    setIsOpen(true);
    search(value, SETTLE_MS);
  };
  const take = (index: number) => {
    const chosen = offered[index];
    if (chosen === undefined) return;
    write(chosen.text, chosen.caret);
    requestAnimationFrame(() => input.current?.setSelectionRange(chosen.caret, chosen.caret));
  };
  const press = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined && offered.length > 0) {
      event.preventDefault();
      setAt((now) => Math.max(-1, Math.min(offered.length - 1, now + step)));
    } else if ((event.key === "Enter" || event.key === "Tab") && at >= 0) {
      event.preventDefault();
      take(at);
    } else if (event.key === "Enter") {
      setIsOpen(false);
      search(written, 0);
    } else if (event.key === "Escape") {
      if (isOpen) setIsOpen(false);
      else input.current?.blur();
    }
  };
  return (
    <div className="search">
      <div className="search-box">
        <input
          ref={input}
          type="search"
          role="combobox"
          aria-label="Search runs"
          aria-expanded={offered.length > 0}
          aria-controls={`${id}-list`}
          aria-autocomplete="list"
          aria-activedescendant={at >= 0 ? `${id}-${at}` : undefined}
          aria-invalid={problems.length > 0 || undefined}
          aria-describedby={problems.length > 0 ? `${id}-problems` : undefined}
          autoComplete="off"
          spellCheck={false}
          placeholder="status:failed pipeline:… cost:>0.1 since:2d, or words of a name"
          value={written}
          onChange={(event) => write(event.target.value, event.target.selectionStart ?? event.target.value.length)}
          onSelect={(event) => setCaret(event.currentTarget.selectionStart ?? 0)}
          onFocus={() => setIsOpen(true)}
          onBlur={() => setIsOpen(false)}
          onKeyDown={press}
        />
        <kbd aria-hidden="true">/</kbd>
        {written ? (
          <Button size="small" kind="quiet" onClick={() => {
            setWritten("");
            search("", 0);
          }}>
            Clear
          </Button>
        ) : null}
      </div>
      <ul className="suggestions" role="listbox" id={`${id}-list`} aria-label="Search filters" hidden={offered.length === 0}>
        {offered.map((each, index) => (
          <li
            key={each.label}
            id={`${id}-${index}`}
            role="option"
            aria-selected={index === at}
            onMouseDown={(event) => {
              event.preventDefault(); // the search keeps the focus
              take(index);
            }}
          >
            <code>{each.label}</code> <span className="muted">{each.says}</span>
          </li>
        ))}
      </ul>
      {problems.length > 0 ? (
        <ul id={`${id}-problems`} className="problem" role="status">
          {problems.map((problem) => (
            <li key={problem}>{problem}</li>
          ))}
        </ul>
      ) : null}
    </div>
  );
}
