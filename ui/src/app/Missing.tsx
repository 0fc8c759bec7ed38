import { Link } from "@tanstack/react-router";

import { Empty } from "../design/Notice";

export function Missing() {
  return (
    <main id="main" className="page">
      <Empty title="Page not found">
        <Link to="/inbox">Go to the inbox</Link>
      </Empty>
    </main>
  );
}
