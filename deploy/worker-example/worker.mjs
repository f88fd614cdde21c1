// A notification worker in JavaScript (Node 20, no packages): takes messages from
// a hub and puts each into a folder as <outbound>.eml.
//
//   HUB=http://127.0.0.1:8080 TOKEN_FILE=token FOLDER=out node worker.mjs
import { mkdir, open, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const hub = process.env.HUB.replace(/\/$/, "");
const token = (await readFile(process.env.TOKEN_FILE, "utf8")).trim();
const folder = process.env.FOLDER;
await mkdir(folder, { recursive: true });

let stopping = false;
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => (stopping = true));

// ask sends one request of the contract. 409 says that the task is not ours any
// more; 4xx else is our own mistake; anything else passes.
async function ask(path, body) {
  const answer = await fetch(hub + path, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(60_000),
  });
  const text = await answer.text();
  const value = text ? JSON.parse(text) : null;
  if (answer.ok) return value;
  throw Object.assign(new Error(`${path}: ${answer.status} ${value?.reason ?? ""}`), {
    final: answer.status >= 400 && answer.status < 500 && answer.status !== 429,
    status: answer.status,
  });
}

// deliver is the step that cannot be taken back: here, a file that appears under
// its name at once. The same message again is the same file.
async function deliver(message) {
  const name = join(folder, `${message.outbound}.eml`);
  const file = await open(`${name}.part`, "w", 0o600);
  try {
    await file.writeFile(Buffer.from(message.message, "base64"));
    await file.sync();
  } finally {
    await file.close();
  }
  return () => rename(`${name}.part`, name);
}

async function report(result) {
  for (let pause = 200; ; pause = Math.min(2 * pause, 15_000)) {
    try {
      return await ask("/worker/v1/results", result);
    } catch (err) {
      if (err.final) return console.error(err.message);
      await sleep(pause);
    }
  }
}

async function task(offer) {
  const { outbound } = offer.event.data;
  const claim = offer.claim;
  let message;
  try {
    message = await ask(`/worker/v1/claims/${outbound}`, { claim });
  } catch (err) {
    return console.error(err.message); // it is offered again, to us or to others
  }
  let commit;
  try {
    commit = await deliver(message);
  } catch (err) {
    return report({ claim, outcome: "deferred", class: "temporary", code: err.code ?? "" });
  }
  try {
    await ask("/worker/v1/started", { claim });
  } catch (err) {
    if (err.final) return console.error(err.message); // somebody else has it
    return report({ claim, outcome: "deferred", class: "host" });
  }
  try {
    await commit();
    await report({ claim, outcome: "accepted", code: "250", queue: "file" });
  } catch {
    await report({ claim, outcome: "unknown", class: "connection_lost" });
  }
}

console.log(`taking mail from ${hub}`);
for (let pause = 200; !stopping; ) {
  try {
    const offer = await ask("/worker/v1/next", { channel: "email", wait: 2 });
    if (offer) await task(offer);
    pause = 200;
  } catch (err) {
    if (err.final) throw err;
    await sleep(pause);
    pause = Math.min(2 * pause, 15_000);
  }
}
