// node build/guard.mjs COMMAND ARGUMENT...
//
// Runs a command in this process's group, which it must be the head of. When standard input ends, whoever started this is gone,
// however it went, and the whole group is ended.
import { spawn } from 'node:child_process';

const [command, ...args] = process.argv.slice(2);
const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
child.once('error', (error) => {
  console.error(`error: ${command} cannot be run: ${error.message}`);
  process.exit(127);
});
child.once('exit', (code) => process.exit(code ?? 1));

process.stdin.resume().once('close', () => {
  child.kill('SIGKILL');
  if (process.platform !== 'win32') process.kill(-process.pid, 'SIGKILL');
});
