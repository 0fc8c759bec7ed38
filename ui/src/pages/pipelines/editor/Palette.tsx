// The kinds of stages that there are, to choose one from: what each is for, found by a word of it.

import { useEffect, useRef, useState } from "react";

import type { StageKindInfo } from "../../../api/schema";
import { Dialog } from "../../../design/Dialog";
import { Skeleton } from "../../../design/Notice";
import { KindIcon, type Group } from "./KindIcon";

const GROUPS: [Group, string][] = [
  ["model", "Ask a model"],
  ["data", "Split, gather and compare"],
  ["code", "Your own code"],
  ["people", "People and time"],
  ["effect", "External systems"],
  ["nested", "Other pipelines"],
];

interface Offer {
  title: string;
  summary: string;
  kind: StageKindInfo;
}

export function Palette({ kinds, after, onChoose, onClose }: { kinds: StageKindInfo[]; after: string | null; onChoose: (kind: StageKindInfo) => void; onClose: () => void }) {
  const [sought, setSought] = useState("");
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    // After the dialog has opened, which gives the focus to its title.
    const frame = requestAnimationFrame(() => input.current?.focus());
    return () => cancelAnimationFrame(frame);
  }, []);
  const found = kinds.flatMap(offersOf).filter((offer) => `${offer.title} ${offer.summary}`.toLowerCase().includes(sought.toLowerCase()));
  return (
    <Dialog title={after ? `Add a stage after ${after}` : "Add a stage"} isOpen onClose={onClose}>
      <input
        ref={input}
        type="search"
        aria-label="Search stage kinds"
        placeholder="Search stage kinds"
        value={sought}
        onChange={(event) => setSought(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter" && found[0]) onChoose(found[0].kind);
        }}
      />
      {kinds.length === 0 ? <Skeleton rows={5} /> : found.length === 0 ? <p className="muted">No stage kind matches.</p> : null}
      {GROUPS.map(([group, title]) => {
        const offers = found.filter((offer) => offer.kind.group === group);
        return offers.length === 0 ? null : (
          <section key={group} className="offers">
            <h2>{title}</h2>
            <ul>
              {offers.map((offer) => (
                <li key={offer.title}>
                  <button type="button" onClick={() => onChoose(offer.kind)}>
                    <KindIcon group={group} />
                    <strong>{offer.title}</strong>
                    <span className="muted">{offer.summary}</span>
                  </button>
                </li>
              ))}
            </ul>
          </section>
        );
      })}
    </Dialog>
  );
}

/** A Python stage is an offer of its own. */
function offersOf(kind: StageKindInfo): Offer[] {
  if (kind.name !== "python") return [{ title: kind.name, summary: kind.summary, kind }];
  return kind.functions.map((each) => ({
    title: each.name,
    summary: [each.description?.split("\n")[0], each.inputs.length ? `takes ${each.inputs.join(", ")}` : ""].filter(Boolean).join(" · "),
    kind: { ...kind, functions: [each] },
  }));
}
