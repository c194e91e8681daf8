import type { Command, Option } from 'commander';
import { z } from 'zod';

import { operatorCommand } from '../../src/cli/operator.ts';
import { simulateCommand } from '../../src/cli/simulate.ts';

/** Flags that the chart sets itself: its roles, ports and probes have to fit them. */
const setByTheChart = new Set([
  ...['kubeconfig', 'context', 'telemetry-port', 'shutdown-grace'],
  ...['leader-elect', 'leader-elect-resource-name', 'leader-elect-resource-namespace'],
  // Of the simulator.
  ...['host', 'port', 'api-key', 'api-token'],
]);

/** The flags of a command that a user of the chart may set, by their names without dashes. */
export function flagsOf(command: Command): readonly Option[] {
  return command.options.filter(({ long }) => long !== undefined && !setByTheChart.has(nameOf({ long })));
}

export function nameOf({ long }: Pick<Option, 'long'>): string {
  return (long ?? '').replace(/^--/, '');
}

function flagsOfCommand(command: Command, description: string): z.ZodType {
  const entries = flagsOf(command).map((option): [string, z.ZodType] => {
    const value = option.required ? z.union([z.string(), z.number()]) : z.boolean();
    return [nameOf(option), value.optional().describe(option.description)];
  });
  return z.strictObject(Object.fromEntries(entries)).default({}).describe(description);
}

export const operatorFlags = flagsOfCommand(
  operatorCommand(),
  'Flags of "gpuvm operator" by their names, without the dashes, such as log-level: debug. One that takes no value is true. The README lists all.',
);

export const simulatorFlags = flagsOfCommand(
  simulateCommand(),
  'Flags of "gpuvm simulate" by their names, without the dashes. One that takes no value is true.',
);
