// A receiver of the hub's webhooks (Node 20, no packages). It checks the signature
// as Standard Webhooks says and prints what it believes, a line of JSON each.
//
//   SECRET_FILE=secret node receiver.mjs      prints the port it listens on first
//
// With REFUSE=n it answers 503 to the first n requests, to show that they come again.
import { createHmac, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";

const secrets = readFileSync(process.env.SECRET_FILE, "utf8")
  .trim()
  .split(/\s+/)
  .map((s) => Buffer.from(s.replace(/^whsec_/, ""), "base64"));
let refuse = Number(process.env.REFUSE ?? 0);
const tolerance = 5 * 60; // seconds

function genuine(headers, body) {
  const id = headers["webhook-id"];
  const at = Number(headers["webhook-timestamp"]);
  if (!id || !(Math.abs(Date.now() / 1000 - at) < tolerance)) return false;
  return String(headers["webhook-signature"] ?? "").split(" ").some((given) => {
    const [version, value] = given.split(",");
    const got = Buffer.from(value ?? "", "base64");
    return version === "v1" && secrets.some((secret) => {
      const want = createHmac("sha256", secret).update(`${id}.${at}.`).update(body).digest();
      return got.length === want.length && timingSafeEqual(got, want);
    });
  });
}

const server = createServer(async (req, res) => {
  const parts = [];
  for await (const part of req) parts.push(part);
  const body = Buffer.concat(parts);
  if (!genuine(req.headers, body)) return res.writeHead(401).end();
  if (refuse-- > 0) return res.writeHead(503, { "retry-after": "1" }).end();
  console.log(JSON.stringify({ id: req.headers["webhook-id"], event: JSON.parse(body) }));
  res.writeHead(204).end();
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
