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
  profile: { label: "Profile", about: "Your name, organizations and sessions.", page: Profile },
  members: { label: "Members", about: "People in this organization, and invitations.", page: Members },
  keys: { label: "API keys", about: "Access for programs: your keys, and those of service accounts.", page: Keys },
  models: { label: "Models", about: "The default model, provider keys, and a test whether a model works.", page: Models },
  webhooks: { label: "Webhooks", about: "Addresses that are notified of events, and the deliveries.", page: Webhooks },
  budgets: { label: "Budgets", about: "Limits on spending. Runs that would exceed one wait for a person.", page: Budgets },
  privacy: { label: "Privacy", about: "Where data may go, what is stored, and for how long.", page: Privacy },
  audit: { label: "Audit", about: "Who did what, and when. It cannot be changed.", page: Audit },
};

export function Settings() {
  const { section: name } = useParams({ from: "/settings/$section" });
  const section = Object.hasOwn(SECTIONS, name) ? SECTIONS[name] : undefined;
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
          <Empty title={`No settings are called ${name}`}>
            <Link to="/settings/$section" params={{ section: "profile" }}>
              Go to your profile
            </Link>
          </Empty>
        )}
      </div>
    </main>
  );
}
