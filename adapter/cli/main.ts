/** The `lockstep` command. Each subcommand loads what it needs only when it is used: `dap` must answer quickly. */
import { Command } from 'commander';
import { runOptions } from '../language/run/arguments.js';

declare const LOCKSTEP_VERSION: string;

/** Exit status for input that cannot be run; 1 is for a scenario that failed. */
export const BAD_INPUT = 2;

const program = new Command('lockstep')
  .description('Runs kernel code one shared access at a time: scenarios of KVM, TCP syncache and binder.')
  .version(typeof LOCKSTEP_VERSION === 'string' ? LOCKSTEP_VERSION : 'development')
  .showSuggestionAfterError()
  .exitOverride((e) => process.exit(e.exitCode === 0 ? 0 : BAD_INPUT));

runOptions(program.command('run'))
  .description('Run scenarios and say whether they end as they should')
  .argument('<file...>', 'scenario files (*.lockstep)')
  .option('--record <file>', 'write the choices of the run to a .schedule.json file')
  .option('--json', 'print one JSON object for each scenario')
  .option('--counters', "print the subsystem's counters at the end")
  .option('--quiet', 'print only what failed')
  .action(async (files: string[], options: Record<string, unknown>) => {
    const { run } = await import('./run.js');
    process.exitCode = await run(files, options);
  });

program
  .command('check')
  .description('Check scenario files without running them')
  .argument('<file...>', 'scenario files (*.lockstep)')
  .option('--json', 'print the diagnostics as JSON')
  .action(async (files: string[], options: { json?: boolean }) => {
    const { check } = await import('./check.js');
    process.exitCode = check(files, options);
  });

program
  .command('dap')
  .description('Serve the Debug Adapter Protocol on standard input and output, or on a loopback port')
  .option('--port <n>', 'listen on 127.0.0.1 at this port (0: any free one, which is printed)', port)
  .action(async (options: { port?: number }) => {
    const { runDap } = await import('./dap.js');
    await runDap(options);
  });

function port(text: string): number {
  const n = Number(text);
  if (Number.isInteger(n) && n >= 0 && n < 65536) return n;
  process.stderr.write(`error: '${text}' is not a port: expected a number from 0 to 65535\n`);
  process.exit(BAD_INPUT);
}

void program.parseAsync();
