// Reads a diffusers `scheduler_config.json` into settings, with the reference's defaults for the class filled in. A value that cannot be
// honoured is refused by the name of its key: a sampler that is silently different is worse than none.
import { SchedulerConfigError, schedulerClassNames, type SchedulerClassName } from "../scheduler.ts";

/** The parsed JSON object of a `scheduler_config.json`. */
export type SchedulerConfig = Readonly<Record<string, unknown>>;

export type PredictionType = (typeof predictionTypes)[number];
export type TimestepSpacing = (typeof timestepSpacings)[number];
export type BetaSchedule = (typeof betaSchedules)[number];

/** The settings of all classes in one type; a class reads only the fields that it knows. */
export interface SchedulerSettings {
  readonly className: SchedulerClassName;
  readonly trainTimesteps: number;
  readonly betaStart: number;
  readonly betaEnd: number;
  readonly betaSchedule: BetaSchedule;
  readonly trainedBetas: readonly number[] | undefined;
  readonly rescaleBetasZeroSnr: boolean;
  readonly predictionType: PredictionType;
  readonly timestepSpacing: TimestepSpacing;
  readonly stepsOffset: number;
  readonly setAlphaToOne: boolean;
  /** Undefined where the prediction is not clipped. */
  readonly clipRange: number | undefined;
  readonly skipPrkSteps: boolean;
  readonly sigmaCurve: "table" | "karras" | "exponential" | "lu";
  readonly sigmaMin: number | undefined;
  readonly sigmaMax: number | undefined;
  readonly finalSigma: "zero" | "sigma_min";
  readonly sigmaInterpolation: "linear" | "log_linear";
  readonly timestepType: "discrete" | "continuous";
  readonly solverOrder: 1 | 2 | 3;
  readonly solverType: "midpoint" | "heun" | "bh1" | "bh2";
  readonly algorithmType: "dpmsolver++" | "sde-dpmsolver++";
  readonly lowerOrderFinal: boolean;
  readonly eulerAtFinal: boolean;
  readonly lambdaMinClipped: number;
  readonly predictX0: boolean;
  readonly disableCorrector: readonly number[];
  readonly originalInferenceSteps: number;
  readonly timestepScaling: number;
}

const predictionTypes = ["epsilon", "v_prediction", "sample"] as const;
const timestepSpacings = ["leading", "trailing", "linspace"] as const;
const betaSchedules = ["linear", "scaled_linear", "squaredcos_cap_v2", "exp"] as const;

// Switches of the reference that are not supported. Each is refused only where it is on.
const refusedSwitches = ["thresholding", "use_beta_sigmas", "use_flow_sigmas", "use_dynamic_shifting"] as const;

/**
 * Parses the text of a `scheduler_config.json`, with the `Infinity`, `-Infinity` (kept) and `NaN` (null) that Python may write.
 * @throws SchedulerConfigError where the text is no JSON object
 */
export function parseSchedulerConfig(text: string): SchedulerConfig {
  const standard = text.replace(/("(?:[^"\\]|\\.)*")|-Infinity\b|\bInfinity\b|\bNaN\b/g, (match, string?: string) => {
    if (string !== undefined) {
      return string;
    }
    return match === "NaN" ? "null" : match.replace("Infinity", "1e999");
  });
  let parsed: unknown;
  try {
    parsed = JSON.parse(standard);
  } catch (error) {
    throw new SchedulerConfigError("scheduler_config.json", `scheduler_config.json is no JSON: ${String(error)}`);
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) {
    throw new SchedulerConfigError("scheduler_config.json", "scheduler_config.json must hold one object");
  }
  return parsed as SchedulerConfig;
}

/**
 * Fills in the reference's defaults for the class that the configuration names.
 * @throws SchedulerConfigError for an unknown class, a value of the wrong type, or a feature that is not supported
 */
export function readSchedulerSettings(config: SchedulerConfig): SchedulerSettings {
  const className = readClassName(config);
  const read = createReader(config);
  for (const key of refusedSwitches) {
    if (read.boolean(key, false)) {
      throw new SchedulerConfigError(key, `${key} is not supported`);
    }
  }
  const isLcm = className === "LCMScheduler";
  const isHeun = className === "HeunDiscreteScheduler";
  const isUniPc = className === "UniPCMultistepScheduler";
  const isLeading = className === "PNDMScheduler" || className === "DDIMScheduler" || isLcm;
  const knowsZeroSnr = className !== "PNDMScheduler" && !isHeun;
  const clips = className === "DDIMScheduler" || isLcm || isHeun;
  const knowsLu = className === "DPMSolverMultistepScheduler";
  const knowsSigmaLimits = className === "EulerDiscreteScheduler" || isUniPc;

  const settings: SchedulerSettings = {
    className,
    trainTimesteps: read.count("num_train_timesteps", 1000),
    betaStart: read.number("beta_start", isLcm || isHeun ? 0.00085 : 0.0001),
    betaEnd: read.number("beta_end", isLcm || isHeun ? 0.012 : 0.02),
    betaSchedule: read.choice("beta_schedule", betaSchedules, isLcm ? "scaled_linear" : "linear"),
    trainedBetas: read.numbers("trained_betas"),
    rescaleBetasZeroSnr: knowsZeroSnr && read.boolean("rescale_betas_zero_snr", false),
    predictionType: read.choice("prediction_type", predictionTypes, "epsilon"),
    timestepSpacing: read.choice("timestep_spacing", timestepSpacings, isLeading ? "leading" : "linspace"),
    stepsOffset: read.integer("steps_offset", 0),
    setAlphaToOne: read.boolean("set_alpha_to_one", className !== "PNDMScheduler"),
    clipRange:
      clips && read.boolean("clip_sample", className === "DDIMScheduler")
        ? read.number("clip_sample_range", 1)
        : undefined,
    skipPrkSteps: read.boolean("skip_prk_steps", false),
    sigmaCurve: readSigmaCurve(read, knowsLu),
    sigmaMin: knowsSigmaLimits ? read.optionalNumber("sigma_min") : undefined,
    sigmaMax: knowsSigmaLimits ? read.optionalNumber("sigma_max") : undefined,
    finalSigma: read.choice("final_sigmas_type", ["zero", "sigma_min"], "zero"),
    sigmaInterpolation: read.choice("interpolation_type", ["linear", "log_linear"], "linear"),
    timestepType: read.choice("timestep_type", ["discrete", "continuous"], "discrete"),
    solverOrder: read.choice("solver_order", [1, 2, 3], 2),
    solverType: readSolverType(read, className),
    algorithmType: knowsLu ? readAlgorithmType(read) : "dpmsolver++",
    lowerOrderFinal: read.boolean("lower_order_final", true),
    eulerAtFinal: read.boolean("euler_at_final", false),
    lambdaMinClipped: read.number("lambda_min_clipped", -Infinity),
    predictX0: read.boolean("predict_x0", true),
    disableCorrector: read.numbers("disable_corrector") ?? [],
    originalInferenceSteps: read.count("original_inference_steps", 50),
    timestepScaling: read.number("timestep_scaling", 10),
  };
  refuseCombinations(config, settings);
  return settings;
}

function readClassName(config: SchedulerConfig): SchedulerClassName {
  const named = config["_class_name"];
  const known = schedulerClassNames.find((name) => name === named);
  if (known === undefined) {
    const found = typeof named === "string" ? `"${named}"` : "nothing";
    const list = schedulerClassNames.join(", ");
    throw new SchedulerConfigError("_class_name", `scheduler class ${found} is not supported; known are ${list}`);
  }
  return known;
}

function readSigmaCurve(read: Reader, knowsLu: boolean): SchedulerSettings["sigmaCurve"] {
  const karras = read.boolean("use_karras_sigmas", false);
  const exponential = read.boolean("use_exponential_sigmas", false);
  if (karras && exponential) {
    throw new SchedulerConfigError(
      "use_exponential_sigmas",
      "use_karras_sigmas and use_exponential_sigmas exclude each other",
    );
  }
  if (karras) {
    return "karras";
  }
  if (knowsLu && read.boolean("use_lu_lambdas", false)) {
    return "lu";
  }
  return exponential ? "exponential" : "table";
}

/** The two multistep solvers have solver types of their own. Each takes the other's names for its default, as the reference does. */
function readSolverType(read: Reader, className: SchedulerClassName): SchedulerSettings["solverType"] {
  const named = read.choice("solver_type", ["midpoint", "heun", "bh1", "bh2", "logrho"], "midpoint");
  if (className === "UniPCMultistepScheduler") {
    return named === "bh1" ? "bh1" : "bh2";
  }
  return named === "heun" ? "heun" : "midpoint";
}

function readAlgorithmType(read: Reader): SchedulerSettings["algorithmType"] {
  const named = read.choice("algorithm_type", ["dpmsolver++", "sde-dpmsolver++", "deis"], "dpmsolver++");
  return named === "deis" ? "dpmsolver++" : named;
}

function refuseCombinations(config: SchedulerConfig, settings: SchedulerSettings): void {
  const { className, predictionType, trainedBetas, trainTimesteps } = settings;
  const noSamplePrediction = className === "PNDMScheduler" || className === "EulerAncestralDiscreteScheduler";
  if (noSamplePrediction && predictionType === "sample") {
    throw new SchedulerConfigError("prediction_type", `${className} knows epsilon and v_prediction, not sample`);
  }
  if (className !== "HeunDiscreteScheduler" && settings.betaSchedule === "exp" && trainedBetas === undefined) {
    throw new SchedulerConfigError("beta_schedule", `${className} does not know the beta schedule exp`);
  }
  if (trainedBetas !== undefined && trainedBetas.length !== trainTimesteps) {
    const message = `trained_betas holds ${trainedBetas.length} values, num_train_timesteps is ${trainTimesteps}`;
    throw new SchedulerConfigError("trained_betas", message);
  }
  if (settings.algorithmType === "sde-dpmsolver++" && settings.solverOrder === 3) {
    // The reference's third-order term has the wrong sign for its constant, so its results are no guide.
    throw new SchedulerConfigError("solver_order", "sde-dpmsolver++ is supported up to solver_order 2");
  }
  const variance = config["variance_type"];
  if (className === "DPMSolverMultistepScheduler" && (variance === "learned" || variance === "learned_range")) {
    throw new SchedulerConfigError("variance_type", `variance_type ${variance} is not supported`);
  }
  if (className === "UniPCMultistepScheduler" && (config["solver_p"] ?? null) !== null) {
    throw new SchedulerConfigError("solver_p", "solver_p is not supported");
  }
}

type Reader = ReturnType<typeof createReader>;

/** Typed access to the keys of a configuration. Absent and null both mean the default. */
function createReader(config: SchedulerConfig) {
  function fail(key: string, wanted: string): never {
    throw new SchedulerConfigError(key, `${key} must be ${wanted}; got ${JSON.stringify(config[key])}`);
  }
  function number(key: string, fallback: number): number {
    const value = config[key] ?? fallback;
    return typeof value === "number" && !Number.isNaN(value) ? value : fail(key, "a number");
  }
  function integer(key: string, fallback: number): number {
    const value = number(key, fallback);
    return Number.isInteger(value) ? value : fail(key, "a whole number");
  }
  return {
    number,
    integer,
    count(key: string, fallback: number): number {
      const value = integer(key, fallback);
      return value > 0 ? value : fail(key, "above zero");
    },
    optionalNumber(key: string): number | undefined {
      return (config[key] ?? null) === null ? undefined : number(key, 0);
    },
    boolean(key: string, fallback: boolean): boolean {
      const value = config[key] ?? fallback;
      return typeof value === "boolean" ? value : fail(key, "true or false");
    },
    numbers(key: string): readonly number[] | undefined {
      const value = config[key] ?? undefined;
      if (value === undefined) {
        return undefined;
      }
      const isNumbers = Array.isArray(value) && value.every((item) => typeof item === "number");
      return isNumbers ? value : fail(key, "a list of numbers");
    },
    choice<const Choice>(key: string, choices: readonly Choice[], fallback: Choice): Choice {
      const value = config[key] ?? fallback;
      return choices.find((choice) => choice === value) ?? fail(key, `one of ${choices.join(", ")}`);
    },
  };
}
