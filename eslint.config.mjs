// Lint rules: strict and type-checked; the folder arrows of the architecture; JSDoc on the public surface.
import pulumi from "@pulumi/eslint-plugin";
import jsdoc from "eslint-plugin-jsdoc";
import mocha from "eslint-plugin-mocha";
import tseslint from "typescript-eslint";

const noImports = (...groups) => [
  "error",
  {
    patterns: groups.map(([match, message]) =>
      typeof match === "string" ? { regex: match, message } : { group: match, message },
    ),
  },
];
const NO_COMPONENTS = [
  ["**/components", "**/components/**"],
  "components are a floor above: see the architecture guide",
];
const NO_PULUMI = [["@pulumi/*"], "only components, the program and the engine know Pulumi"];
const NO_TESTS = [["**/tests/**"], "nobody imports tests"];

export default tseslint.config(
  { ignores: ["node_modules/**", "bin/**", "dist/**", "coverage/**", "bundles/**", "**/*.mjs", "**/*.cjs"] },
  ...tseslint.configs.strictTypeChecked,
  ...tseslint.configs.stylisticTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        project: ["./tsconfig.json", "./clients/tsconfig.json", "./local/console/web/tsconfig.json"],
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true, allowBoolean: true }],
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
      "@typescript-eslint/consistent-type-imports": ["error", { fixStyle: "inline-type-imports" }],
      "@typescript-eslint/no-explicit-any": "error",
      // Services and clients are records of closures: taking one of their functions out is safe.
      "@typescript-eslint/unbound-method": "off",
      "@typescript-eslint/no-meaningless-void-operator": "off",
      "@typescript-eslint/no-invalid-void-type": "off",
      // Services answer promises by contract, also where the answer is at hand.
      "@typescript-eslint/require-await": "off",
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      "no-restricted-imports": noImports(NO_TESTS),
      "max-lines": ["error", { max: 420, skipBlankLines: true, skipComments: true }],
      eqeqeq: "error",
    },
  },
  {
    files: ["components/**/*.ts", "index.ts", "examples/**/*.ts"],
    plugins: { "@pulumi": pulumi },
    rules: {
      "@pulumi/no-output-in-template-literal": "error",
      "@pulumi/no-output-instance-in-template-literal": "error",
    },
  },
  {
    files: ["components/**/*.ts"],
    rules: {
      "no-restricted-imports": noImports(
        NO_TESTS,
        [["**/local/**", "**/clients/**"], "components import neither the local run nor clients"],
        ["handlers/(?!.*/contract$)", "components import only the contract of handlers"],
      ),
    },
  },
  {
    files: ["handlers/**/*.ts", "clients/**/*.ts"],
    rules: { "no-restricted-imports": noImports(NO_TESTS, NO_COMPONENTS, NO_PULUMI) },
  },
  {
    files: ["clients/**/*.ts"],
    rules: {
      "no-restricted-imports": noImports(NO_TESTS, NO_COMPONENTS, NO_PULUMI, [["node:*"], "clients run in a browser"]),
    },
  },
  {
    files: ["local/cloud/**/*.ts"],
    rules: {
      "no-restricted-imports": noImports(NO_TESTS, NO_COMPONENTS, NO_PULUMI, [
        ["**/engine/**"],
        "the embedded cloud sees declared resources only",
      ]),
    },
  },
  {
    files: ["components/**/*.ts", "handlers/**/contract.ts"],
    plugins: { jsdoc },
    rules: {
      "jsdoc/require-jsdoc": [
        "error",
        {
          publicOnly: true,
          contexts: [
            "ExportNamedDeclaration > TSInterfaceDeclaration",
            "ExportNamedDeclaration > TSTypeAliasDeclaration",
            "TSInterfaceDeclaration[id.name=/Args$/] TSPropertySignature",
          ],
        },
      ],
    },
  },
  {
    // Typed arrays and checked indexes in hot loops.
    files: ["clients/**/*.ts"],
    rules: { "@typescript-eslint/no-non-null-assertion": "off" },
  },
  {
    // Inputs of declared resources are JSON that the models have checked before they read it.
    files: ["local/cloud/**/*.ts", "local/cli/**/*.ts", "clients/session/**/*.ts"],
    rules: { "@typescript-eslint/no-base-to-string": "off" },
  },
  {
    // The program and its loader are CommonJS modules that are only known at run time.
    files: ["local/engine/**/*.ts", "local/cli/project.ts"],
    rules: {
      "@typescript-eslint/no-require-imports": "off",
      "@typescript-eslint/consistent-type-imports": "off",
      "@typescript-eslint/no-unsafe-return": "off",
      "@typescript-eslint/no-dynamic-delete": "off",
    },
  },
  {
    // dagre's types do not resolve under "nodenext"; what comes out of it is typed at once.
    files: ["local/console/layout.ts"],
    rules: {
      "@typescript-eslint/no-unsafe-call": "off",
      "@typescript-eslint/no-unsafe-member-access": "off",
      "@typescript-eslint/no-unsafe-assignment": "off",
    },
  },
  {
    // Benches measure the running stack, which the tests know how to start.
    files: ["bench/**/*.ts"],
    rules: { "no-restricted-imports": "off" },
  },
  {
    files: ["tests/**/*.ts"],
    plugins: { mocha },
    rules: {
      "mocha/no-exclusive-tests": "error",
      "mocha/no-pending-tests": "error",
      "@typescript-eslint/no-non-null-assertion": "off",
      "@typescript-eslint/no-unnecessary-condition": "off",
      "@typescript-eslint/no-base-to-string": "off",
      "@typescript-eslint/no-misused-spread": "off",
      "@typescript-eslint/no-dynamic-delete": "off",
      "max-lines": ["error", { max: 900, skipBlankLines: true, skipComments: true }],
    },
  },
);
