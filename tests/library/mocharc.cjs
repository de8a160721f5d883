// Mocha's configuration of `npm run test:package`: the tests of what is published, after it was built.
const { jobs: _jobs, parallel: _parallel, ...settings } = require("../../.mocharc.cjs");

module.exports = { ...settings, spec: ["tests/library/**/*.test.ts"] };
