// Loaded before every test file. Mocha lets an unhandled rejection pass, and nearly every Pulumi failure is one: rethrow it.
process.on("unhandledRejection", (reason) => {
  throw reason;
});
