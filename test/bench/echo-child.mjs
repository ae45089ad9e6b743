// A child process that sends every message back.
process.on("message", (message) => process.send(message));
