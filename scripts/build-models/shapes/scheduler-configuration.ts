// Makes the scheduler_config.json of the published model families.

export interface SchedulerOptions {
  readonly className: "PNDMScheduler" | "EulerDiscreteScheduler";
  /** @default "leading" */
  readonly timestepSpacing?: "leading" | "trailing";
}

/** The file's content: Stable Diffusion's betas, and what the options say. */
export function schedulerConfiguration(options: SchedulerOptions): object {
  return {
    _class_name: options.className,
    _diffusers_version: "0.30.0",
    beta_start: 0.00085,
    beta_end: 0.012,
    beta_schedule: "scaled_linear",
    num_train_timesteps: 1000,
    prediction_type: "epsilon",
    timestep_spacing: options.timestepSpacing ?? "leading",
    steps_offset: 1,
    trained_betas: null,
    ...(options.className === "PNDMScheduler" ? { skip_prk_steps: true, set_alpha_to_one: false } : {}),
  };
}
