// Everything that the service has and can do, from its own description: whatever an action is added for is here at once.

import { Link, useParams } from "@tanstack/react-router";
import { useEffect, useMemo, useRef } from "react";

import { Empty, ErrorNotice, Skeleton } from "../../design/Notice";
import "../../forms/forms.css";
import "./admin.css";
import { useApi } from "./api";
import { grouped } from "./groups";
import { Resource } from "./Resource";
import { RowPage } from "./RowPage";

export function Admin() {
  const api = useApi();
  const { noun: name, id } = useParams({ strict: false });
  const side = useRef<HTMLElement>(null);
  const groups = useMemo(() => (api.data ? grouped(api.data.nouns) : null), [api.data]);
  useEffect(() => {
    // In braces: newer browsers answer with a promise, which React would take for what cleans up.
    side.current?.querySelector('[aria-current="page"]')?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [groups, name]);
  if (api.error) {
    return (
      <main id="main" className="page">
        <ErrorNotice error={api.error} />
      </main>
    );
  }
  const noun = api.data?.nouns.find((each) => each.name === name);
  return (
    <main id="main" className="page">
      <div className="columns sided">
        <nav ref={side} className="panel side" aria-label="Resources">
          {groups?.map((group) => (
            <section key={group.title} aria-label={group.title}>
              <h2>{group.title}</h2>
              {group.nouns.map((each) => (
                <Link key={each.name} to="/admin/$noun" params={{ noun: each.name }} activeProps={{ "aria-current": "page" }}>
                  {each.name.replaceAll("_", " ")}
                  {each.list === null ? <span className="muted"> actions</span> : null}
                </Link>
              ))}
            </section>
          )) ?? <Skeleton rows={1} />}
        </nav>
        {!api.data ? (
          <Skeleton rows={10} />
        ) : noun === undefined ? (
          <Empty title={`No resource is called ${name ?? ""}.`}>
            <p>Choose one of the resources listed here.</p>
          </Empty>
        ) : id === undefined ? (
          <Resource key={noun.name} api={api.data} noun={noun} />
        ) : (
          <RowPage key={`${noun.name} ${id}`} api={api.data} noun={noun} id={id} />
        )}
      </div>
    </main>
  );
}
