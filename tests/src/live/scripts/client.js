// A client that sends many requests over one connection and tells each exchange as one line of JSON.
const http2 = require('node:http2');
const https = require('node:https');
const fs = require('node:fs');
const { port, sni, root, http, authorities, concurrent, pause } = JSON.parse(process.env.SCENE);
const ca = fs.readFileSync(root);
const name = sni ?? '127.0.0.1';
const lookup = (_, options, done) =>
  options.all ? done(null, [{ address: '127.0.0.1', family: 4 }]) : done(null, '127.0.0.1', 4);
const method = (number) => ['GET', 'POST', 'HEAD'][number % 3];
const body = (number) => (method(number) === 'POST' ? 'x'.repeat(1 + (number % 5000)) : undefined);
let local = '';
// Says that it pauses, behind so many exchanges, until its standard input says something.
let paused = false;
const pausing = (number, go) => {
  if (pause !== number || paused) return false;
  paused = true;
  console.log('paused');
  process.stdin.once('data', () => { process.stdin.destroy(); go(); });
  return true;
};
const tell = (number, status, stream) => console.log(JSON.stringify({
  client: local, server: `127.0.0.1:${port}`, sni, host: authorities[number], status,
  method: method(number), protocol: http, pid: process.pid, stream,
}));
const fail = (error) => { console.error(error); process.exit(1); };

function two() {
  const session = http2.connect(`https://${name}:${port}`, { ca, lookup, servername: sni ?? '' });
  session.on('error', fail);
  let next = 0;
  let open = 0;
  const more = () => {
    while (open < concurrent && next < authorities.length) {
      if (next === pause && !paused && open > 0) return;
      if (pausing(next, more)) return;
      const number = next++;
      open++;
      const headers = { ':path': '/', ':method': method(number), ':authority': authorities[number] };
      const request = session.request(headers, { endStream: body(number) === undefined });
      let status = 0;
      request.on('response', (answer) => { status = answer[':status']; });
      request.on('error', fail);
      request.on('close', () => {
        tell(number, status, request.id);
        open--;
        if (next === authorities.length && open === 0) session.close(); else more();
      });
      request.resume();
      if (body(number) !== undefined) request.end(body(number));
    }
  };
  session.on('connect', () => {
    local = `127.0.0.1:${session.socket.localPort}`;
    more();
  });
}

function one() {
  const fresh = () => new https.Agent({ keepAlive: true, maxSockets: 1 });
  let agent = fresh();
  let ordinal = 0;
  const ask = (number) => {
    if (pausing(number, () => ask(number))) return;
    if (number === authorities.length) return agent.destroy();
    const request = https.request({
      agent, ca, lookup, host: name, port, servername: sni ?? '', path: '/', method: method(number),
      headers: { host: authorities[number] },
    }, (answer) => {
      const now = `127.0.0.1:${answer.socket.localPort}`;
      ordinal = now === local ? ordinal + 1 : 1;
      local = now;
      answer.resume();
      answer.on('end', () => {
        tell(number, answer.statusCode, ordinal);
        // Apache closes after a 421, and does not always say so: the next request is for another connection.
        if (answer.statusCode === 421) {
          agent.destroy();
          agent = fresh();
        }
        ask(number + 1);
      });
    });
    request.on('error', fail);
    request.end(body(number));
  };
  ask(0);
}

if (http === '2') two(); else one();
