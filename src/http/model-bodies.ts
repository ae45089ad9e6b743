// The states and events of models as the health report and the administration tell them. No provider's API has them, so they have no
// dialect.
import type { ModelEvent } from "../domain/model-events.ts";
import type { ModelHealth } from "../services/health.ts";

type Body = Readonly<Record<string, unknown>>;

export function toStateBody(model: ModelHealth): Body {
  return {
    id: model.id,
    status: model.status,
    leases: model.leases,
    waiting: model.waiting,
    reserved_bytes: model.bytes,
    ...(model.processId === undefined ? {} : { process_id: model.processId, resident_bytes: model.residentBytes }),
    ...(model.device === undefined ? {} : { device: model.device }),
    ...(model.deviceNote === undefined ? {} : { device_note: model.deviceNote }),
    ...(model.deviceParts === undefined ? {} : { devices: model.deviceParts }),
    ...(model.lastError === undefined ? {} : { last_error: model.lastError }),
  };
}

/** `type`, `model` and what that type of event tells. */
export function toEventBody(event: ModelEvent): Body {
  const base = { type: event.type.replaceAll("-", "_"), model: event.model, generation: event.generation };
  switch (event.type) {
    case "load-begun":
      return { ...base, reserved_bytes: event.bytes };
    case "ready":
      return {
        ...base,
        load_ms: Math.round(event.loadMs),
        reserved_bytes: event.bytes,
        process_id: event.instance.processId,
        resident_bytes: event.instance.residentBytes,
        device: event.instance.description.device,
      };
    case "load-failed":
    case "load-refused":
      return { ...base, reserved_bytes: event.bytes, reason: event.reason };
    case "unload-begun":
      return { ...base, reserved_bytes: event.bytes, ...reasonOf(event.reason) };
    case "unloaded":
      return { ...base, unload_ms: Math.round(event.unloadMs), exit: event.exit, ...reasonOf(event.reason) };
    case "crashed":
      return { ...base, exit: event.exit };
    case "use-changed":
      return { ...base, leases: event.leases, waiting: event.waiting };
    case "memory-changed":
      return { ...base, resident_bytes: event.residentBytes };
    case "device-changed":
      return { ...base, device: event.use.device, device_note: event.use.deviceNote };
  }
}

function reasonOf(reason: Extract<ModelEvent, { type: "unloaded" }>["reason"]): Body {
  return { reason: reason.type, ...(reason.type === "evicted" ? { make_room_for: reason.makeRoomFor } : {}) };
}
