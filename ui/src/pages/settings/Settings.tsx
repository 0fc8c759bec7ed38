// What is set once and looked at seldom: who may come in, with what, which models are asked, where data goes, who did what.

import { Link, useParams } from "@tanstack/react-router";
import type { ComponentType } from "react";

import "../../forms/forms.css";
import { Empty } from "../../design/Notice";
import { Audit } from "./Audit";
import { Budgets } from "./Budgets";
import { Keys } from "./Keys";
import { Members } from "./Members";
import { Models } from "./Models";
import { Privacy } from "./Privacy";
import { Profile } from "./Profile";
import "./settings.css";
import { Webhooks } from "./Webhooks";

const SECTIONS: Record<string, { label: string; about: string; page: ComponentType }> = {
  profile: { label: "You", about: "Your name, your organizations, and where you are signed in.", page: Profile },
  members: { label: "Members", about: "Who belongs to the organization, and who is invited.", page: Members },
  keys: { label: "API keys", about: "What programs come in with: yours, and those of service accounts.", page: Keys },
  models: { label: "Models", about: "Which model is asked where a stage names none, with whose key, and whether it answers.", page: Models },
  webhooks: { label: "Webhooks", about: "Addresses that are told of events, and how that went.", page: Webhooks },
  budgets: { label: "Budgets", about: "The most that calls may cost. Where there is no room, runs wait for a person.", page: Budgets },
  privacy: { label: "Privacy", about: "Where data may go, how much of it is kept, and how long.", page: Privacy },
  audit: { label: "Audit", about: "Who did what, when. Nobody can change it.", page: Audit },
};

export function Settings() {
  const { section: name } = useParams({ from: "/settings/$section" });
  const section = SECTIONS[name];
  return (
    <main id="main" className="page">
      <div className="columns sided">
        <nav className="panel side" aria-label="Settings">
          {Object.entries(SECTIONS).map(([each, { label }]) => (
            <Link key={each} to="/settings/$section" params={{ section: each }} activeProps={{ "aria-current": "page" }}>
              {label}
            </Link>
          ))}
        </nav>
        {section ? (
          <div className="stack">
            <div>
              <h1>{section.label}</h1>
              <p className="muted">{section.about}</p>
            </div>
            <section.page key={name} />
          </div>
        ) : (
          <Empty title={`There are no settings called ${name}.`}>
            <Link to="/settings/$section" params={{ section: "profile" }}>
              Go to your own
            </Link>
          </Empty>
        )}
      </div>
    </main>
  );
}
