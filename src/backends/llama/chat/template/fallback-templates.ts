// The chat templates of models that bring none. They show system, user and assistant; tools are described in text (tool-text.ts).

/** ChatML, for vocabularies that have `<|im_start|>`. */
export const CHATML_TEMPLATE = `{%- for message in messages -%}
{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\\n' }}{%- endif -%}`;

/** `User:` and `Assistant:` before the turns, for base models and vocabularies without markup. */
export const PLAIN_TEMPLATE = `{%- for message in messages -%}
{%- if message['role'] == 'system' -%}{{ message['content'] + '\\n\\n' }}
{%- elif message['role'] == 'user' -%}{{ 'User: ' + message['content'] + '\\n' }}
{%- elif message['role'] == 'assistant' -%}{{ 'Assistant: ' + message['content'] + '\\n' }}
{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}{{ 'Assistant:' }}{%- endif -%}`;

/** The template of a model that brings none. */
export interface FallbackTemplate {
  readonly name: "ChatML" | "plain dialogue";
  readonly source: string;
  /** Marks that the model may write as plain text when it goes on with the user's next turn. */
  readonly stopTexts: readonly string[];
}

/** `controlTexts`: the texts of the model's special tokens. */
export function fallbackTemplate(controlTexts: readonly string[]): FallbackTemplate {
  return controlTexts.includes("<|im_start|>") && controlTexts.includes("<|im_end|>")
    ? { name: "ChatML", source: CHATML_TEMPLATE, stopTexts: [] }
    : { name: "plain dialogue", source: PLAIN_TEMPLATE, stopTexts: ["\nUser:", "\nAssistant:"] };
}
