// The one file that imports onnxruntime-node: whoever needs a tensor or a session takes it from here.
import { env, InferenceSession, Tensor } from "onnxruntime-node";

export { InferenceSession, Tensor };

/** Version of the runtime; empty where it does not say. */
export function runtimeVersion(): string {
  return env.versions.node ?? "";
}
