// The schema of the whole configuration file. Types, validation, flags, variables and the JSON schema for editors all come from it.
import { z } from "zod";
import { modelSchemas } from "./models.ts";
import {
  defaultsSection,
  hubSection,
  loggingSection,
  memorySection,
  runnersSection,
  serverSection,
} from "./sections.ts";
import { text } from "./values.ts";

/** The sections whose every key is a flag and a variable too. */
export const sections = {
  server: serverSection,
  logging: loggingSection,
  memory: memorySection,
  runners: runnersSection,
  hub: hubSection,
  defaults: defaultsSection,
} as const;

const modelEntry = z.union([modelSchemas.text, modelSchemas.embedding, modelSchemas.image, modelSchemas.upstream]);

export const configurationSchema = z.strictObject({
  server: serverSection.prefault({}).describe("The HTTP server."),
  logging: loggingSection.prefault({}).describe("What is written to the terminal or the log."),
  memory: memorySection.prefault({}).describe("How much memory the models may hold."),
  runners: runnersSection.prefault({}).describe("The child processes, one per loaded model."),
  hub: hubSection.prefault({}).describe("Models that are pulled, and models that are found on this machine."),
  models: z
    .record(z.string(), modelEntry, { error: "must map model names to { path, ... }" })
    .default({})
    .describe("The models by the name that callers use; a name may contain slashes."),
  aliases: z
    .record(z.string(), text(), { error: "must map aliases to model names" })
    .default({})
    .describe("Further names for models. An alias names a model, never another alias."),
  defaults: defaultsSection
    .prefault({})
    .describe("Models for requests that name none, and for the examples that are printed at start."),
});

/**
 * The same schema with models unchecked: which of the model schemas holds is known only after the kind has been found from
 * the path, and an error of a union of four objects would tell an operator nothing.
 */
export const outlineSchema = configurationSchema.extend({
  models: z
    .record(z.string(), z.looseObject({}, { error: "must be a model: { path, ... }" }), {
      error: "must map model names to { path, ... }",
    })
    .default({}),
});

/**
 * Keeps zod from compiling a schema at its first use. Compiling pays for requests; a configuration is read once, and without it the
 * server listens 7 ms sooner.
 */
export const parseOnce = { jitless: true } as const;

export type ConfigurationOutline = z.output<typeof outlineSchema>;
