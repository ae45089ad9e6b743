// What the operating system says about GPUs, without any library: whether a probe is worth a process, and a key that changes with the
// hardware, its drivers and the variables that choose among them, so that what was found out with one driver is not believed of the next.
import { createHash } from "node:crypto";
import { readdir, readFile, readlink, stat } from "node:fs/promises";
import { arch, release } from "node:os";
import { dirname, isAbsolute, join } from "node:path";

export interface GpuSystem {
  /** False where no GPU can be used, so that none need be looked for. */
  readonly mayHaveGpu: boolean;
  /** Sentences for people: devices, drivers, variables. */
  readonly findings: readonly string[];
  readonly key: string;
}

export interface SystemPlace {
  readonly platform: NodeJS.Platform;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Folder that stands for `/`. @default "/" */
  readonly root?: string;
}

/** Device files of Linux through which a GPU is used, beside render nodes: NVIDIA's, AMD's compute, Windows' under WSL, and those of boards. */
const deviceFile = /^(?:nvidia\d+|nvhost.*|nvmap|kfd|dxg|mali\d+|kgsl.*)$/;

/** Variables by which drivers and libraries choose a GPU. */
const choosingVariables = [
  "VK_DRIVER_FILES",
  "VK_ICD_FILENAMES",
  "VK_ADD_DRIVER_FILES",
  "VK_LOADER_DRIVERS_SELECT",
  "VK_LOADER_DRIVERS_DISABLE",
  "MESA_VK_DEVICE_SELECT",
  "DRI_PRIME",
  "GGML_VK_VISIBLE_DEVICES",
  "CUDA_VISIBLE_DEVICES",
  "HIP_VISIBLE_DEVICES",
] as const;

export async function readGpuSystem({ platform, environment, root = "/" }: SystemPlace): Promise<GpuSystem> {
  const variables = choosingVariables.flatMap((name) => {
    const value = environment[name];
    return value === undefined || value === "" ? [] : [`${name}=${value}`];
  });
  const machine = `${platform} ${release()} ${arch()}`;
  if (platform === "linux") {
    const devices = await findLinuxDevices(root);
    const drivers = await findLinuxDrivers(root, environment);
    const findings = [
      ...(devices.length === 0
        ? ["No GPU has a device file (/dev/dri/render*, /dev/nvidia*, /dev/kfd, /dev/dxg)."]
        : devices),
      ...drivers.map(({ text }) => text),
      ...variables,
    ];
    const key = keyOf([machine, ...devices, ...drivers.map(({ key: driver }) => driver), ...variables]);
    return { mayHaveGpu: devices.length > 0, findings, key };
  }
  // Windows adds a folder here for every driver package, so the folder's time changes with each. macOS brings its drivers with itself.
  const store = join(environment["SystemRoot"] ?? "C:\\Windows", "System32", "DriverStore", "FileRepository");
  const driverTime = platform === "win32" ? String((await stat(store).catch(() => undefined))?.mtimeMs ?? 0) : "";
  return { mayHaveGpu: true, findings: variables, key: keyOf([machine, driverTime, ...variables]) };
}

function keyOf(parts: readonly string[]): string {
  return createHash("sha256").update(parts.join("\n")).digest("hex").slice(0, 16);
}

async function findLinuxDevices(root: string): Promise<string[]> {
  const renderNodes = (await namesIn(join(root, "dev/dri"))).filter((name) => name.startsWith("renderD"));
  const others = (await namesIn(join(root, "dev"))).filter((name) => deviceFile.test(name));
  const described = renderNodes.map(async (name) => `/dev/dri/${name}: ${await describeRenderNode(root, name)}`);
  return [...(await Promise.all(described)), ...others.map((name) => `/dev/${name}`)];
}

/** The kernel's driver and the PCI ids, e.g. `amdgpu 1002:744c`. */
async function describeRenderNode(root: string, name: string): Promise<string> {
  const device = join(root, "sys/class/drm", name, "device");
  const [driver, vendor, model] = await Promise.all([
    readlink(join(device, "driver")).then(
      (target) => target.split("/").at(-1) ?? "",
      () => "unknown driver",
    ),
    textOf(join(device, "vendor")),
    textOf(join(device, "device")),
  ]);
  return vendor === undefined ? driver : `${driver} ${vendor.replace("0x", "")}:${model?.replace("0x", "") ?? "?"}`;
}

interface FoundDriver {
  readonly text: string;
  readonly key: string;
}

/** NVIDIA's kernel driver, and the Vulkan drivers that the loader would find. */
async function findLinuxDrivers(root: string, environment: SystemPlace["environment"]): Promise<FoundDriver[]> {
  const nvidia = await textOf(join(root, "proc/driver/nvidia/version"));
  const found = nvidia === undefined ? [] : [{ text: nvidia.split("\n")[0] ?? nvidia, key: nvidia }];
  const named = environment["VK_DRIVER_FILES"] ?? environment["VK_ICD_FILENAMES"];
  const manifests =
    named === undefined || named === ""
      ? await manifestsIn(["etc/vulkan/icd.d", "usr/local/share/vulkan/icd.d", "usr/share/vulkan/icd.d"], root)
      : named.split(":");
  for (const manifest of manifests) {
    const text = await textOf(manifest);
    if (text === undefined) continue;
    const library = libraryOf(text);
    const path =
      library !== undefined && library.includes("/")
        ? join(isAbsolute(library) ? "/" : dirname(manifest), library)
        : undefined;
    const file = path === undefined ? undefined : await stat(path).catch(() => undefined);
    found.push({
      text: `Vulkan driver ${library ?? "(unreadable)"} (${manifest})`,
      key: [manifest, text, file?.size ?? 0, file?.mtimeMs ?? 0].join(" "),
    });
  }
  return found;
}

async function manifestsIn(folders: readonly string[], root: string): Promise<string[]> {
  const lists = folders.map(async (folder) =>
    (await namesIn(join(root, folder)))
      .filter((name) => name.endsWith(".json"))
      .map((name) => join(root, folder, name)),
  );
  return (await Promise.all(lists)).flat();
}

function libraryOf(manifest: string): string | undefined {
  return /"library_path"\s*:\s*"([^"]+)"/.exec(manifest)?.[1];
}

async function namesIn(folder: string): Promise<string[]> {
  return (await readdir(folder).catch((): string[] => [])).toSorted();
}

async function textOf(file: string): Promise<string | undefined> {
  return (await readFile(file, "utf8").catch(() => undefined))?.trim();
}
