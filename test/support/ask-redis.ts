import { connect } from 'node:net';

/** One command, by Redis's own protocol; its answer as text. */
export function askRedis(port: number, command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('error', reject);
    socket.once('data', (bytes) => {
      socket.destroy();
      resolve(bytes.toString('utf8').trim());
    });
    socket.write(`${command}\r\n`);
  });
}
