// The cases of the golden values: prompts, grammars, texts and conversations, all written for this repository.

/**
 * Prompts of the story model, and the number of tokens that are compared: up to the first whose lead in log-probability is below 0.03,
 * because another processor may choose another token there. The texts use the story's words.
 */
export const greedyPrompts = [
  { prompt: "Once upon a time", tokens: 60 },
  { prompt: "The little dog", tokens: 40 },
  { prompt: "One day, a boy", tokens: 60 },
  { prompt: 'She said, "Look', tokens: 60 },
  { prompt: "It was a sunny day", tokens: 60 },
  { prompt: "Lily and Tom", tokens: 60 },
  { prompt: "über 你好", tokens: 60 },
  { prompt: "", tokens: 45 },
] as const;

/** Grammars and schemas, under which the model answers greedily. */
export const constraints = {
  choice: { grammar: 'root ::= "the cat" | "the dog" | "a bird"' },
  repetition: { grammar: 'root ::= (word " "){3,5} word "."\nword ::= [a-z]{1,6}' },
  recursion: {
    grammar: 'root ::= value\nvalue ::= "(" value ")" | [0-9] | value-pair\nvalue-pair ::= "<" [0-9] "," value ">"',
  },
  "beyond ASCII": { grammar: 'root ::= "é" [α-ω]{4} "你" [^a-zA-Z0-9]{2}' },
  enumeration: { json_schema: { enum: ["red", "green", "blue"] } },
  object: {
    json_schema: {
      type: "object",
      properties: { name: { enum: ["Lily", "Tom"] }, age: { type: "integer", minimum: 1, maximum: 9 } },
      required: ["name", "age"],
      additionalProperties: false,
    },
  },
  list: { json_schema: { type: "array", items: { type: "boolean" }, minItems: 2, maxItems: 4 } },
} as const;

/** Texts whose tokens are compared, once with control tokens in them read as such and once as text. */
export const tokenisedTexts = [
  "Once upon a time there was a little girl.",
  " leading, trailing ",
  "two\n\nlines\tand a tab\r\n",
  "Straße, naïve café, Москва, 你好, 🙂👩‍👩‍👧",
  "def add(a, b):\n    return a + b  # 12345 != 3.14",
  "<s>not</s> <|im_start|>control<|im_end|> <tool_call>{}</tool_call>",
  "aaaaaaaaaaaaaaaa    bbbb",
  "",
] as const;

const weather = {
  type: "function",
  function: {
    name: "get_weather",
    description: "Weather of a city",
    parameters: {
      type: "object",
      properties: { city: { type: "string", description: "Its name" }, unit: { type: "string", enum: ["C", "F"] } },
      required: ["city"],
    },
  },
};
const call = (id: string, city: string): object => ({
  id,
  type: "function",
  function: { name: "get_weather", arguments: JSON.stringify({ city, days: 2 }) },
});
const user = (content: string): object => ({ role: "user", content });
const assistant = (content: string): object => ({ role: "assistant", content });

/** Chat requests as callers send them. */
export const conversations: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  question: { messages: [user("Please say hello.")] },
  turns: {
    messages: [
      { role: "system", content: "Be brief." },
      user("What is 2+2?"),
      assistant("4"),
      user(" And times 3? \n"),
    ],
  },
  "beyond ASCII": { messages: [user('Übersetze "naïve" 🍰\n\tZeile 2 {{ no template }} {% nor this %}')] },
  thought: {
    messages: [user("Why?"), assistant("<think>\nHm.\n</think>\n\nBecause."), user("Really?")],
  },
  tools: { messages: [{ role: "system", content: "Be brief." }, user("Weather in Oslo?")], tools: [weather] },
  results: {
    messages: [
      user("Weather in Oslo and Rome?"),
      { role: "assistant", content: null, tool_calls: [call("call00001", "Oslo"), call("call00002", "Rome")] },
      { role: "tool", tool_call_id: "call00001", content: '{"degrees": 3}' },
      { role: "tool", tool_call_id: "call00002", content: '{"degrees": 19}' },
    ],
    tools: [weather],
  },
  continued: {
    messages: [user("Count to five."), assistant("One, two,")],
    add_generation_prompt: false,
    continue_final_message: true,
  },
  "two of the user": { messages: [user("Hello."), user("Anyone there?")] },
};
