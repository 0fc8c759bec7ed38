import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// Relative addresses, so that one build serves at / and below any prefix of a host application.
export default defineConfig({
  base: "./",
  plugins: [react()],
  build: {
    outDir: "../src/tegu/interfaces/web/dist",
    emptyOutDir: true,
    target: "es2022",
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    rolldownOptions: {
      input: { index: "index.html", embed: "embed.html", elements: "src/embed/element.ts" },
      // What pages of host applications load has an address that stays.
      output: { entryFileNames: ({ name }) => (name === "elements" ? "embed/v1/tegu.js" : "assets/[name]-[hash].js") },
    },
  },
  server: { fs: { allow: [".."] }, proxy: { "/api": "http://127.0.0.1:8000", "/auth": "http://127.0.0.1:8000" } },
  test: { environment: "jsdom", include: ["src/**/*.test.{ts,tsx}"] },
});
