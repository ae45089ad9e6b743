// The error of a command line that is wrong.

/** Its message is for the user; the program adds where help is. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "UsageError";
  }
}
