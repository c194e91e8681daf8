import { defineConfig } from 'eslint/config';
import regexp from 'eslint-plugin-regexp';
import tseslint from 'typescript-eslint';
import { oneWayImports } from './hack/lint/one-way-imports.mjs';

const tests = ['**/*.test.ts', 'test/**'];
// Where the process meets the world; everywhere else time, chance and the environment are arguments.
const compositionRoots = [
  'src/main.ts',
  'src/cli/**',
  'src/lib/clock.ts',
  'src/lib/virtual-clock.ts',
  'hack/**',
  '*.config.*',
  ...tests,
];

const takeAClock = 'Take a Clock (src/lib/clock.ts) as an argument.';
const takeRandomness = 'Take the source of randomness as an argument.';
const onlyInMain = 'Only the composition roots may touch the process.';

const impureGlobals = ['setTimeout', 'setInterval', 'setImmediate'].map((name) => ({ name, message: takeAClock }));
const impureProperties = [
  { object: 'Date', property: 'now', message: takeAClock },
  { object: 'performance', property: 'now', message: takeAClock },
  { object: 'AbortSignal', property: 'timeout', message: takeAClock },
  { object: 'Math', property: 'random', message: takeRandomness },
  { object: 'process', property: 'env', message: onlyInMain },
  { object: 'process', property: 'exit', message: onlyInMain },
];
// A rule that reads it overlooks what holds the VM back: the schedule, a budget.
const rawPowerState = ['[object.name="spec"]', '[object.property.name="spec"]'].map((object) => ({
  selector: `MemberExpression[property.name="powerState"]${object}`,
  message: 'Ask powerWantedNow (src/plan/vm/power-hold.ts).',
}));
const impureModules = ['node:timers', 'node:timers/promises'].map((name) => ({ name, message: takeAClock }));

export default defineConfig(
  { ignores: ['node_modules/', 'dist/', 'coverage/', 'test/fixtures/'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      eqeqeq: 'error',
      'no-console': 'error',
      complexity: ['error', { max: 10, variant: 'modified' }],
      'max-depth': ['error', 3],
      'max-params': ['error', 4],
      'max-lines': ['error', { max: 300 }],
      'max-lines-per-function': ['error', { max: 70 }],
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
    },
  },
  {
    // A pattern that takes for ever on the right text is a way to stop the process.
    files: ['src/**/*.ts'],
    ignores: [...tests, 'src/**/testing/**'],
    plugins: { regexp },
    rules: {
      'regexp/no-super-linear-backtracking': ['error', { report: 'potential' }],
      'regexp/no-super-linear-move': ['error', { report: 'potential' }],
      // Two ways to read the same text double with each repetition.
      'regexp/no-dupe-disjunctions': 'error',
    },
  },
  {
    files: ['src/**/*.ts'],
    ignores: tests,
    plugins: { layers: { rules: { 'one-way-imports': oneWayImports } } },
    rules: { 'layers/one-way-imports': 'error' },
  },
  {
    files: ['src/**/*.ts'],
    ignores: compositionRoots,
    rules: {
      'no-restricted-globals': ['error', ...impureGlobals],
      'no-restricted-properties': ['error', ...impureProperties],
      'no-restricted-imports': ['error', { paths: impureModules }],
      'no-restricted-syntax': [
        'error',
        { selector: 'NewExpression[callee.name="Date"][arguments.length=0]', message: takeAClock },
        ...rawPowerState,
      ],
    },
  },
  { files: ['src/main.ts', 'src/cli/**', 'hack/**'], rules: { 'no-console': 'off' } },
  {
    files: tests,
    rules: {
      complexity: 'off',
      'max-lines': 'off',
      'max-params': 'off',
      'max-lines-per-function': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
    },
  },
  {
    // Set-up scripts are plain JavaScript, because they run before a Node.js that knows types is there; tsc checks them.
    files: ['**/*.mjs'],
    extends: [tseslint.configs.disableTypeChecked],
    rules: { '@typescript-eslint/explicit-module-boundary-types': 'off' },
  },
);
