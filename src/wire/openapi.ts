// The OpenAPI 3.1 document of this server, made from the schemas that validate its requests and type its answers.
// Import it lazily: only GET /openapi.json needs it.
import { z } from "zod";
import { chatCompletionFields, chatCompletionRequest } from "./openai/chat/request.ts";
import { chatMessage } from "./openai/chat/message.ts";
import { appliedTemplate, chatCompletion, chatCompletionChunk, chatTokenLogprob } from "./openai/chat/response.ts";
import type { LazySchema } from "./contract/common.ts";
import { completion, completionFields, completionRequest } from "./openai/completions/contract.ts";
import { embeddingFields, embeddingRequest, embeddingResponse } from "./openai/embeddings/contract.ts";
import { errorResponse } from "./openai/shared/error.ts";
import type { FieldTable } from "./contract/field-table.ts";
import { imageEditFields, imageEditRequest } from "./openai/images/edit.ts";
import { imageRequest, imageRequestFields } from "./openai/images/generation.ts";
import { imageCompletedEvent, imagePartialEvent, imagesResponse, imageUsage } from "./openai/images/response.ts";
import { model, modelList } from "./openai/models/contract.ts";
import { rerankFields, rerankRequest, rerankResponse } from "./rerank/contract.ts";
import { completionUsage } from "./openai/shared/usage.ts";

type Json = Record<string, unknown>;

export interface OpenApiOptions {
  /** Version of the server. */
  readonly version: string;
  /** Origin of the server, such as `http://127.0.0.1:8484`, without the path `/v1`. */
  readonly serverUrl: string;
}

interface Endpoint {
  readonly path: string;
  readonly operationId: string;
  readonly summary: string;
  readonly request: string;
  readonly response: string;
  /** Answers may carry `x-hearth-warnings`. */
  readonly warns?: boolean;
  /** Components of the stream's events, where the endpoint can stream. */
  readonly events?: readonly string[];
  readonly mediaTypes?: readonly string[];
}

/** Every schema with an id of its own must be listed: zod would put another one where no reference reaches it. */
const components: Readonly<Record<string, LazySchema>> = {
  ChatMessage: chatMessage,
  ChatCompletionTokenLogprob: chatTokenLogprob,
  CompletionUsage: completionUsage,
  ImageUsage: imageUsage,
  ChatCompletionRequest: chatCompletionRequest,
  ChatCompletion: chatCompletion,
  ChatCompletionChunk: chatCompletionChunk,
  AppliedTemplate: appliedTemplate,
  CompletionRequest: completionRequest,
  Completion: completion,
  EmbeddingRequest: embeddingRequest,
  EmbeddingResponse: embeddingResponse,
  ImageRequest: imageRequest,
  ImageEditRequest: imageEditRequest,
  ImagesResponse: imagesResponse,
  ImagePartialEvent: imagePartialEvent,
  ImageCompletedEvent: imageCompletedEvent,
  RerankRequest: rerankRequest,
  RerankResponse: rerankResponse,
  Model: model,
  ModelList: modelList,
  ErrorResponse: errorResponse,
};

const fieldTables: Readonly<Record<string, FieldTable>> = {
  ChatCompletionRequest: chatCompletionFields,
  CompletionRequest: completionFields,
  EmbeddingRequest: embeddingFields,
  ImageRequest: imageRequestFields,
  ImageEditRequest: imageEditFields,
  RerankRequest: rerankFields,
};

const endpoints: readonly Endpoint[] = [
  {
    path: "/v1/chat/completions",
    operationId: "createChatCompletion",
    summary: "Answer a conversation.",
    request: "ChatCompletionRequest",
    response: "ChatCompletion",
    events: ["ChatCompletionChunk"],
    warns: true,
  },
  {
    path: "/apply-template",
    operationId: "applyTemplate",
    summary: "Render a chat request through the model's template without answering it.",
    request: "ChatCompletionRequest",
    response: "AppliedTemplate",
  },
  {
    path: "/v1/completions",
    operationId: "createCompletion",
    summary: "Continue a text.",
    request: "CompletionRequest",
    response: "Completion",
    events: ["Completion"],
    warns: true,
  },
  {
    path: "/v1/embeddings",
    operationId: "createEmbedding",
    summary: "Turn texts into vectors.",
    request: "EmbeddingRequest",
    response: "EmbeddingResponse",
  },
  {
    path: "/v1/rerank",
    operationId: "createRerank",
    summary: "Score documents against a query.",
    request: "RerankRequest",
    response: "RerankResponse",
  },
  {
    path: "/v1/images/generations",
    operationId: "createImage",
    summary: "Make images from a text.",
    request: "ImageRequest",
    response: "ImagesResponse",
    events: ["ImagePartialEvent", "ImageCompletedEvent"],
    warns: true,
  },
  {
    path: "/v1/images/edits",
    operationId: "createImageEdit",
    summary: "Change a picture by a text, as a whole or inside a mask.",
    request: "ImageEditRequest",
    response: "ImagesResponse",
    events: ["ImagePartialEvent", "ImageCompletedEvent"],
    warns: true,
    mediaTypes: ["multipart/form-data", "application/json"],
  },
];

/** A complete OpenAPI 3.1 document as a plain object. */
export function createOpenApiDocument(options: OpenApiOptions): Json {
  return {
    openapi: "3.1.0",
    info: {
      title: "Hearth",
      version: options.version,
      description: "An OpenAI-compatible inference server that runs models on the machine it stands on.",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: options.serverUrl }],
    security: [{}, { bearer: [] }],
    paths: {
      ...Object.fromEntries(endpoints.map((endpoint) => [endpoint.path, { post: toOperation(endpoint) }])),
      "/v1/models": { get: toGetOperation("listModels", "The models on offer.", "ModelList") },
      "/v1/models/{model}": {
        get: {
          ...toGetOperation("retrieveModel", "One model. Its id may contain slashes.", "Model"),
          parameters: [modelParameter],
        },
      },
      "/admin/models": { get: toAdminOperation("listModelStates", "The state of every model.") },
      "/admin/models/{model}/load": {
        post: toAdminOperation("loadModel", "Load a model, and answer when it is ready.", {
          parameter: modelParameter,
        }),
      },
      "/admin/models/{model}/unload": {
        post: toAdminOperation("unloadModel", "Unload a model once no request uses it, and answer then.", {
          parameter: modelParameter,
        }),
      },
      "/admin/events": {
        get: toAdminOperation("watchModels", "Server-sent events: the states of all models, then every change.", {
          mediaType: "text/event-stream",
        }),
      },
      "/health/live": { get: toHealthOperation("getLiveness", "Whether the process answers.") },
      "/health/ready": { get: toHealthOperation("getReadiness", "Whether requests are served; models, devices.") },
    },
    components: {
      schemas: createComponents(),
      securitySchemes: { bearer: { type: "http", scheme: "bearer", description: "Only where a key is configured." } },
    },
  };
}

function createComponents(): Json {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(components)) registry.add(schema(), { id });
  const { schemas } = z.toJSONSchema(registry, {
    io: "input",
    unrepresentable: "any",
    uri: (id) => `#/components/schemas/${id}`,
  });
  return Object.fromEntries(
    Object.entries(schemas).map(([id, schema]) => {
      const { $schema: _dialect, $id: _uri, ...rest } = schema as Json;
      return [id, describeFields(rest, fieldTables[id])];
    }),
  );
}

/** Adds to a request's schema how each of its fields is handled. */
function describeFields(schema: Json, table: FieldTable | undefined): Json {
  if (table === undefined) return schema;
  const properties = schema["properties"] as Record<string, Json>;
  const refusals: string[] = [];
  for (const [name, field] of Object.entries(table)) {
    if (field.handling === "refused") {
      refusals.push(`\`${name}\`: ${field.reason}`);
      continue;
    }
    const text = field.handling === "accepted" ? `Accepted without effect. ${field.reason}` : field.note;
    if (text !== undefined) properties[name] = { ...properties[name], description: text };
  }
  if (refusals.length === 0) return schema;
  return { ...schema, description: `Refused with 400 unless null:\n${refusals.map((line) => `- ${line}`).join("\n")}` };
}

const warningHeaders: Json = {
  "x-hearth-warnings": {
    description:
      "What of the request the answer is not held to, such as a keyword of a JSON schema that is not strict, or a seed: a JSON array of " +
      "sentences.",
    schema: { type: "string" },
  },
};

function toOperation(endpoint: Endpoint): Json {
  const { operationId, summary, request, response, events } = endpoint;
  const mediaTypes = endpoint.mediaTypes ?? ["application/json"];
  const streamed =
    events === undefined ? {} : { "text/event-stream": { schema: { anyOf: events.map((name) => reference(name)) } } };
  return {
    operationId,
    summary,
    requestBody: {
      required: true,
      content: Object.fromEntries(mediaTypes.map((mediaType) => [mediaType, { schema: reference(request) }])),
    },
    responses: {
      "200": {
        description: "OK",
        ...(endpoint.warns === true ? { headers: warningHeaders } : {}),
        content: { "application/json": { schema: reference(response) }, ...streamed },
      },
      ...errorResponses(),
    },
  };
}

function toGetOperation(operationId: string, summary: string, response: string): Json {
  return {
    operationId,
    summary,
    responses: {
      "200": { description: "OK", content: { "application/json": { schema: reference(response) } } },
      ...errorResponses(),
    },
  };
}

const modelParameter: Json = { name: "model", in: "path", required: true, schema: { type: "string" } };

/** Where no key is configured these answer programs of the server's own machine only. */
function toAdminOperation(
  operationId: string,
  summary: string,
  { parameter, mediaType = "application/json" }: { readonly parameter?: Json; readonly mediaType?: string } = {},
): Json {
  return {
    operationId,
    summary,
    ...(parameter === undefined ? {} : { parameters: [parameter] }),
    responses: {
      "200": { description: "OK", content: { [mediaType]: { schema: { type: "object" } } } },
      ...errorResponses(),
    },
  };
}

function toHealthOperation(operationId: string, summary: string): Json {
  const content = { "application/json": { schema: { type: "object" } } };
  return {
    operationId,
    summary,
    security: [],
    responses: { "200": { description: "Yes.", content }, "503": { description: "Not now.", content } },
  };
}

function errorResponses(): Json {
  return {
    default: {
      description: "An error; its code says which.",
      content: { "application/json": { schema: reference("ErrorResponse") } },
    },
  };
}

function reference(component: string): Json {
  return { $ref: `#/components/schemas/${component}` };
}
