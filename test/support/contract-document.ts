// Checks answers against the schema that OpenAI's document has for their `object` or `type`. The rules below make exceptions where
// OpenAI's real answers, or the reference that this server follows, differ from the document.
import { faultsOf, openAiDocument } from "../unit/wire/support/openai-document.ts";

interface Rule {
  readonly component: string;
  /** Places where the document is narrower than real answers; the reason stands beside each. */
  readonly except?: readonly RegExp[];
}

const rulesByObject: Readonly<Record<string, Rule>> = {
  "chat.completion": { component: "CreateChatCompletionResponse" },
  "chat.completion.chunk": { component: "CreateChatCompletionStreamResponse" },
  text_completion: {
    component: "CreateCompletionResponse",
    except: [
      // The document has no schema for chunks of a completion: their reason is null until the last one, and so is usage.
      /^\/choices\/\d+\/finish_reason must/,
      /^\/usage must be object/,
      // Nothing predicts the first token of an echoed prompt: OpenAI answers null.
      /^\/choices\/\d+\/logprobs\/token_logprobs\/0 must be number/,
      /^\/choices\/\d+\/logprobs\/top_logprobs\/0 must be object/,
      /^\/choices\/\d+\/logprobs must (be null|match a schema in anyOf)/,
    ],
  },
  model: { component: "Model" },
};

const imageExceptions = [
  // The document lists the sizes of OpenAI's own models.
  /^\/size must be equal to one of the allowed values/,
  // `url: null` stands in the reference that this server follows.
  /^\/data\/\d+\/url must be string/,
];

const rulesByType: Readonly<Record<string, Rule>> = {
  "image_generation.partial_image": { component: "ImageGenPartialImageEvent", except: imageExceptions },
  "image_generation.completed": { component: "ImageGenCompletedEvent", except: imageExceptions },
  "image_edit.partial_image": { component: "ImageEditPartialImageEvent", except: imageExceptions },
  "image_edit.completed": { component: "ImageEditCompletedEvent", except: imageExceptions },
};

/** What OpenAI's document finds wrong in an answer; empty = valid, or the document is not there. */
export function documentFaults(value: unknown): string[] {
  if (!openAiDocument.isMet) return [];
  const { component, except = [] } = ruleFor(value);
  return faultsOf(component, value).filter((fault) => !except.some((pattern) => pattern.test(fault)));
}

function ruleFor(value: unknown): Rule {
  const answer = value as Readonly<Record<string, unknown>>;
  if ("error" in answer) return { component: "ErrorResponse" };
  const byObject = rulesByObject[String(answer["object"])];
  if (byObject !== undefined) return byObject;
  const byType = rulesByType[String(answer["type"])];
  if (byType !== undefined) return byType;
  if (answer["object"] === "list") return ruleForList(answer);
  if ("data" in answer && "created" in answer) return { component: "ImagesResponse", except: imageExceptions };
  throw new Error(`No rule for the answer ${JSON.stringify(value).slice(0, 200)}`);
}

function ruleForList(answer: Readonly<Record<string, unknown>>): Rule {
  const [first] = answer["data"] as readonly { readonly object?: string }[];
  if (first?.object === "model") return { component: "ListModelsResponse" };
  // Base64 vectors are strings: the document knows only numbers.
  return { component: "CreateEmbeddingResponse", except: [/^\/data\/\d+\/embedding must be array/] };
}
