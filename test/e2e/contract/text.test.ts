// The checks of text generation, on one server: loading the model once rather than once per file saves half of their time.
// One of them alone: `npx vitest run test/e2e/contract/text -t "logprobs"`.
import "./chat.checks.ts";
import "./chat-sampling.checks.ts";
import "./streaming.checks.ts";
import "./templates.checks.ts";
import "./tools.checks.ts";
