// A client that does each step over the connection that it is told to, and tells how each ended.
const http2 = require('node:http2');
const https = require('node:https');
const fs = require('node:fs');
const { root, from, steps } = JSON.parse(process.env.SCENE);
const ca = fs.readFileSync(root);
const connections = new Map();
const fail = (error) => { console.error(error); process.exit(1); };
const connection = ({ connection }, open) => {
  if (!connections.has(connection)) connections.set(connection, open());
  return connections.get(connection);
};
// What the server is compared with is the SNI; without one, there is nothing to compare with.
const tls = ({ sni }) => ({
  ca, servername: sni ?? '', localAddress: from, rejectUnauthorized: sni !== null,
});

const two = (step) => new Promise((resolve) => {
  const session = connection(step, () => {
    const opened = http2.connect(`https://127.0.0.1:${step.port}`, tls(step));
    opened.on('error', fail);
    return { request: (headers) => opened.request(headers), close: () => opened.close() };
  });
  const request = session.request({
    ':authority': step.authority, ':path': step.path, 'user-agent': step.agent,
  });
  let status = 0;
  request.on('response', (headers) => { status = headers[':status']; });
  request.on('error', () => {});
  request.on('close', () => resolve(status));
  request.resume();
});

const one = (step) => new Promise((resolve) => {
  const { agent } = connection(step, () => {
    const agent = new https.Agent({ keepAlive: true, maxSockets: 1 });
    return { agent, close: () => agent.destroy() };
  });
  const request = https.request({
    ...tls(step), agent, host: '127.0.0.1', port: step.port, path: step.path,
    headers: { host: step.authority, 'user-agent': step.agent },
  }, (answer) => {
    answer.resume();
    answer.on('end', () => resolve(answer.statusCode));
  });
  request.on('error', fail);
  request.end();
});

(async () => {
  const statuses = [];
  for (const step of steps) statuses.push(await (step.http === '2' ? two : one)(step));
  console.log(JSON.stringify(statuses));
  for (const { close } of connections.values()) close();
})();
