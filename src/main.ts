import { Command } from 'commander';

import { demoCommand } from './cli/demo.ts';
import { operatorCommand } from './cli/operator.ts';
import { simulateCommand } from './cli/simulate.ts';
import { messageOf } from './lib/errors.ts';

const program = new Command('gpuvm')
  .description('GPU VMs of the TensorDock marketplace as Kubernetes resources')
  .addCommand(operatorCommand())
  .addCommand(simulateCommand())
  .addCommand(demoCommand())
  .showHelpAfterError('(add --help for all options)');

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`gpuvm: ${messageOf(error)}\n`);
  process.exitCode = 1;
}
