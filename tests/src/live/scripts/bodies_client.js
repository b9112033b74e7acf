// Bodies of every size over HTTP/2, many at once.
const http2 = require('node:http2');
const fs = require('node:fs');
const scene = JSON.parse(process.env.SCENE);
const session = http2.connect(`https://a.test:${scene.port}`, {
  ca: fs.readFileSync(scene.root),
  lookup: (_, options, done) =>
    options.all ? done(null, [{ address: '127.0.0.1', family: 4 }]) : done(null, '127.0.0.1', 4),
});
session.on('error', (error) => { console.error(error); process.exit(1); });
const sizes = [0, 1, 8, 100, 1000, 4096, 16384, 16385, 70000, 300000];
const paths = sizes.flatMap((size) => [`/length/${size}`, `/chunked/${size}`]);
let open = paths.length;
for (const path of paths) {
  const size = Number(path.split('/').pop());
  const request = session.request({ ':path': path, ':method': 'POST', 'x-told': scene.header });
  request.on('close', () => {
    if (--open === 0) {
      console.log(JSON.stringify({ exchanges: paths.length }));
      session.close();
    }
  });
  request.resume();
  const body = scene.marker.repeat(Math.ceil(size / scene.marker.length));
  for (let at = 0; at < body.length; at += 5000) request.write(body.slice(at, at + 5000));
  request.end();
}
