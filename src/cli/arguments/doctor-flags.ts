// The flags of `hearth doctor` beside those of the configuration.
import type { CommandFlag } from "../command.ts";

export const forgetFlag: CommandFlag = {
  flag: "forget",
  placeholder: "",
  description: "Forget first what was found out about GPUs, so that the next load of each model tries them again.",
  repeatable: false,
  note: "",
  isSwitch: true,
};
