/** `lockstep dap`: the debug adapter, on its standard streams or on a loopback socket. */
import { createServer, type Socket } from 'node:net';
import { Session } from '../session/session.js';

/** Milliseconds that the last messages have to leave before the process ends. */
const GRACE = 500;

/**
 * Serves debug sessions. Without a port: one session on standard input and output, and the process ends with it. With a port: any
 * number of sessions on 127.0.0.1, one for each connection, until the process is ended; 0 takes a free port. The port is printed.
 * A port that cannot be had is told on standard error, with exit status 2.
 */
export async function runDap(options: { readonly port?: number } = {}): Promise<void> {
  if (options.port === undefined) return serveStreams();
  return serveSocket(options.port);
}

async function serveStreams(): Promise<void> {
  await new Promise<void>((resolve) => {
    // A client that is gone reads nothing any more, so that what is still to be written must not keep the process.
    process.stdin.once('end', () => setTimeout(resolve, GRACE).unref());
    new Session(process.stdin, process.stdout, resolve);
  });
  process.exit(0);
}

async function serveSocket(port: number): Promise<void> {
  const connections = new Set<Socket>();
  const server = createServer((socket) => {
    connections.add(socket);
    socket.setNoDelay(true);
    socket.on('close', () => connections.delete(socket));
    new Session(socket, socket, () => socket.destroySoon());
  });
  const stop = () => {
    server.close();
    for (const socket of connections) socket.destroy();
  };
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  const problem = await new Promise<NodeJS.ErrnoException | null>((resolve) => {
    server.once('error', resolve);
    server.listen(port, '127.0.0.1', () => resolve(null));
  });
  if (problem !== null) {
    const why =
      problem.code === 'EADDRINUSE'
        ? `port ${port} is in use: choose another, or 0 for a free one`
        : problem.message;
    process.stderr.write(`error: ${why}\n`);
    process.exitCode = 2;
    return;
  }
  const address = server.address();
  process.stdout.write(`listening on 127.0.0.1:${typeof address === 'object' ? address?.port : port}\n`);
  await new Promise<void>((resolve) => server.once('close', () => resolve()));
}
