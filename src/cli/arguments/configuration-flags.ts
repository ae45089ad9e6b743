// The flags by which commands take the configuration, derived from its schema.
import { aliasFlag, configFlag, modelFlag, settings, type Setting } from "../../config/schema/settings.ts";
import type { CommandFlag } from "../command.ts";

/** The flags that name a file or add to it. */
export const sourceFlags: readonly CommandFlag[] = [
  {
    flag: configFlag.flag,
    placeholder: "FILE",
    repeatable: false,
    description: "Configuration file (YAML). config/example.yaml shows every option.",
    note: `${configFlag.variable}; default: the bundled config/default.yaml`,
  },
  {
    flag: modelFlag.flag,
    placeholder: "[NAME=]MODEL",
    repeatable: true,
    description:
      "Adds a model: a .gguf file, a folder with a tokenizer and an ONNX encoder, a folder with model_index.json, or the name " +
      "of a model that was pulled or found on this machine (hearth list --discover). " +
      "The models of the file, or the bundled ones, stay. Options follow after commas: " +
      "NAME=PATH,context_size=4096,defaults.temperature=0.2.",
    note: `${modelFlag.variable} (separated by ;), models`,
  },
  {
    flag: aliasFlag.flag,
    placeholder: "NAME=MODEL",
    repeatable: true,
    description: "Adds a further name for a model.",
    note: `${aliasFlag.variable} (separated by ;), aliases`,
  },
];

/** The flags of the section `hub`, and the one that names the file. */
export const hubFlags: readonly CommandFlag[] = [
  ...sourceFlags.filter(({ flag }) => flag === configFlag.flag),
  ...settings.filter(({ path }) => path[0] === "hub").map(toFlag),
];

/** All flags of the configuration. */
export const configurationFlags: readonly CommandFlag[] = [...sourceFlags, ...settings.map(toFlag)];

function toFlag(setting: Setting): CommandFlag {
  const { flag, placeholder, description, variable, path, form, defaultText } = setting;
  const places = `${variable}${form === "list" ? " (separated by commas)" : ""}, ${path.join(".")}`;
  return {
    flag,
    placeholder,
    description,
    repeatable: form === "list",
    note: defaultText === null ? places : `${places}; default: ${defaultText}`,
  };
}
