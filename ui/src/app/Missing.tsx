import { Link } from "@tanstack/react-router";

import { Empty } from "../design/Notice";

export function Missing() {
  return (
    <main id="main" className="page">
      <Empty title="There is no such page.">
        <Link to="/inbox">Go to the inbox</Link>
      </Empty>
    </main>
  );
}
