import { defineConfig } from "vitest/config";
import { SkipReporter } from "./test/support/skips/skip-reporter.ts";

const skips = new SkipReporter();

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // Models are loaded in child processes on few cores: generous limits keep a busy machine from failing a right answer.
    testTimeout: 60_000,
    hookTimeout: 120_000,
    pool: "forks",
    reporters: process.env["CI"]
      ? ["default", ["json", { outputFile: "coverage/test-results.json" }], skips]
      : ["default", skips],
    benchmark: { include: ["test/**/*.bench.ts"] },
  },
});
