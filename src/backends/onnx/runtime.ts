// The only file of the server that imports onnxruntime-node; the others take tensors and sessions from here.
import { env, InferenceSession, Tensor } from "onnxruntime-node";

export { InferenceSession, Tensor };

/** Version of onnxruntime-node; empty where the library does not tell it. */
export function runtimeVersion(): string {
  return env.versions.node ?? "";
}
