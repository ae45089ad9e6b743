// The text model of most tests of the llama backend. scripts/build-models writes it for each test file, so that nothing of third
// parties is needed and nothing binary is committed.
import { join } from "node:path";
import { type StoryModelOptions, writeStoryModel } from "../../scripts/build-models/fixtures/story-model.ts";
import { temporaryFolder } from "./temporary-folder.ts";

/** Ids of the story model's vocabulary: the control tokens, then 256 bytes, then pieces up to 511. */
export const storyToken = { unknown: 0, bos: 1, eos: 2, firstPiece: 259, last: 511 } as const;

/** Writes the model and returns its path. The model is removed after the file's tests. */
export function useStoryModel(options: StoryModelOptions = {}): string {
  const path = join(temporaryFolder("story"), "story.gguf");
  writeStoryModel(path, options);
  return path;
}
