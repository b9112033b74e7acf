// Node's `fetch`, which may ask again by itself; tells what it comes back with for each step.
const { steps } = JSON.parse(process.env.SCENE);
const dns = require('node:dns');
dns.lookup = (name, options, done) =>
  options.all ? done(null, [{ address: '127.0.0.1', family: 4 }]) : done(null, '127.0.0.1', 4);
const bodies = { none: () => undefined, text: () => 'text', stream: () => new Blob(['text']).stream() };
(async () => {
  const statuses = [];
  for (const { url, body } of steps) {
    const method = body === 'none' ? 'GET' : 'POST';
    const answer = await fetch(url, { method, body: bodies[body](), duplex: 'half' });
    await answer.arrayBuffer();
    statuses.push(answer.status);
  }
  console.log(JSON.stringify(statuses));
})();
