// Decides which models must leave the memory so that another fits: a pure function.

/** A loaded model as eviction sees it. */
export interface LoadedModel {
  readonly id: string;
  readonly bytes: number;
  /** Requests use it or wait for it, or it is loading or draining: it cannot be evicted. */
  readonly busy: boolean;
  readonly pinned: boolean;
  /** When it was last used, on the caller's clock. */
  readonly lastUsedMs: number;
}

export interface EvictionTarget {
  readonly id: string;
  readonly bytes: number;
}

export interface EvictionOptions {
  readonly target: EvictionTarget;
  readonly loaded: readonly LoadedModel[];
  readonly budgetBytes: number;
}

/**
 * - `fits`: unloading `evict` (possibly none) makes room.
 * - `wait`: room will come when busy models become idle.
 * - `never`: it does not fit even on its own beside the pinned models.
 */
export type EvictionDecision =
  | { readonly type: "fits"; readonly evict: readonly string[] }
  | { readonly type: "wait" }
  | { readonly type: "never" };

/**
 * Chooses the least recently used idle models, as few as make room.
 *
 * 1. Beside the pinned models the target exceeds the budget: `never`.
 * 2. It fits already: none leaves.
 * 3. Idle, unpinned models leave, the least recently used first, until it fits. One that turns out not to be needed stays.
 * 4. Else it waits for a busy one.
 */
export function chooseEvictions({ target, loaded, budgetBytes }: EvictionOptions): EvictionDecision {
  const others = loaded.filter((model) => model.id !== target.id);
  const pinnedBytes = sumBytes(others.filter((model) => model.pinned));
  // 1.
  if (pinnedBytes + target.bytes > budgetBytes) return { type: "never" };
  // 2.
  let excess = sumBytes(others) + target.bytes - budgetBytes;
  if (excess <= 0) return { type: "fits", evict: [] };
  // 3.
  const candidates = others
    .filter((model) => !model.busy && !model.pinned)
    .sort((a, b) => a.lastUsedMs - b.lastUsedMs || a.id.localeCompare(b.id));
  const chosen: LoadedModel[] = [];
  for (const model of candidates) {
    if (excess <= 0) break;
    chosen.push(model);
    excess -= model.bytes;
  }
  // 4.
  if (excess > 0) return { type: "wait" };
  const needed = chosen.filter((model) => {
    if (excess + model.bytes > 0) return true;
    excess += model.bytes;
    return false;
  });
  return { type: "fits", evict: needed.map((model) => model.id) };
}

function sumBytes(models: readonly LoadedModel[]): number {
  return models.reduce((sum, model) => sum + model.bytes, 0);
}
